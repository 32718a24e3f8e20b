"""The puzzle: find the picture from the lengths of its runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Self

from vbvr_cli.starter.kit import FPS, THEMES, Parameters, Puzzle, Shot, Theme, ease_out

from .board import Board
from .picture import Picture, draw_picture
from .solver import Cell, Clues, Deduction, solve
from .wording import PROMPTS


@dataclass(frozen=True)
class Nonogram(Puzzle):
    """A grid of 5 to 10 rows and columns; its clues have one solution, which needs no guessing."""

    generator = "O-nonogram_data-generator"
    task = "nonogram"

    picture: Picture
    theme: Theme

    @classmethod
    def draw(cls, random: Random) -> Self:
        rows = random.randint(5, 10)
        columns = random.randint(max(rows - 1, 5), min(rows + 1, 10))
        theme = random.choice(THEMES)
        while True:
            picture = draw_picture(random, rows, columns)
            if solve(Clues.of(picture)) is not None:
                return cls(picture, theme)

    def parameters(self) -> Parameters:
        clues = Clues.of(self.picture)
        return {
            "rows": len(self.picture),
            "columns": len(self.picture[0]),
            "row_clues": clues.rows,
            "column_clues": clues.columns,
            "solution": ["".join("#" if filled else "." for filled in row) for row in self.picture],
        }

    def look(self) -> Parameters:
        return {"theme": self.theme.name}

    def prompts(self) -> Sequence[str]:
        rows, columns = len(self.picture), len(self.picture[0])
        return [prompt.format(rows=rows, columns=columns) for prompt in PROMPTS]

    def shots(self) -> Iterator[Shot]:
        clues = Clues.of(self.picture)
        deductions = solve(clues) or []
        pace = min(max(6 * FPS // len(deductions), 3), 8)
        board = Board(clues, self.theme)
        known: dict[Cell, bool] = {}
        yield Shot(board.canvas.image, FPS // 2)
        for deduction in deductions:
            yield from _work_on(board, known, deduction, pace)
        yield Shot(board.canvas.image, FPS)


def _work_on(board: Board, known: dict[Cell, bool], deduction: Deduction, pace: int) -> Iterator[Shot]:
    """Light up a line, let the cells that it settles appear in turn, and leave it, in `pace` frames."""
    line = deduction.line
    news = dict.fromkeys(deduction.filled, True) | dict.fromkeys(deduction.empty, False)
    board.write_clue(line, lit=True)
    for cell in board.cells(line):
        board.write_cell(cell, known.get(cell), lit=True)
    yield Shot(board.canvas.image)

    for frame in range(1, pace):
        for place, cell in enumerate(sorted(news)):
            age = frame - (pace - 3) * place / len(news)
            if 0 < age < 3:  # in frames; after two it is fully grown
                board.write_cell(cell, news[cell], size=ease_out(age / 2), lit=True)
        yield Shot(board.canvas.image)

    known |= news
    for cell in board.cells(line):
        board.write_cell(cell, known.get(cell))
    for crossed in board.lines():
        if crossed == line or not news.keys().isdisjoint(board.cells(crossed)):
            board.write_clue(crossed, done=known.keys() >= set(board.cells(crossed)))
