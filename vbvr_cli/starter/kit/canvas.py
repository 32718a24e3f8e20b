"""A picture that is drawn with smooth edges, one small piece at a time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from functools import cache
from itertools import pairwise
from math import ceil, floor, hypot
from typing import Self

from PIL import Image, ImageDraw, ImageFont

from vbvr_cli.starter.kit.palette import Colour

SIDE = 1024
"""Width and height of every frame, in pixels."""

SMOOTHING = 4
"""A shape is drawn this many times larger, then averaged down."""

Point = tuple[float, float]
"""x to the right and y downwards, in pixels from the top left corner; a pixel's middle is at a half."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom edges, in pixels."""

WholeBox = tuple[int, int, int, int]
"""A box whose edges lie between pixels."""


class Canvas:
    """A square picture, `SIDE` pixels wide, whose shapes have smooth edges wherever they lie.

    A shape enlarges its own surroundings and no more, so memory stays low while shapes are small;
    for large areas there is `rectangle`.
    """

    def __init__(self, colour: Colour) -> None:
        self.image = Image.new("RGB", (SIDE, SIDE), colour)

    def copy(self) -> Self:
        """Another canvas with the same picture."""
        twin = copy(self)
        twin.image = self.image.copy()
        return twin

    def rectangle(self, box: WholeBox, colour: Colour) -> None:
        """Fill `box`, of any size."""
        self.image.paste(colour, box)

    def rounded(self, box: Box, radius: float, colour: Colour) -> None:
        """Fill `box` but for its corners, which are quarters of a disc of `radius` pixels."""
        with self._enlarged(box) as pen:
            pen.rounded(box, radius, colour)

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        """Fill a disc."""
        with self._enlarged(_around([centre], radius)) as pen:
            pen.disc(centre, radius, colour)

    def polygon(self, corners: Sequence[Point], colour: Colour) -> None:
        """Fill the polygon with these corners."""
        with self._enlarged(_around(corners)) as pen:
            pen.polygon(corners, colour)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw from point to point, `width` pixels wide, with round joints and ends."""
        for start, end in pairwise(points):
            with self._enlarged(_around([start, end], width / 2)) as pen:
                pen.line(start, end, width, colour)

    def text(
        self, anchor: Point, text: str, size: int, colour: Colour, *, align: str = "m", weight: float = 0.0125
    ) -> None:
        """Write `text` in one line, its digits and capitals centred on the anchor's height.

        Args:
            anchor: where to write.
            text: Latin letters, digits and punctuation.
            size: the font's height in pixels.
            colour: of the strokes.
            align: whether the text's "l"eft end, "m"iddle or "r"ight end is at the anchor.
            weight: how much the strokes gain on either side, in parts of the size.
        """
        font = _font(size * SMOOTHING)
        stroke = round(weight * size * SMOOTHING)
        digit_height = -font.getbbox("0", anchor="ls")[1] / SMOOTHING
        x, y = anchor[0], anchor[1] + digit_height / 2
        bounds = font.getbbox(text, anchor=f"{align}s", stroke_width=stroke)
        left, top, right, bottom = (edge / SMOOTHING for edge in bounds)
        with self._enlarged((x + left, y + top, x + right, y + bottom)) as pen:
            pen.text((x, y), text, colour, font=font, anchor=f"{align}s", stroke=stroke)

    @contextmanager
    def _enlarged(self, box: Box) -> Iterator["_Pen"]:
        """Lend `box` and its rim, enlarged; pixels that are not drawn on come back as they were."""
        left, top = (min(max(floor(edge) - 1, 0), SIDE - 1) for edge in box[:2])
        right, bottom = (min(max(ceil(edge) + 1, 1), SIDE) for edge in box[2:])
        patch = self.image.crop((left, top, right, bottom))
        patch = patch.resize((patch.width * SMOOTHING, patch.height * SMOOTHING), Image.Resampling.NEAREST)
        yield _Pen(patch, (left, top))
        self.image.paste(patch.reduce(SMOOTHING), (left, top))


class _Pen:
    """Draws at the canvas's coordinates on an enlarged part of it, whose top left corner is at `origin`."""

    def __init__(self, patch: Image.Image, origin: tuple[int, int]) -> None:
        self._draw = ImageDraw.Draw(patch)
        self._origin = origin

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        self._draw.ellipse(self._place_box(_around([centre], radius)), fill=colour)

    def rounded(self, box: Box, radius: float, colour: Colour) -> None:
        self._draw.rounded_rectangle(self._place_box(box), radius * SMOOTHING, fill=colour)

    def polygon(self, corners: Sequence[Point], colour: Colour) -> None:
        self._draw.polygon([self._place(corner) for corner in corners], fill=colour)

    def line(self, start: Point, end: Point, width: float, colour: Colour) -> None:
        (x0, y0), (x1, y1) = start, end
        length = hypot(x1 - x0, y1 - y0)
        if length > 0:
            dx, dy = (y1 - y0) / length * width / 2, (x0 - x1) / length * width / 2
            self.polygon(
                [(x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy)], colour
            )
        self.disc(start, width / 2, colour)
        self.disc(end, width / 2, colour)

    def text(
        self, at: Point, text: str, colour: Colour, *, font: ImageFont.FreeTypeFont, anchor: str, stroke: int
    ) -> None:
        self._draw.text(self._place(at), text, colour, font, anchor, stroke_width=stroke)

    def _place(self, point: Point) -> Point:
        return (point[0] - self._origin[0]) * SMOOTHING, (point[1] - self._origin[1]) * SMOOTHING

    def _place_box(self, box: Box) -> Box:
        """Pillow's boxes include the pixels at their right and bottom edges."""
        left, top = self._place((box[0], box[1]))
        right, bottom = self._place((box[2], box[3]))
        return left, top, max(right - 1, left), max(bottom - 1, top)


def _around(points: Sequence[Point], margin: float = 0.0) -> Box:
    across, down = [x for x, _ in points], [y for _, y in points]
    return min(across) - margin, min(down) - margin, max(across) + margin, max(down) + margin


@cache
def _font(pixels: int) -> ImageFont.FreeTypeFont:
    """The font that is built into Pillow, laid out without the libraries that a machine may have or lack."""
    font = ImageFont.load_default(pixels)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError(
            "this Pillow cannot draw scalable text; install a Pillow with FreeType, as its wheels have"
        )
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)
