"""Reading what a user points at, with errors that name it."""

from __future__ import annotations

from pathlib import Path

from vbvr_cli.errors import InvalidRequestError


def read_text(file: Path) -> str:
    """The text of a file. Raises InvalidRequestError if it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidRequestError(f"{file} cannot be read.", why=why) from error
