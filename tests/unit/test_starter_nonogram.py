"""The nonogram generator's puzzles: solvable, unambiguous, many."""

import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from itertools import groupby, product
from pathlib import Path
from random import Random

import pytest

import vbvr_cli
from vbvr_cli.starter.kit import Sample

SOURCE = Path(vbvr_cli.__file__).parent / "starter" / "O-nonogram_data-generator" / "src"
NAME = "starter_nonogram"

spec = spec_from_file_location(NAME, SOURCE / "__init__.py", submodule_search_locations=[str(SOURCE)])
assert spec is not None
sys.modules[NAME] = module_from_spec(spec)
Nonogram = import_module(f"{NAME}.nonogram").Nonogram
Clues = import_module(f"{NAME}.solver").Clues
solve = import_module(f"{NAME}.solver").solve
board = import_module(f"{NAME}.board")

Row = tuple[bool, ...]


def puzzles(count: int, **size: int) -> Iterator[Nonogram]:
    """The first so many puzzles, of those with at most `cells` cells."""
    found = index = 0
    while found < count:
        puzzle = Sample.draw(Nonogram, seed=0, index=index).puzzle
        index += 1
        if len(puzzle.picture) * len(puzzle.picture[0]) <= size.get("cells", 100):
            found += 1
            yield puzzle


def lengths(line: Row) -> tuple[int, ...]:
    return tuple(len(list(run)) for filled, run in groupby(line) if filled)


def lines_with(clue: tuple[int, ...], length: int) -> list[Row]:
    """Every filling of a line that its clue describes, found by trying them all."""
    return [line for line in product((False, True), repeat=length) if lengths(line) == clue]


def all_solutions(puzzle: Nonogram) -> list[tuple[Row, ...]]:
    """Every picture with the puzzle's clues, found by trying all rows that fit."""
    parameters = puzzle.parameters()
    columns = [tuple(clue) for clue in parameters["column_clues"]]
    rows = [lines_with(tuple(clue), len(columns)) for clue in parameters["row_clues"]]
    return [
        picture
        for picture in product(*rows)
        if all(lengths(line) == clue for line, clue in zip(zip(*picture, strict=True), columns, strict=True))
    ]


def test_small_puzzles_have_no_second_solution() -> None:
    for puzzle in puzzles(25, cells=25):
        assert all_solutions(puzzle) == [puzzle.picture]


def test_every_step_follows_from_its_line_alone() -> None:
    for puzzle in puzzles(60):
        clues = Clues.of(puzzle.picture)
        known: dict[tuple[int, int], bool] = {}
        for step in solve(clues):
            line = step.line
            length = len(clues.columns if line.is_row else clues.rows)
            clue = (clues.rows if line.is_row else clues.columns)[line.number]
            cells = [line.cell(place) for place in range(length)]
            fitting = [
                filling
                for filling in lines_with(clue, length)
                if all(known.get(cell, value) == value for cell, value in zip(cells, filling, strict=True))
            ]
            news = dict.fromkeys(step.filled, True) | dict.fromkeys(step.empty, False)
            assert news
            assert known.keys().isdisjoint(news)
            for filling in fitting:
                assert news.items() <= dict(zip(cells, filling, strict=True)).items()
            known |= news
        assert known == {
            (row, column): filled
            for row, cells in enumerate(puzzle.picture)
            for column, filled in enumerate(cells)
        }


@pytest.mark.parametrize(
    "picture",
    [
        ((True, False), (False, True)),
        ((True, True, False), (True, False, True), (False, True, True)),
    ],
    ids=["two diagonals", "a ring"],
)
def test_a_picture_with_a_twin_is_no_puzzle(picture: tuple[Row, ...]) -> None:
    assert solve(Clues.of(picture)) is None


def test_no_hint_is_empty_and_sizes_vary() -> None:
    shapes = set()
    for puzzle in puzzles(300):
        parameters = puzzle.parameters()
        assert all(parameters["row_clues"])
        assert all(parameters["column_clues"])
        shapes.add((parameters["rows"], parameters["columns"]))
    assert {rows for rows, _ in shapes} == {columns for _, columns in shapes} == set(range(5, 11))


def test_ten_thousand_samples_are_ten_thousand_puzzles() -> None:
    hashes = {Sample.draw(Nonogram, seed=3, index=index).param_hash for index in range(10_000)}
    assert len(hashes) == 10_000


def test_there_are_at_least_six_wordings_and_each_gives_the_size() -> None:
    puzzle = Sample.draw(Nonogram, seed=0, index=0).puzzle
    prompts = puzzle.prompts()
    assert len(set(prompts)) >= 6
    for prompt in prompts:
        assert str(len(puzzle.picture)) in prompt


def test_the_longest_hints_stay_on_the_picture_and_off_the_grid() -> None:
    comb = tuple((True, False) * 5 for _ in range(10))
    sheet = board.Board(Clues.of(comb), Nonogram.draw(Random(0)).theme)
    paper = sheet.canvas.image.getpixel((0, 0))
    for x, y in [(at, edge) for at in range(1024) for edge in (32, 992)]:
        assert sheet.canvas.image.getpixel((x, y)) == sheet.canvas.image.getpixel((y, x)) == paper
