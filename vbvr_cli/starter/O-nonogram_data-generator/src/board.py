"""The sheet of paper: a grid with its clues, and what is written into it."""

from vbvr_cli.starter.kit import SIDE, Canvas, Colour, Theme, WholeBox, mix

from .solver import Cell, Clue, Clues, Line

MARGIN = 64
"""Pixels that are left free around grid and clues."""

FRAME = 5
"""The thickness of the line around the grid, in pixels."""

CLUE_ROOM = 0.56
"""The room for one number of a clue, in cells."""


class Board:
    """A drawing of one nonogram, at first with nothing but its clues."""

    def __init__(self, clues: Clues, theme: Theme) -> None:
        self.canvas = Canvas(theme.paper)
        self._clues = clues
        self._theme = theme
        self._rows, self._columns = len(clues.rows), len(clues.columns)
        beside, above = (CLUE_ROOM * max(map(len, lines)) + 0.25 for lines in (clues.rows, clues.columns))
        self._cell = int((SIDE - 2 * MARGIN) / max(self._columns + beside, self._rows + above))
        width, height = self._columns * self._cell, self._rows * self._cell
        self._beside, self._above = round(beside * self._cell), round(above * self._cell)
        self._left = (SIDE - width - self._beside) // 2 + self._beside
        self._top = (SIDE - height - self._above) // 2 + self._above
        self._right, self._bottom = self._left + width, self._top + height
        self._draw_grid()
        for line in self.lines():
            self.write_clue(line)

    def lines(self) -> list[Line]:
        """All rows, then all columns."""
        return [Line(True, row) for row in range(self._rows)] + [
            Line(False, column) for column in range(self._columns)
        ]

    def cells(self, line: Line) -> list[Cell]:
        """The cells of `line`."""
        return [line.cell(place) for place in range(self._columns if line.is_row else self._rows)]

    def write_clue(self, line: Line, *, lit: bool = False, done: bool = False) -> None:
        """Write the clue of `line`: on a bright strip while it is `lit`, faintly once it is `done`."""
        theme = self._theme
        strip = theme.tint if lit else mix(theme.paper, theme.line, 0.2 if done else 0.45)
        ink = theme.muted if done and not lit else theme.ink
        start = line.number * self._cell
        gap = self._cell // 24
        off = FRAME + 2 * gap
        if line.is_row:
            top = self._top + start
            box = (self._left - self._beside, top + gap, self._left - off, top + self._cell - gap)
        else:
            left = self._left + start
            box = (left + gap, self._top - self._above, left + self._cell - gap, self._top - off)
        self.canvas.rounded(box, self._cell // 8, strip)
        step = CLUE_ROOM * self._cell
        for place, run in enumerate(reversed(self._clue(line))):
            back = off + (place + 0.58) * step
            middle = start + self._cell / 2
            at = (
                (self._left - back, self._top + middle)
                if line.is_row
                else (self._left + middle, self._top - back)
            )
            self.canvas.text(at, str(run), round(0.46 * self._cell), ink)

    def write_cell(self, cell: Cell, filled: bool | None, *, size: float = 1.0, lit: bool = False) -> None:
        """Write what is known of a cell, nothing where `filled` is None; on a bright ground if it is `lit`.

        A filled cell gets a tile and one that stays empty a cross, grown to `size` between 0 and 1.
        """
        box = self._inside(cell)
        ground = self._theme.tint if lit else self._theme.panel
        self.canvas.rectangle(box, ground)
        if filled:
            self._draw_tile(box, size)
        elif filled is not None:
            self._draw_cross(box, size, mix(ground, self._theme.ink, 0.4))

    def _draw_tile(self, box: WholeBox, size: float) -> None:
        left, top, right, bottom = box
        inset = (right - left) * (1 - 0.92 * size) / 2
        tile = (left + inset, top + inset, right - inset, bottom - inset)
        self.canvas.rounded(tile, 0.1 * self._cell * size, self._theme.accent)

    def _draw_cross(self, box: WholeBox, size: float, colour: Colour) -> None:
        left, top, right, bottom = box
        x, y = (left + right) / 2, (top + bottom) / 2
        arm = 0.12 * self._cell * size
        for rise in (arm, -arm):
            self.canvas.line([(x - arm, y - rise), (x + arm, y + rise)], 0.05 * self._cell, colour)

    def _clue(self, line: Line) -> Clue:
        return (self._clues.rows if line.is_row else self._clues.columns)[line.number]

    def _inside(self, cell: Cell) -> WholeBox:
        """The cell without the grid's lines, which take two pixels on either side."""
        left, top = self._left + cell[1] * self._cell, self._top + cell[0] * self._cell
        return left + 2, top + 2, left + self._cell - 2, top + self._cell - 2

    def _draw_grid(self) -> None:
        theme = self._theme
        left, right = self._left - FRAME / 2, self._right + FRAME / 2
        top, bottom = self._top - FRAME / 2, self._bottom + FRAME / 2
        outline = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        self.canvas.line(outline, FRAME, theme.ink)
        self.canvas.rectangle((self._left, self._top, self._right, self._bottom), theme.panel)
        for strong in (False, True):
            colour = theme.muted if strong else theme.line
            for column in range(1, self._columns):
                if (column % 5 == 0) == strong:
                    x = self._left + column * self._cell
                    self.canvas.rectangle((x - 1 - strong, self._top, x + 1 + strong, self._bottom), colour)
            for row in range(1, self._rows):
                if (row % 5 == 0) == strong:
                    y = self._top + row * self._cell
                    self.canvas.rectangle((self._left, y - 1 - strong, self._right, y + 1 + strong), colour)
