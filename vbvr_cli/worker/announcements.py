"""A pipe on which a generator says that a sample's folder is complete, one JSON line a sample."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

LONGEST_LINE = 65_536


class Announcements:
    """Calls `on_sample` for each folder below `output` that the writing end announces.

    What a generator writes is not trusted: lines that name no such folder are passed over.
    """

    def __init__(self, output: Path, on_sample: Callable[[Path], None]) -> None:
        self.read_fd, self.write_fd = os.pipe()
        os.set_blocking(self.read_fd, False)
        self._output = output.resolve()
        self._on_sample = on_sample
        self._pending = b""
        self._open = {self.read_fd, self.write_fd}

    def close_write_end(self) -> None:
        """Leave the writing end to the child: when it has ended, so have the announcements."""
        self._close(self.write_fd)

    def close(self) -> None:
        """Close what is still open."""
        for fd in tuple(self._open):
            self._close(fd)

    def read(self) -> bool:
        """Handle what has been written; False at the end."""
        try:
            data = os.read(self.read_fd, 65_536)
        except BlockingIOError:
            return True
        *lines, self._pending = (self._pending + data).split(b"\n")
        self._pending = self._pending[-LONGEST_LINE:]
        for line in lines:
            folder = self._folder_in(line)
            if folder is not None:
                self._on_sample(folder)
        return bool(data)

    def _folder_in(self, line: bytes) -> Path | None:
        try:
            folder = (self._output / json.loads(line)["sample"]).resolve()
        except (ValueError, TypeError, KeyError, OSError):
            return None
        return folder if folder.is_relative_to(self._output) and folder.is_dir() else None

    def _close(self, fd: int) -> None:
        if fd in self._open:
            self._open.discard(fd)
            os.close(fd)
