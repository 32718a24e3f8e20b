"""Solving a nonogram as a person does: line by line, nothing guessed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import groupby
from operator import and_, or_
from typing import NamedTuple

Clue = tuple[int, ...]
"""The lengths of a line's runs of filled cells, in order."""

Cell = tuple[int, int]
"""Row from the top and column from the left, from 0."""


class Line(NamedTuple):
    """A row or a column, and which one, from 0."""

    is_row: bool
    number: int

    def cell(self, place: int) -> Cell:
        """The line's cell at `place`, counted from the left or from the top."""
        return (self.number, place) if self.is_row else (place, self.number)


@dataclass(frozen=True)
class Deduction:
    """What one look at one line settles."""

    line: Line
    filled: tuple[Cell, ...]
    empty: tuple[Cell, ...]


@dataclass(frozen=True)
class Clues:
    """All that is given: the rows' clues from the top, the columns' from the left."""

    rows: tuple[Clue, ...]
    columns: tuple[Clue, ...]

    @classmethod
    def of(cls, picture: Sequence[Sequence[bool]]) -> "Clues":
        """The clues that describe `picture`."""
        return cls(tuple(map(runs, picture)), tuple(map(runs, zip(*picture, strict=True))))


def runs(cells: Sequence[bool]) -> Clue:
    """The lengths of the runs of filled cells."""
    return tuple(sum(1 for _ in run) for filled, run in groupby(cells) if filled)


def solve(clues: Clues) -> list[Deduction] | None:
    """The deductions that settle every cell, or none where looking at single lines is not enough.

    Each step takes the line that settles the most cells: rows before columns, the first before the others.
    Where this succeeds the solution is the only one, for every deduction holds in all solutions.
    """
    sheet = _Sheet(clues)
    deductions: list[Deduction] = []
    while True:
        line, gain = max(sheet.gains.items(), key=lambda item: item[1].bit_count())
        if not gain:
            return deductions if sheet.is_complete() else None
        deductions.append(sheet.settle(line))


class _Sheet:
    """A nonogram while it is being solved. Lines are sets of bits; bit 0 is the leftmost or topmost cell."""

    def __init__(self, clues: Clues) -> None:
        rows = {Line(True, number): clue for number, clue in enumerate(clues.rows)}
        columns = {Line(False, number): clue for number, clue in enumerate(clues.columns)}
        self._clues = rows | columns
        self._length = {line: len(columns if line.is_row else rows) for line in self._clues}
        self._filled = dict.fromkeys(self._clues, 0)
        self._empty = dict.fromkeys(self._clues, 0)
        self.gains = {line: self._gain(line) for line in self._clues}
        """For each line the cells that looking at it would settle."""

    def is_complete(self) -> bool:
        return all(
            (self._filled[line] | self._empty[line]).bit_count() == self._length[line] for line in self._clues
        )

    def settle(self, line: Line) -> Deduction:
        """Fill in what `line` tells."""
        filled, _ = self._conclusions(line)
        places = [place for place in range(self._length[line]) if self.gains[line] >> place & 1]
        for place in places:
            is_filled = bool(filled >> place & 1)
            crossing = Line(not line.is_row, place)
            self._mark(line, place, is_filled)
            self._mark(crossing, line.number, is_filled)
            self.gains[crossing] = self._gain(crossing)
        self.gains[line] = 0
        return Deduction(
            line,
            tuple(line.cell(place) for place in places if filled >> place & 1),
            tuple(line.cell(place) for place in places if not filled >> place & 1),
        )

    def _mark(self, line: Line, place: int, is_filled: bool) -> None:
        (self._filled if is_filled else self._empty)[line] |= 1 << place

    def _gain(self, line: Line) -> int:
        filled, empty = self._conclusions(line)
        return (filled | empty) & ~(self._filled[line] | self._empty[line])

    def _conclusions(self, line: Line) -> tuple[int, int]:
        """The cells that are filled, and those that are empty, in every placing that fits what is known."""
        filled, empty = self._filled[line], self._empty[line]
        fitting = [
            placing
            for placing in placings(self._length[line], self._clues[line])
            if placing & filled == filled and not placing & empty
        ]
        always, ever = reduce(and_, fitting), reduce(or_, fitting)
        return always, ~ever & ((1 << self._length[line]) - 1)


@lru_cache(maxsize=2048)
def placings(length: int, clue: Clue) -> tuple[int, ...]:
    """Every way to lay runs of these lengths into a line, with a gap between any two, as sets of bits."""
    if not clue:
        return (0,)
    run, rest = clue[0], clue[1:]
    found = []
    for start in range(length - sum(clue) - len(rest) + 1):
        taken = start + run + bool(rest)
        here = ((1 << run) - 1) << start
        found += [here | later << taken for later in placings(length - taken, rest)]
    return tuple(found)
