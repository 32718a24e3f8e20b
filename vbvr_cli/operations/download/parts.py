"""What of a download is not finished yet: it lies in a folder of its own, which is locked."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path

PARTS = ".parts"
_NAME = re.compile(r"[0-9a-f]{16}")


class Parts:
    """A folder in `.parts` below `root`. Downloads have one each, and sweep what a killed one left."""

    def __init__(self, root: Path) -> None:
        self._parts = root / PARTS
        self._folder = self._parts
        self._lock: int | None = None
        self._here = threading.local()
        self._numbers = count()

    def open(self) -> None:
        """Make the folder, and remove what nobody works at any more. Raises OSError."""
        while self._lock is None:  # else another download has just taken it for a leftover
            self._folder = self._parts / secrets.token_hex(8)
            self._folder.mkdir(parents=True)
            if self._parts.is_symlink():  # what is in there is somebody else's
                self._folder.rmdir()
                raise OSError(errno.ENOTDIR, "it is a link", str(self._parts))
            self._lock = _lock(self._folder)
        for left in self._parts.iterdir():
            handle = _lock(left) if _NAME.fullmatch(left.name) else None
            if handle is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(handle)

    def close(self) -> None:
        """Remove what was not finished."""
        if self._lock is None:
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        with suppress(OSError):
            self._parts.rmdir()
        os.close(self._lock)
        self._lock = None

    def new(self) -> str:
        """Where the next object is received: each thread has a folder, so that none waits for another's."""
        folder: str | None = getattr(self._here, "folder", None)
        if folder is None:
            folder = f"{self._folder}/{threading.get_native_id()}"
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103
            self._here.folder = folder
        return f"{folder}/{next(self._numbers)}"


def _lock(folder: Path) -> int | None:
    """Lock a folder until the handle is closed; None if another has it, or it is gone."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_nlink:
            return handle
    except BlockingIOError:
        pass
    os.close(handle)
    return None
