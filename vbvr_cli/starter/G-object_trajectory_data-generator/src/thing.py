"""The object itself: its shape and its colour."""

from math import cos, pi, sin
from typing import NamedTuple

from vbvr_cli.starter.kit import Canvas, Colour, Point, mix

COLOURS: dict[str, Colour] = {
    "red": (226, 62, 68),
    "orange": (238, 124, 36),
    "green": (44, 162, 96),
    "teal": (16, 158, 166),
    "blue": (54, 122, 240),
    "purple": (134, 86, 236),
    "pink": (228, 84, 158),
}


def ring(radii: tuple[float, ...], turn: float) -> list[Point]:
    """Corners at these distances, evenly around the origin, from `turn` of a full turn onwards."""
    angles = [2 * pi * (turn + corner / len(radii)) for corner in range(len(radii))]
    return [(radius * cos(angle), radius * sin(angle)) for radius, angle in zip(radii, angles, strict=True)]


# Each reaches exactly 1 to the left, the right, up and down, so that all of them bounce alike.
OUTLINES: dict[str, list[Point]] = {
    "circle": ring((1.0,) * 64, 0),
    "square": [(-1, -1), (1, -1), (1, 1), (-1, 1)],
    "diamond": ring((1.0,) * 4, 0),
    "octagon": ring((1 / cos(pi / 8),) * 8, 1 / 16),
    "star": ring((1.0, 0.5) * 4, 0),
}


class Thing(NamedTuple):
    """What moves, such as a blue octagon."""

    shape: str
    colour: str

    def paint(self, canvas: Canvas, centre: Point, radius: int, ground: Colour, opacity: float = 1.0) -> None:
        """Draw it with a darker rim, `radius` pixels to each side, as if over a plain `ground`."""
        fill = COLOURS[self.colour]
        rim = mix(fill, (0, 0, 0), 0.3)
        for size, colour in ((radius, rim), (radius - 4, fill)):
            corners = [(centre[0] + size * x, centre[1] + size * y) for x, y in OUTLINES[self.shape]]
            canvas.polygon(corners, mix(ground, colour, opacity))
