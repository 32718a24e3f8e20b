"""What reaches the end of the command line: arguments that say nothing, and errors that nobody described."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence

from vbvr_cli.errors import ConfigurationError, DiskFullError, InvalidRequestError, VbvrError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
REFUSED = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP}
)
_EMPTY = re.compile(r"(--[a-z][a-z-]*=)?")


def refuse_empty(arguments: Sequence[str]) -> None:
    """Raise InvalidRequestError for an argument that is empty: as a name it would mean everything."""
    for before, argument in zip(["vbvr", *arguments], arguments, strict=False):
        if _EMPTY.fullmatch(argument):
            raise InvalidRequestError(
                f"The argument after {before} is empty." if argument == "" else f"{argument} is empty.",
                why="most often that is a variable that is not set",
                hint="Give it a value, or leave it out.",
            )


def describe(error: Exception) -> VbvrError:
    """An error that no command described: the system's refusal of a file, or a bug."""
    if isinstance(error, OSError):
        place = str(error.filename) if error.filename else "The output"
        if error.errno in FULL:
            return DiskFullError(
                f"{place} cannot be written.",
                why=error.strerror,
                hint="Free some space and run the same command again: what was done is kept.",
            )
        if error.errno in REFUSED and error.filename:
            return ConfigurationError(
                f"{place} cannot be used.",
                why=error.strerror,
                hint="Give this user the right to it, or name another place.",
            )
    return VbvrError(
        f"This is a bug in vbvr: {type(error).__name__}: {error}",
        hint="Run it again with VBVR_DEBUG=1 and report what it prints.",
    )
