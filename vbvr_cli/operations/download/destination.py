"""The folder that a download fills: nothing leaves it, is overwritten in it, or is half there."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from vbvr_cli.errors import ConfigurationError, DiskFullError, InvalidRequestError, WorkFailedError

DATASET = frozenset({"questions", "manifests"})
PARTS = ".parts"
BLOCK = 1 << 20


class ObjectProblemError(WorkFailedError):
    """One object cannot be brought; the others can."""


class MismatchError(ObjectProblemError):
    """An object's bytes are not those that its manifest names."""


class OccupiedError(ObjectProblemError):
    """A file of another content is where an object belongs."""


class UnsafeKeyError(ObjectProblemError):
    """A key leads out of the folder."""


class Destination:
    """Writes below `root`. Raises InvalidRequestError if that folder holds something else."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        if self.root.exists():
            self._check_is_dataset()
        self._parts = self.root / PARTS

    def close(self) -> None:
        """Remove what was not finished."""
        shutil.rmtree(self._parts, ignore_errors=True)

    def has(self, key: str, size: int, sha256: str | None) -> bool:
        """Whether the object is there already. Raises OccupiedError if something else is."""
        file = self.path(key)
        try:
            found = file.stat().st_size
        except FileNotFoundError:
            return False
        if found == size and (sha256 is None or _digest(file) == sha256):
            return True
        raise OccupiedError(f"{file} holds other bytes already; remove it, or choose another --dest.")

    def has_bytes(self, key: str, data: bytes) -> bool:
        """Whether exactly this is there."""
        try:
            return self.path(key).read_bytes() == data
        except FileNotFoundError:
            return False

    def write(self, key: str, source: IO[bytes], size: int | None, sha256: str | None) -> None:
        """Write an object whole, or not at all. Raises MismatchError if it is not what was promised."""
        target = self.path(key)
        try:
            with self.received(key, source, size, sha256) as part:
                target.parent.mkdir(parents=True, exist_ok=True)
                part.replace(target)
        except OSError as error:
            raise _explain(error, target) from error

    @contextmanager
    def received(self, key: str, source: IO[bytes], size: int | None, sha256: str | None) -> Iterator[Path]:
        """An object as a temporary file, checked. Raises MismatchError if it is not what was promised."""
        digest, written = hashlib.sha256(), 0
        self._parts.mkdir(parents=True, exist_ok=True)
        part = self._parts / secrets.token_hex(8)
        try:
            with part.open("wb") as stream:
                while block := source.read(BLOCK):
                    stream.write(block)
                    digest.update(block)
                    written += len(block)
            if size not in (None, written) or sha256 not in (None, digest.hexdigest()):
                raise MismatchError(
                    f"{key}: the bytes in the store are not those that its manifest names "
                    f"({written} bytes, not {size}; or another SHA-256)."
                )
            yield part
        finally:
            part.unlink(missing_ok=True)

    def path(self, key: str) -> Path:
        """Where an object belongs. Raises UnsafeKeyError for a key that leaves the folder."""
        parts = PurePosixPath(key).parts
        unsafe = not parts or key.startswith("/") or "\\" in key or "\0" in key or ".." in parts
        target = self.root.joinpath(*parts)
        if unsafe or not target.parent.resolve().is_relative_to(self.root.resolve()):
            raise UnsafeKeyError(
                f"The key {key!r} leads out of {self.root}: somebody tampered with a manifest, or placed a "
                "link. Nothing was written for it."
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


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _explain(error: OSError, target: Path) -> Exception:
    if error.errno in (28, 122):  # ENOSPC, EDQUOT
        return DiskFullError(
            f"No space is left for {target}.",
            hint="Free some space and run the same command again: it goes on where it stopped.",
        )
    return ConfigurationError(
        f"{target} cannot be written.", why=error.strerror, hint="Choose another --dest."
    )
