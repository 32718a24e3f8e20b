"""Telling the worker of a finished sample while the next ones are still being made."""

import json
import os
from pathlib import PurePosixPath

EVENTS_FD = "VBVR_EVENTS_FD"
"""The environment variable with the number of an inherited file descriptor that takes events."""


def announce_sample(sample: PurePosixPath) -> None:
    """Say that `sample`, a folder's path within the output, is complete; do nothing if nobody listens.

    The event is one line of JSON, `{"sample": "nonogram_task/nonogram_00000000"}`, in a single write: a pipe
    keeps up to 4096 bytes together, so processes that share it do not tear each other's lines.

    Raises:
        OSError: the descriptor is not open, or nobody reads from it any more.
    """
    descriptor = os.environ.get(EVENTS_FD)
    if descriptor is None:
        return
    line = json.dumps({"sample": str(sample)}) + "\n"
    os.write(int(descriptor), line.encode())
