"""A folder as a bucket: every object a file, written whole or not at all."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import IO, TypeVar

from vbvr_cli.backends.local import faults, processes
from vbvr_cli.backends.ports import StoredObject
from vbvr_cli.errors import InvalidRequestError

TEMPORARY = ".tmp"
_MOST_TRIES = 100
_unique = count()
T = TypeVar("T")


class FolderStore:
    """A SampleStore below one folder.

    Files are written beside the objects, in `.tmp/{process}/`, and moved into place: a process that is
    killed leaves no half object, and what it leaves in `.tmp` goes with the next process that writes.
    Links inside the folder are never followed.
    """

    lanes = 1

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._swept = False

    def put(self, key: str, data: bytes) -> None:
        """Write an object, replacing what is there."""
        target = self._path(key)
        with self._explained(target), self._temporary_file() as temporary:
            temporary.write_bytes(data)
            _making_folder(temporary.replace, target)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write an object unless the key exists; a hard link has exactly one winner."""
        target = self._path(key)
        with self._explained(target), self._temporary_file() as temporary:
            temporary.write_bytes(data)
            try:
                _making_folder(lambda path: os.link(temporary, path), target)
            except FileExistsError:
                if target.is_dir():
                    raise
                return False
            return True

    def upload(self, key: str, source: Path) -> None:
        """Write an object from a file's data; the file stays its owner's."""
        target = self._path(key)
        with self._explained(target), self._temporary_file() as temporary:
            shutil.copyfile(source, temporary)
            _making_folder(temporary.replace, target)

    def get(self, key: str) -> bytes:
        """Read an object. Raises KeyError where there is none."""
        with self.open(key) as stream:
            return stream.read()

    def open(self, key: str) -> AbstractContextManager[IO[bytes]]:
        """Read an object as a stream. Raises KeyError where there is none."""
        path = self._path(key)
        with self._explained(path):
            try:
                if not stat.S_ISREG(path.lstat().st_mode):
                    raise KeyError(key)
                return path.open("rb")
            except (FileNotFoundError, NotADirectoryError):
                raise KeyError(key) from None

    def list_objects(self, prefix: str) -> Iterator[StoredObject]:
        """All objects whose key starts with the prefix, in the order of their keys as S3 has it."""
        folder, _, start = prefix.rpartition("/")
        path = self._path(folder) if folder else self._root
        with self._explained(path):
            yield from self._walk(path, f"{folder}/" if folder else "", start)

    def list_folders(self, prefix: str) -> list[str]:
        """The names directly below a prefix that have objects below them, sorted."""
        path = self._path(prefix.removesuffix("/")) if prefix else self._root
        with self._explained(path):
            return sorted(
                entry.name
                for entry in self._entries(path)
                if entry.is_dir(follow_symlinks=False) and any(self.list_objects(f"{prefix}{entry.name}/"))
            )

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects, and the folders that they leave empty."""
        for key in keys:
            path = self._path(key)
            with self._explained(path):
                with suppress(FileNotFoundError, NotADirectoryError):
                    path.unlink()
                self._remove_empty(path.parent)

    def close(self) -> None:
        """Leave nothing but objects behind."""
        with suppress(OSError):
            self._own_folder().rmdir()
            (self._root / TEMPORARY).rmdir()

    def _path(self, key: str) -> Path:
        """The file of a key. Raises InvalidRequestError for what is no key or leads through a link."""
        segments = key.split("/")
        if any(not part or part in {".", ".."} or "\0" in part or "\\" in part for part in segments):
            raise InvalidRequestError(
                f"{key!r} is not a key.", hint="A key is relative, like a/b/c, without empty, . or .. parts."
            )
        path = self._root.joinpath(*segments)
        if segments[0] == TEMPORARY or os.path.realpath(path) != str(path):
            raise InvalidRequestError(
                f"{key!r} does not name an object of {self._root}.",
                why=f"A part of it is a link, or it lies in {TEMPORARY}.",
                hint="Replace links inside a bucket by real folders; the bucket itself may be a link.",
            )
        return path

    def _walk(self, folder: Path, prefix: str, start: str = "") -> Iterator[StoredObject]:
        """Objects below a folder, one folder in memory at a time; a folder sorts as its name and `/`."""
        found = [
            (f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name, entry)
            for entry in self._entries(folder)
            if entry.name.startswith(start)
        ]
        for name, entry in sorted(found, key=lambda pair: pair[0]):
            if name.endswith("/"):
                yield from self._walk(Path(entry.path), f"{prefix}{name}")
            elif entry.is_file(follow_symlinks=False):
                size = _size(entry)
                if size is not None:
                    yield StoredObject(f"{prefix}{name}", size)

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
            return [entry for entry in entries if folder != self._root or entry.name != TEMPORARY]
        return []

    @contextmanager
    def _temporary_file(self) -> Iterator[Path]:
        """A file of this call alone on the bucket's own disk, gone afterwards."""
        if not self._swept:
            self._sweep()
            self._swept = True
        path = self._own_folder() / str(next(_unique))
        _making_folder(Path.touch, path)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _own_folder(self) -> Path:
        return self._root / TEMPORARY / processes.identity()

    def _sweep(self) -> None:
        """Delete what processes left that are gone."""
        with suppress(FileNotFoundError), os.scandir(self._root / TEMPORARY) as entries:
            for entry in entries:
                if not processes.alive(entry.name):
                    shutil.rmtree(entry.path, ignore_errors=True)

    def _remove_empty(self, folder: Path) -> None:
        while folder != self._root:
            try:
                folder.rmdir()
            except FileNotFoundError:
                pass
            except OSError:
                return
            folder = folder.parent

    @contextmanager
    def _explained(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise faults.from_os_error(error, path) from error


def _making_folder(action: Callable[[Path], T], path: Path) -> T:
    """Act on a path, making its folder where it is missing: again if another removed it as empty."""
    for _ in range(_MOST_TRIES):
        try:
            return action(path)
        except FileNotFoundError:
            with suppress(FileNotFoundError, FileExistsError):
                path.parent.mkdir(parents=True, exist_ok=True)
    return action(path)


def _size(entry: os.DirEntry[str]) -> int | None:
    """A file's size in bytes, or None if it was deleted since the folder was read."""
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return None
