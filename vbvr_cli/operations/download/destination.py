"""The folder that a download fills: nothing leaves it, is overwritten in it, or is half there."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from vbvr_cli.errors import InvalidRequestError, ServiceError
from vbvr_cli.operations.download.parts import PARTS, Parts
from vbvr_cli.operations.download.paths import DATASET, Paths
from vbvr_cli.operations.download.problems import (
    MismatchError,
    ObjectProblemError,
    OccupiedError,
    UnsafeKeyError,
    explain,
    mismatch,
)

BLOCK = 1 << 20
MOST_TRIES = 20
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS})  # what a disk without hard links says
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


class Destination:
    """Writes below `root`. Raises InvalidRequestError if that folder holds something else.

    What is not finished yet lies in a folder of its own (`Parts`): several downloads can fill one
    destination, and what a killed one left is found and removed by the next. Objects go through the system's
    own calls: Python's file objects ask for more than there is to know, and each call gives up Python's lock.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        if self.root.exists():
            self._check_is_dataset()
        self._paths = Paths(self.root)
        self._parts = Parts(self.root)
        self._stopped = threading.Event()

    def open(self) -> None:
        """Make the folder ready to be written to. Raises ConfigurationError where that cannot be."""
        try:
            self._parts.open()
        except OSError as error:
            raise explain(error, str(error.filename or self.root)) from error

    def stop(self) -> None:
        """Let what is being received end with an error."""
        self._stopped.set()

    def close(self) -> None:
        """Remove what was not finished."""
        self._parts.close()

    def path(self, key: str) -> Path:
        """Where an object belongs. Raises UnsafeKeyError for a key that leaves the folder."""
        return Path(self._paths.of(key))

    def make(self, folder: str) -> bool:
        """Make a sample's folder; whether it was not there. What speaks against it, its files will say."""
        try:
            return self._paths.make(folder)
        except (OSError, UnsafeKeyError):
            return False

    def unmake(self, folder: str) -> None:
        """Remove a sample's folder if nothing came into it."""
        with suppress(OSError, UnsafeKeyError):
            self._paths.unmake(folder)

    def has(self, key: str, size: int, sha256: str | None) -> bool:
        """Whether the object is there already. Raises OccupiedError if something else is."""
        file = self._paths.of(key)
        try:
            found = os.stat(file)  # noqa: PTH116
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
        """Write an object whole, or not at all; one that tells its size, over nothing.

        Raises MismatchError if it is not what was promised, OccupiedError if something else is there by now.
        """
        target = self._paths.of(key)
        part = self._received(key, source, size, sha256)
        try:
            if size is None:
                _bring(os.replace, part, target)
                return
            try:
                _bring(os.link, part, target)
            except FileExistsError:
                if not self.has(key, size, sha256):
                    raise
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                if not self.has(key, size, sha256):
                    _bring(os.replace, part, target)
            _remove(part)
        except OSError as error:
            _remove(part)
            raise explain(error, target) from error
        except ObjectProblemError:
            _remove(part)
            raise

    @contextmanager
    def received(self, key: str, source: IO[bytes], size: int | None, sha256: str | None) -> Iterator[Path]:
        """An object as a temporary file, checked. Raises MismatchError if it is not what was promised."""
        part = self._received(key, source, size, sha256)
        try:
            yield Path(part)
        finally:
            _remove(part)

    def _received(self, key: str, source: IO[bytes], size: int | None, sha256: str | None) -> str:
        part = self._parts.new()
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

    def _receive(self, source: IO[bytes], part: str, size: int | None) -> tuple[int, str]:
        """Copy a stream, no further than it is wrong already: how many bytes, and their SHA-256."""
        digest, written = hashlib.sha256(), 0
        handle = os.open(part, _NEW, 0o666)
        try:
            while (size is None or written <= size) and (block := source.read(BLOCK)):
                if self._stopped.is_set():
                    raise ServiceError("The download was stopped.")
                _write_all(handle, block)
                digest.update(block)
                written += len(block)
        finally:
            os.close(handle)
        return written, digest.hexdigest()

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


def _digest(file: str) -> str:
    with open(file, "rb") as stream:  # noqa: PTH123
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _bring(how: Callable[[str, str], None], part: str, target: str) -> None:
    """Bring a part into place; most often its folder is there already, and others may remove it again."""
    for _ in range(MOST_TRIES):
        try:
            how(part, target)
        except FileNotFoundError:
            with suppress(FileNotFoundError):
                os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
        else:
            return
    how(part, target)


def _remove(part: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(part)  # noqa: PTH108


def _write_all(handle: int, block: bytes) -> None:
    """Write a block; a disk that is almost full takes less than all, and says why the next time."""
    written = os.write(handle, block)
    while written < len(block):
        written += os.write(handle, memoryview(block)[written:])
