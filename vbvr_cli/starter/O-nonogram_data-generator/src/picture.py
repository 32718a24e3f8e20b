"""Pictures of black and white cells that are worth hiding behind hints."""

from random import Random

Picture = tuple[tuple[bool, ...], ...]
"""Rows of cells from the top, each from the left; true where the cell is filled."""


def draw_picture(random: Random, rows: int, columns: int) -> Picture:
    """A picture, neither sparse nor nearly full, that leaves no row or column empty.

    Large ones are scattered cells, mirror images or blobs; small ones are always scattered, to be many.
    """
    style = random.choice((scattered, mirrored, blobs)) if min(rows, columns) >= 7 else scattered
    while True:
        picture = style(random, rows, columns)
        share = sum(map(sum, picture)) / (rows * columns)
        if 0.4 <= share <= 0.75 and all(map(any, picture)) and all(map(any, zip(*picture, strict=True))):
            return picture


def scattered(random: Random, rows: int, columns: int) -> Picture:
    """Every cell for itself, a little over half of them filled."""
    density = random.uniform(0.5, 0.68)
    return tuple(tuple(random.random() < density for _ in range(columns)) for _ in range(rows))


def mirrored(random: Random, rows: int, columns: int) -> Picture:
    """The right half is the left half's mirror image."""
    half = scattered(random, rows, (columns + 1) // 2)
    return tuple(row + row[: columns // 2][::-1] for row in half)


def blobs(random: Random, rows: int, columns: int) -> Picture:
    """Cells like most of their neighbours: a scattered picture after a round of voting."""
    noise = scattered(random, rows, columns)

    def vote(row: int, column: int) -> bool:
        near = [
            noise[r][c]
            for r in range(max(row - 1, 0), min(row + 2, rows))
            for c in range(max(column - 1, 0), min(column + 2, columns))
        ]
        return 2 * sum(near) > len(near)

    return tuple(tuple(vote(row, column) for column in range(columns)) for row in range(rows))
