"""Leaves nothing of an invocation behind: a thawed function would go on with it."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import sys
import time
from pathlib import Path
from typing import Self

import psutil

from vbvr_cli.worker.workspace import remove_tree

logger = logging.getLogger(__name__)
PR_SET_CHILD_SUBREAPER = 36
PATIENCE_SECONDS = 5.0


def adopt_orphans() -> None:
    """Let every descendant whose parent ends become this process's child, wherever it tried to go."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Sandbox:
    """A block that begins and ends with no child process and with empty folders, however it ends."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders

    def __enter__(self) -> Self:
        self.clean()
        return self

    def __exit__(self, *_: object) -> None:
        self.clean()

    def clean(self) -> None:
        """Kill what runs, then empty the folders; what cannot be removed is logged."""
        kill_children()
        for folder in self._folders:
            empty(folder)


def kill_children() -> None:
    """Kill and reap all descendants, also those that are born meanwhile."""
    if not _has_children():
        return
    this = psutil.Process()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while children := this.children(recursive=True):
        for child in children:
            with contextlib.suppress(psutil.Error):
                child.kill()
        _reap()
        if time.monotonic() > deadline:
            logger.error("Processes cannot be killed: %s", ", ".join(str(child.pid) for child in children))
            return


def empty(folder: Path) -> None:
    """Remove all that is in a folder; one that is not there is no error."""
    with contextlib.suppress(FileNotFoundError):
        for entry in list(os.scandir(folder)):
            path = Path(entry.path)
            try:
                if entry.is_dir(follow_symlinks=False):
                    remove_tree(path)
                else:
                    path.unlink(missing_ok=True)
            except OSError as error:
                logger.error("%s cannot be removed: %s", path, error)  # noqa: TRY400 - the trace says no more


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
