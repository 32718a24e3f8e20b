"""The small drawings of the dashboard: bars, the course of a rate, a mark for each phase.

They tell apart without colour what they tell apart with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

from vbvr_cli.operations.snapshot import Counts, Phase

LEVELS = " ▁▂▃▄▅▆▇█"
LEVELS_ASCII = " .:-=+*#%"
MARKS = {
    Phase.UNDER_WAY: ("●", ">", "cyan"),
    Phase.FAILED: ("✗", "x", "red"),
    Phase.WAITING: ("○", ".", "default"),
    Phase.CANCELLED: ("-", "-", "dim"),
    Phase.DONE: ("✓", "=", "green"),
}
_PARTS = (
    ("━", "=", "green"),
    ("╍", "-", "cyan"),
    ("\N{MULTIPLICATION SIGN}", "x", "red"),
    ("─", ".", "bright_black"),
)


class Bar:
    """Done, being made, failed and open samples in one line, as wide as there is room."""

    def __init__(self, counts: Counts, *, width: int | None = None) -> None:
        self._counts = counts
        self._width = width

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(self._width or options.max_width, options.max_width)
        for cells, (mark, plain, colour) in zip(shares(self._counts, width), _PARTS, strict=True):
            yield Segment((plain if options.ascii_only else mark) * cells, Style.parse(colour))

    def __rich_measure__(self, _console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(8, options.max_width), self._width or options.max_width)


def shares(counts: Counts, width: int) -> tuple[int, int, int, int]:
    """How many of `width` cells done, being made, failed and open samples get.

    What is not nothing gets a cell, and a bar is full when nothing is open or cancelled, and only then.
    """
    whole = max(counts.planned, counts.made + counts.failed)
    if whole == 0 or width == 0:
        return 0, 0, 0, width
    failed = _cells(counts.failed, whole, width)
    made = _cells(counts.made, whole, width - failed)
    if counts.made and counts.made + counts.failed == whole:
        made = width - failed
    elif made and counts.made + counts.failed < whole:
        made = min(made, max(0, width - failed - 1))
    done = min(made, counts.done * width // whole) if counts.making else made
    return done, made - done, failed, width - made - failed


def _cells(part: int, whole: int, width: int) -> int:
    return min(width, max(part * width // whole, 1 if part else 0))


def sparkline(course: Sequence[float], width: int, *, ascii_only: bool = False) -> str:
    """The last `width` rates as blocks, the highest of them filling its cell."""
    shown = course[-width:] if width > 0 else ()
    top = max(shown, default=0.0)
    levels = LEVELS_ASCII if ascii_only else LEVELS
    if top <= 0:
        return levels[1] * len(shown)
    steps = len(levels) - 1
    return "".join(levels[max(1, round(rate / top * steps))] for rate in shown)


def mark(phase: Phase, *, ascii_only: bool = False) -> tuple[str, str]:
    """A phase's character and its style."""
    fancy, plain, style = MARKS[phase]
    return (plain if ascii_only else fancy), style
