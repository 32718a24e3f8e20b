"""The folder that a download fills: nothing leaves it, is overwritten in it, or is half there."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from itertools import count
from pathlib import Path, PurePosixPath
from typing import IO

from vbvr_cli.errors import InvalidRequestError, ServiceError
from vbvr_cli.operations.download.problems import (
    MismatchError,
    OccupiedError,
    UnsafeKeyError,
    explain,
    mismatch,
)

DATASET = frozenset({"questions", "manifests"})
PARTS = ".parts"
BLOCK = 1 << 20
LONGEST_NAME = 255
_ODD = re.compile(r"(^|/)(\.{0,2})(/|$)")


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
        self._inside: set[str] = set()
        self._here = threading.local()
        self._numbers = count()

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
            raise explain(error, str(self.root)) from error

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
        file = self._place(key)
        try:
            found = os.stat(file)  # noqa: PTH116 - a Path for each object would cost more than the look
            same = stat.S_ISREG(found.st_mode) and found.st_size == size
            if same and (sha256 is None or _digest(file) == sha256):
                return True
        except FileNotFoundError:
            return False
        except OSError as error:
            raise explain(error, file) from error
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
            raise explain(error, str(file)) from error

    def write(self, key: str, source: IO[bytes], size: int | None, sha256: str | None) -> None:
        """Write an object whole, or not at all. Raises MismatchError if it is not what was promised."""
        target = self._place(key)
        part = self._received(key, source, size, sha256)
        try:
            _move(part, target)
        except OSError as error:
            _remove(part)
            raise explain(error, target) from error

    @contextmanager
    def received(self, key: str, source: IO[bytes], size: int | None, sha256: str | None) -> Iterator[Path]:
        """An object as a temporary file, checked. Raises MismatchError if it is not what was promised."""
        part = self._received(key, source, size, sha256)
        try:
            yield Path(part)
        finally:
            _remove(part)

    def _received(self, key: str, source: IO[bytes], size: int | None, sha256: str | None) -> str:
        part = self._new_part()
        try:
            written, digest = self._receive(source, part, size)
        except BaseException as error:
            _remove(part)
            if isinstance(error, OSError):
                raise explain(error, str(self.root)) from error
            raise
        if size not in (None, written) or sha256 not in (None, digest):
            _remove(part)
            raise MismatchError(mismatch(key, written, size))
        return part

    def _new_part(self) -> str:
        """Where the next object is received: each thread has a folder, so that none waits for another's."""
        folder: str | None = getattr(self._here, "folder", None)
        if folder is None:
            folder = f"{self._parts}/{threading.get_native_id()}"
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103
            self._here.folder = folder
        return f"{folder}/{next(self._numbers)}"

    def _receive(self, source: IO[bytes], part: str, size: int | None) -> tuple[int, str]:
        """Copy a stream, no further than it is wrong already: how many bytes, and their SHA-256."""
        digest, written = hashlib.sha256(), 0
        with open(part, "wb", buffering=0) as stream:  # noqa: PTH123
            while (size is None or written <= size) and (block := source.read(BLOCK)):
                if self._stopped.is_set():
                    raise ServiceError("The download was stopped.")
                _write_all(stream, block)
                digest.update(block)
                written += len(block)
        return written, digest.hexdigest()

    def path(self, key: str) -> Path:
        """Where an object belongs. Raises UnsafeKeyError for a key that leaves the folder."""
        return Path(self._place(key))

    def _place(self, key: str) -> str:
        """Where an object belongs, as text."""
        parts = PurePosixPath(key).parts if _ODD.search(key) else tuple(key.split("/"))
        safe = parts[:1] and parts[0] in DATASET and all(map(_is_plain, parts))
        folder = "/".join((str(self.root), *parts[:-1]))
        if not safe or not self._is_inside(folder):
            raise UnsafeKeyError(
                f"The key {key!r} leads out of {self.root}, or is none of a dataset: a manifest was tampered "
                "with, or a link was placed. Nothing was written for it."
            )
        return f"{folder}/{parts[-1]}"

    def _is_inside(self, folder: str) -> bool:
        """Whether a folder, links followed, is below the root; looked up once."""
        if folder not in self._inside:
            if not Path(folder).resolve().is_relative_to(self.root.resolve()):
                return False
            self._inside.add(folder)
        return True

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


def _digest(file: str) -> str:
    with open(file, "rb") as stream:  # noqa: PTH123
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _move(part: str, target: str) -> None:
    """Move a part into place; most often its folder is there already."""
    try:
        os.replace(part, target)  # noqa: PTH105
    except FileNotFoundError:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        os.replace(part, target)  # noqa: PTH105


def _remove(part: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(part)  # noqa: PTH108


def _write_all(stream: FileIO, block: bytes) -> None:
    """Write a block; a disk that is almost full takes less than all, and says why the next time."""
    written = stream.write(block)
    while written < len(block):
        written += stream.write(memoryview(block)[written:])


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
