"""Draws the dashboard into this folder, of an invented factory: `python docs/monitor/capture.py`."""

from __future__ import annotations

import io
import math
import os
import random
import time
from pathlib import Path

from rich.console import Console

from vbvr_cli.backends.ports import Depth
from vbvr_cli.models import FailureCode, Progress, RunKey, TaskState
from vbvr_cli.operations.monitor import History, Reading
from vbvr_cli.operations.snapshot import take
from vbvr_cli.screens.dashboard import Dashboard

SIZES = ((80, 24), (160, 50))
GENERATORS = 300
SAMPLES = 10_000
STARTED_AT = 1_767_607_200
PUZZLES = ("maze", "sudoku", "nonogram", "flood_fill", "object_trajectory", "gear_train", "pendulum")
REASONS = (FailureCode.GENERATOR_FAILED, FailureCode.OUT_OF_TIME, FailureCode.POOL_EXHAUSTED)


def main() -> None:
    """Write a capture for each size."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    reading = factory()
    for width, height in SIZES:
        console = Console(record=True, width=width, height=height, file=io.StringIO(), force_terminal=True)
        console.print(Dashboard(reading, "local, state in .vbvr"))
        target = Path(__file__).with_name(f"dashboard-{width}x{height}.svg")
        target.write_text(console.export_svg(title="vbvr monitor --watch"), encoding="utf-8")
        print(target)


def factory() -> Reading:
    """What a monitor says that has looked at the factory for some minutes."""
    history = History()
    for second in range(0, 300, 2):
        made = round(26 * second + 160 * math.sin(second / 17))
        reading = history.add(take(Depth(17_390, 12, 3, 31), _progress(made), STARTED_AT + second))
    return reading


def _progress(made: int) -> list[Progress]:
    chance = random.Random(7)
    return [_one(number, made, chance) for number in range(GENERATORS)]


def _one(number: int, made: int, chance: random.Random) -> Progress:
    name = f"{'GO'[number % 2]}-{number + 1}_{PUZZLES[number % len(PUZZLES)]}_data-generator"
    share = 1.0 if number < 160 else chance.random() if number < 166 else 0.0
    working = chance.randrange(1, 4) if 160 <= number < 166 else 0
    dead = chance.randrange(1, 6) if number % 19 == 7 and share else 0
    done = int(share * (SAMPLES - 2_000)) + made // 6 if working else int(share * SAMPLES) - 100 * dead
    return Progress(
        run=RunKey("data", f"{number:016x}"),
        generator=name,
        samples_planned=SAMPLES,
        samples_done=max(0, done),
        samples_dead=100 * dead,
        samples_making=working * chance.randrange(20, 90),
        num_bytes=410_000 * max(0, done),
        seconds=0.5 * done,
        remade=done // 400,
        duplicates=done // 900,
        tasks={TaskState.CLAIMED: working, TaskState.DEAD: dead},
        reasons={REASONS[number % 3]: dead} if dead else {},
        cancelled=number == 299,
    )


if __name__ == "__main__":
    main()
