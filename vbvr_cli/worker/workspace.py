"""Temporary folders that are gone when a task ends, also when the worker that made them was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

from vbvr_cli.errors import DiskFullError

SPARE_BYTES = 16 * 1024 * 1024
MARKER = "VBVR_WORKSPACE"
"""The environment variable by which every process of a generator is found again, wherever it went."""


class Workspace:
    """A worker's own folder below `root`, held by a file lock that a killed process cannot keep.

    Opening one first removes the folders of workers that are gone, and what their generators left running.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        root = root.resolve()  # a generator works in a folder of its own, where a relative path means another
        sweep(root)
        self.folder = root / f"worker-{os.getpid()}-{secrets.token_hex(4)}"
        self._lock_file = self.folder.with_suffix(".lock")
        self._lock = _take_new_lock(self._lock_file)
        self.folder.mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the folder."""
        remove_tree(self.folder)
        self._lock_file.unlink(missing_ok=True)
        self._lock.close()

    @contextlib.contextmanager
    def folder_for(self, name: str) -> Iterator[Path]:
        """A new empty folder, removed at the end of the block."""
        folder = self.folder / f"{name}-{secrets.token_hex(4)}"
        folder.mkdir()
        try:
            yield folder
        finally:
            remove_tree(folder)


def sweep(root: Path) -> None:
    """Remove what workers that are gone have left below `root`: processes first, then folders."""
    for lock_file in root.glob("worker-*.lock"):
        lock = _take_abandoned_lock(lock_file)
        if lock is None:
            continue
        with lock:
            folder = lock_file.with_suffix("")
            kill_processes_of(folder)
            remove_tree(folder)
            lock_file.unlink(missing_ok=True)


def kill_processes_of(folder: Path) -> None:
    """Kill every process that began in `folder` or below it, whatever its group or session.

    Its marker tells, or, where it was started without environment, that it works there. A process with a
    terminal is not a generator's, but perhaps the shell of somebody who looks at the folder.
    """
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if _is_within(process.environ().get(MARKER, ""), folder) or (
                _is_within(process.cwd(), folder) and process.terminal() is None
            ):
                process.kill()


def _is_within(path: str, folder: Path) -> bool:
    return path == str(folder) or path.startswith(f"{folder}{os.sep}")


def remove_tree(folder: Path) -> None:
    """Remove a folder, also where a generator took the permissions away; one that is gone is no error."""

    def retry_with_permissions(_function: object, path: str, _error: object) -> None:
        with contextlib.suppress(OSError):
            Path(path).parent.chmod(0o700)
            Path(path).chmod(0o700)
            shutil.rmtree(path) if Path(path).is_dir() else Path(path).unlink()

    if folder.exists():
        shutil.rmtree(folder, onerror=retry_with_permissions)


def has_no_space(folder: Path) -> bool:
    """Whether there is so little left on a folder's disk that this explains a failure."""
    return shutil.disk_usage(folder).free < SPARE_BYTES


def disk_full(folder: Path) -> DiskFullError:
    """No space is left on a folder's disk."""
    return DiskFullError(
        f"No space is left on the disk of {folder}.",
        hint="Free some space and run the same command again: it goes on where it stopped.",
    )


def _take_new_lock(file: Path) -> IO[bytes]:
    while True:
        lock = file.open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        # A sweep may have come between opening and locking, and removed the file: then this lock is void.
        if file.exists() and file.stat().st_ino == os.fstat(lock.fileno()).st_ino:
            return lock
        lock.close()


def _take_abandoned_lock(file: Path) -> IO[bytes] | None:
    try:
        lock = file.open("rb")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock
