"""Reading what a user points at, with errors that name it."""

from __future__ import annotations

import sys
from pathlib import Path

from vbvr_cli.errors import InvalidRequestError

STDIN = "stdin"


def read_text(file: Path) -> str:
    """The text of a file. Raises InvalidRequestError if it cannot be read."""
    try:
        return _decoded(file.read_bytes(), str(file))
    except OSError as error:
        raise _unreadable(str(file), error.strerror) from error


def read_stdin() -> str:
    """The text that a user gives on stdin. Raises InvalidRequestError if it cannot be read."""
    if sys.stdin is None:  # it was closed before Python began
        raise _unreadable(STDIN, "it is closed")
    try:
        return _decoded(sys.stdin.buffer.read(), STDIN)
    except OSError as error:
        raise _unreadable(STDIN, error.strerror) from error


def _decoded(data: bytes, name: str) -> str:
    """UTF-8, with or without a byte order mark; line ends stay as they are."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(name, "it is not UTF-8 text") from error


def _unreadable(name: str, why: str | None) -> InvalidRequestError:
    return InvalidRequestError(f"{name} cannot be read.", why=why)
