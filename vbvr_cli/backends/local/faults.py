"""What the disk and SQLite report, said in words that name the path and the way out."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

from vbvr_cli.errors import ConfigurationError, DiskFullError, ServiceError, VbvrError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NOT_WRITABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_WRONG_KIND = frozenset({errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG})
_ALMOST_NOTHING = 1 << 20


def disk_full(path: Path) -> DiskFullError:
    """No space is left on the disk of `path`."""
    return DiskFullError(
        f"No space is left for {path}.",
        hint="Make room on that disk and run the same command again: what was finished is kept.",
    )


def from_os_error(error: OSError, path: Path) -> VbvrError:
    """What an operating system's error on `path` means to the user."""
    if error.errno in _FULL:
        return disk_full(path)
    if error.errno in _NOT_WRITABLE:
        return ConfigurationError(
            f"{path} cannot be written or read.",
            why=error.strerror,
            hint="Give this user the right to write there, or choose another folder.",
        )
    if error.errno in _WRONG_KIND:
        return ConfigurationError(
            f"{path} cannot be a folder or file of vbvr.",
            why=error.strerror,
            hint="Move away what stands in its place, or choose another folder.",
        )
    return ServiceError(
        f"The disk failed at {path}.", why=error.strerror or str(error), hint="Check the disk and try again."
    )


def from_sqlite_error(error: sqlite3.Error, path: Path, *, opening: bool) -> VbvrError | None:
    """What SQLite's error on the database at `path` means to the user; None for a mistake of our own.

    While `opening`, a file that cannot be written is a matter of configuration; later, of the service.
    """
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        return disk_full(path)
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return corrupt(path, str(error))
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return ServiceError(
            f"{path} stayed locked by another process.",
            why=str(error),
            hint="Try again; if it stays so, look for a stopped vbvr process.",
        )
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        kind = ConfigurationError if opening else ServiceError
        return kind(
            f"The state in {path} cannot be opened for writing.",
            why=str(error),
            hint="Give this user the right to write to the file and its folder, or choose another --home.",
        )
    if code == sqlite3.SQLITE_IOERR:
        return ServiceError(
            f"The disk failed at {path}.", why=str(error), hint="Check the disk and try again."
        )
    return None


def corrupt(path: Path, why: str) -> ConfigurationError:
    """A database that SQLite cannot read."""
    return ConfigurationError(
        f"{path} is damaged or no state of vbvr.",
        why=why,
        hint=f"Choose another --home, or delete {path.parent} and submit again: "
        "samples that are finished in their bucket are found and kept.",
    )


def wrong_version(path: Path, found: int, ours: int) -> ConfigurationError:
    """A state folder that another version of vbvr wrote."""
    return ConfigurationError(
        f"The state in {path.parent} has layout {found}; this vbvr reads layout {ours}.",
        why="Another version of vbvr made it.",
        hint=f"Finish with that version of vbvr, choose another --home, or delete {path.parent}.",
    )


def _is_full(path: Path) -> bool:
    """Whether an I/O error came of a full disk: SQLite says so for some of its files only."""
    try:
        return shutil.disk_usage(path.parent).free < _ALMOST_NOTHING
    except OSError:
        return False
