"""What can be wrong with one object of a download, or with where it belongs."""

from __future__ import annotations

import errno

from vbvr_cli.errors import ConfigurationError, DiskFullError, VbvrError, WorkFailedError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
BLOCKED = frozenset({errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ENOENT})
IMPOSSIBLE = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP})


class ObjectProblemError(WorkFailedError):
    """One object cannot be brought; the others can."""


class MismatchError(ObjectProblemError):
    """An object's bytes are not those that its manifest names."""


class OccupiedError(ObjectProblemError):
    """A file of another content is where an object belongs."""


class UnsafeKeyError(ObjectProblemError):
    """A key leads out of the folder."""


def mismatch(key: str, written: int, size: int | None) -> str:
    """In which way an object is not what was promised."""
    why = f"{written} bytes instead of {size}" if size not in (None, written) else "another SHA-256"
    return f"{key}: the bytes in the store are not those that its manifest names ({why})."


def explain(error: OSError, target: str) -> VbvrError:
    """What the disk's refusal means, for one object or for all."""
    if error.errno in FULL:
        return DiskFullError(
            f"No space is left for {target}.",
            why=error.strerror,
            hint="Free some space and run the same command again: it goes on where it stopped.",
        )
    if error.errno in BLOCKED:
        return OccupiedError(f"{target} cannot be written, something else is in its place: {error.strerror}.")
    if error.errno in IMPOSSIBLE:
        return UnsafeKeyError(f"{target} is no name for a file here: {error.strerror}.")
    return ConfigurationError(
        f"{target} cannot be written.",
        why=error.strerror,
        hint="Give this user the right to write there, or choose another --dest.",
    )
