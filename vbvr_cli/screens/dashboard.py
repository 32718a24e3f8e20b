"""The dashboard: one reading on one screen, never wider or taller than that."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from vbvr_cli.operations.monitor import Outage, Reading
from vbvr_cli.screens.dashboard_generators import generator_lines
from vbvr_cli.screens.dashboard_summary import drawings, facts, header, notices, outage_lines

ROOMY = 36
"""Lines from which on each reason of failures gets a line."""
REASON_LINES = 8


class Dashboard:
    """A reading, drawn for whatever screen it meets. `below`: lines to leave free."""

    def __init__(self, reading: Reading | Outage, place: str, *, below: int = 0) -> None:
        self._reading = reading
        self._place = place
        self._below = below

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, max(1, (options.height or console.height) - self._below)
        lines = console.render_lines(self._whole(options, height), options.update(height=None), pad=False)
        for line in lines[:height]:
            cut = Segment.adjust_line_length(line, width, pad=False)
            yield from map(_in_ascii, cut) if options.ascii_only else cut
            yield Segment.line()

    def _whole(self, options: ConsoleOptions, height: int) -> Group:
        width, reading, plain = options.max_width, self._reading, options.ascii_only
        head = header(reading, self._place, width)
        if isinstance(reading, Outage):
            return Group(head, Text(), *outage_lines(reading))
        gap = [Text()] if height >= 16 else []
        said = [
            *facts(reading.snapshot, width, REASON_LINES if height >= ROOMY else 0),
            *notices(reading),
        ]
        room = height - 3 - len(said) - 2 * len(gap)
        above: list[RenderableType] = [head, *gap, drawings(reading, width, ascii_only=plain), *said, *gap]
        return Group(*above, *generator_lines(reading.snapshot.generators, width, room, ascii_only=plain))


def _in_ascii(segment: Segment) -> Segment:
    """What a terminal without UTF-8 can show, as long as before; Rich's own ellipsis is none of it."""
    text = segment.text.replace("…", "~").encode("ascii", "replace").decode()
    return Segment(text, segment.style, segment.control)
