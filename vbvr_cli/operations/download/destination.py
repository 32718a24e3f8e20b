"""The folder that a download fills: nothing leaves it, is overwritten in it, or is half there."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO

from vbvr_cli.errors import (
    ConfigurationError,
    DiskFullError,
    InvalidRequestError,
    ServiceError,
    VbvrError,
    WorkFailedError,
)

DATASET = frozenset({"questions", "manifests"})
PARTS = ".parts"
BLOCK = 1 << 20
LONGEST_NAME = 255
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
BLOCKED = frozenset({errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY})
IMPOSSIBLE = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP})


class ObjectProblemError(WorkFailedError):
    """One object cannot be brought; the others can."""


class MismatchError(ObjectProblemError):
    """An object's bytes are not those that its manifest names."""


class OccupiedError(ObjectProblemError):
    """A file of another content is where an object belongs."""


class UnsafeKeyError(ObjectProblemError):
    """A key leads out of the folder."""


class Destination:
    """Writes below `root`. Raises InvalidRequestError if that folder holds something else.

    What is not finished yet lies in a folder of its own, which is locked: several downloads can fill one
    destination, and what a killed one left is found and removed by the next.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        if self.root.exists():
            self._check_is_dataset()
        self._parts = self.root / PARTS
        self._lock: int | None = None
        self._stopped = threading.Event()

    def open(self) -> None:
        """Make the folder ready to be written to. Raises ConfigurationError where that cannot be."""
        folder = self.root / PARTS
        try:
            while self._lock is None:  # else another download has just taken it for a leftover
                self._parts = folder / secrets.token_hex(8)
                self._parts.mkdir(parents=True)
                self._lock = _lock(self._parts)
            for left in folder.iterdir():
                handle = _lock(left)
                if handle is not None:
                    shutil.rmtree(left, ignore_errors=True)
                    os.close(handle)
        except OSError as error:
            raise _explain(error, self.root) from error

    def stop(self) -> None:
        """Let what is being received end with an error."""
        self._stopped.set()

    def close(self) -> None:
        """Remove what was not finished."""
        if self._lock is None:
            return
        shutil.rmtree(self._parts, ignore_errors=True)
        with suppress(OSError):
            self._parts.parent.rmdir()
        os.close(self._lock)
        self._lock = None

    def has(self, key: str, size: int, sha256: str | None) -> bool:
        """Whether the object is there already. Raises OccupiedError if something else is."""
        file = self.path(key)
        try:
            found = file.stat()
            same = stat.S_ISREG(found.st_mode) and found.st_size == size
            if same and (sha256 is None or _digest(file) == sha256):
                return True
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _explain(error, file) from error
        raise OccupiedError(f"{file} holds other bytes already; remove it, or choose another --dest.")

    def seems_to_have(self, key: str, size: int) -> bool:
        """Whether a file of this size is there; nobody looks at its bytes."""
        try:
            return self.path(key).stat().st_size == size
        except OSError:
            return False

    def has_bytes(self, key: str, data: bytes) -> bool:
        """Whether exactly this is there."""
        file = self.path(key)
        try:
            return file.read_bytes() == data
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _explain(error, file) from error

    def write(self, key: str, source: IO[bytes], size: int | None, sha256: str | None) -> None:
        """Write an object whole, or not at all. Raises MismatchError if it is not what was promised."""
        target = self.path(key)
        with self.received(key, source, size, sha256) as part:
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                part.replace(target)
            except OSError as error:
                raise _explain(error, target) from error

    @contextmanager
    def received(self, key: str, source: IO[bytes], size: int | None, sha256: str | None) -> Iterator[Path]:
        """An object as a temporary file, checked. Raises MismatchError if it is not what was promised."""
        part = self._parts / secrets.token_hex(8)
        try:
            try:
                written, digest = self._receive(source, part, size)
            except OSError as error:
                raise _explain(error, self.root) from error
            if size not in (None, written) or sha256 not in (None, digest):
                raise MismatchError(_mismatch(key, written, size))
            yield part
        finally:
            part.unlink(missing_ok=True)

    def _receive(self, source: IO[bytes], part: Path, size: int | None) -> tuple[int, str]:
        """Copy a stream, no further than it is wrong already: how many bytes, and their SHA-256."""
        digest, written = hashlib.sha256(), 0
        with part.open("wb") as stream:
            while (size is None or written <= size) and (block := source.read(BLOCK)):
                if self._stopped.is_set():
                    raise ServiceError("The download was stopped.")
                stream.write(block)
                digest.update(block)
                written += len(block)
        return written, digest.hexdigest()

    def path(self, key: str) -> Path:
        """Where an object belongs. Raises UnsafeKeyError for a key that leaves the folder."""
        parts = PurePosixPath(key).parts
        safe = parts[:1] and parts[0] in DATASET and all(map(_is_plain, parts))
        target = self.root.joinpath(*parts) if safe else self.root
        if not safe or not target.parent.resolve().is_relative_to(self.root.resolve()):
            raise UnsafeKeyError(
                f"The key {key!r} leads out of {self.root}, or is none of a dataset: a manifest was tampered "
                "with, or a link was placed. Nothing was written for it."
            )
        return target

    def _check_is_dataset(self) -> None:
        if not self.root.is_dir():
            raise InvalidRequestError(f"{self.root} is not a folder.", hint="Choose another --dest.")
        names = {entry.name for entry in os.scandir(self.root)}
        if names and not names & DATASET and PARTS not in names:
            raise InvalidRequestError(
                f"{self.root} holds something else.",
                why=f"there is {sorted(names)[0]!r} in it, and neither questions nor manifests",
                hint="Choose a new or empty folder with --dest.",
            )


def _is_plain(name: str) -> bool:
    """Whether a part of a key is a name that every disk can hold."""
    return name != ".." and not {"/", "\\", "\0"} & set(name) and len(name.encode()) <= LONGEST_NAME


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _lock(folder: Path) -> int | None:
    """Lock a folder until the handle is closed; None if another has it, or it is gone."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_nlink:
            return handle
    except BlockingIOError:
        pass
    os.close(handle)
    return None


def _mismatch(key: str, written: int, size: int | None) -> str:
    why = f"{written} bytes instead of {size}" if size not in (None, written) else "another SHA-256"
    return f"{key}: the bytes in the store are not those that its manifest names ({why})."


def _explain(error: OSError, target: Path) -> VbvrError:
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
