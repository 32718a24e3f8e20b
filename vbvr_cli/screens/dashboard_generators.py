"""The generators on the dashboard: a line each as far as there is room, the others in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import islice

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from vbvr_cli.operations.snapshot import Counts, Phase
from vbvr_cli.screens.dashboard_marks import Bar, mark
from vbvr_cli.screens.units import count, size

GAP = 2
SHORTEST_BAR = 8
SHORTEST_NAME = 14


@dataclass(frozen=True, slots=True)
class Figure:
    """A column of figures, on screens of at least so many cells."""

    heading: str
    cell: Callable[[Counts], str]
    style: str = ""
    from_width: int = 0


FIGURES = (
    Figure("done", lambda one: count(one.done)),
    Figure("of", lambda one: count(one.planned)),
    Figure("failed", lambda one: _if_any(one.failed), style="red"),
    Figure("working", lambda one: _if_any(one.working), style="cyan", from_width=100),
    Figure("remade", lambda one: _if_any(one.remade), from_width=120),
    Figure("duplicates", lambda one: _if_any(one.duplicates), from_width=120),
    Figure("size", lambda one: size(one.num_bytes) if one.num_bytes else "", from_width=120),
)


def generator_lines(
    generators: Mapping[str, Counts], width: int, room: int, *, ascii_only: bool
) -> list[RenderableType]:
    """What fits into `room` lines: a heading, generators in their order, and what the others are."""
    if not generators or room < 1:
        return []
    if room < 3 and room <= len(generators):
        return [_others(generators.values(), f"{count(len(generators))} generators: ", ascii_only=ascii_only)]
    rows = len(generators) if len(generators) < room else room - 2
    lines: list[RenderableType] = [_table(generators, rows, width, ascii_only=ascii_only)]
    if rows < len(generators):
        hidden = list(islice(generators.values(), rows, None))
        lines.append(_others(hidden, f"  and {count(len(hidden))} more: ", ascii_only=ascii_only))
    return lines


def _table(generators: Mapping[str, Counts], rows: int, width: int, *, ascii_only: bool) -> Table:
    """The first rows. Widths go by all generators: as rows come and go, the columns stay where they are."""
    figures = [(one, _width(one, generators.values())) for one in FIGURES if width >= one.from_width]
    room = width - sum(GAP + cells for _, cells in figures)
    longest = 2 + max(len("generator"), *map(len, generators))
    name = min(longest, max(SHORTEST_NAME, room - GAP - max(SHORTEST_BAR, width // 6)))
    bar = room - name - GAP
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("  generator", width=name, no_wrap=True, overflow="ellipsis")
    if bar >= SHORTEST_BAR:
        table.add_column("", width=bar)
    for figure, cells in figures:
        table.add_column(figure.heading, width=cells, justify="right", no_wrap=True, style=figure.style)
    for generator, counts in islice(generators.items(), rows):
        sign, style = mark(counts.phase, ascii_only=ascii_only)
        bars = [Bar(counts)] if bar >= SHORTEST_BAR else []
        table.add_row(
            Text.assemble((sign, style), " ", generator),
            *bars,
            *(figure.cell(counts) for figure, _ in figures),
        )
    return table


def _others(hidden: Collection[Counts], head: str, *, ascii_only: bool) -> Text:
    """`and 274 more: 250 done, 24 waiting`, each with its mark."""
    numbers = Counter(one.phase for one in hidden)
    line = Text(head, no_wrap=True, overflow="ellipsis")
    for position, phase in enumerate(phase for phase in Phase if numbers[phase]):
        line.append(", " if position else "")
        line.append(*mark(phase, ascii_only=ascii_only)).append(f" {count(numbers[phase])} {phase}")
    return line


def _width(figure: Figure, generators: Collection[Counts]) -> int:
    return max(len(figure.heading), *(len(figure.cell(one)) for one in generators))


def _if_any(number: int) -> str:
    return count(number) if number else ""
