"""Runs ministack with a clock that can be put forward. Needs ministack's own environment.

    python ministack_with_clock.py CLOCK

The file CLOCK says by how many seconds the clock is ahead: its modification time, since the epoch.
"""

from __future__ import annotations

import os
import sys
import time

clock, real_time = sys.argv.pop(), time.time


def time_with_offset() -> float:
    return real_time() + os.stat(clock).st_mtime  # noqa: PTH116 - called for every message


time.time = time_with_offset

from ministack.app import main  # noqa: E402

main()
