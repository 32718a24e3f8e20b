"""The picture: a room seen from above, and what happens in it."""

from math import hypot

from vbvr_cli.starter.kit import Canvas, Colour, Point, Theme, mix

from .flight import Rectangle
from .setting import PAST_STEPS, Setting
from .thing import COLOURS, Thing

WALL = 18
"""The thickness of the room's walls, in pixels."""

YELLOW, BLACK = (250, 204, 21), (42, 39, 36)


class Scene:
    """The room with its past and its trace; `with_object` puts the object into it."""

    def __init__(self, setting: Setting, thing: Thing, theme: Theme) -> None:
        self._setting, self._thing, self._theme = setting, thing, theme
        self._canvas = Canvas(theme.paper)
        self._draw_room()
        self._draw_task()
        self._draw_past()

    def at_start(self) -> Canvas:
        """A copy with the object where it starts, and an arrow to where one time step takes it."""
        launch = self._setting.launch
        canvas = self.with_object((launch.x, launch.y))
        tip = (launch.x + launch.vx, launch.y + launch.vy)
        speed = hypot(launch.vx, launch.vy)
        along = (launch.vx / speed, launch.vy / speed)

        def behind(distance: float, aside: float) -> Point:
            return (
                tip[0] - along[0] * distance - along[1] * aside,
                tip[1] - along[1] * distance + along[0] * aside,
            )

        canvas.line([behind(speed - launch.radius - 10, 0), behind(16, 0)], 6, self._theme.ink)
        canvas.polygon([tip, behind(26, 14), behind(26, -14)], self._theme.ink)
        return canvas

    def with_object(self, centre: Point) -> Canvas:
        """A copy with the object at `centre`."""
        canvas = self._canvas.copy()
        self._thing.paint(canvas, centre, self._setting.launch.radius, self._theme.panel)
        return canvas

    def trace(self, points: list[Point]) -> None:
        """Draw the way along `points`."""
        self._canvas.line(points, 6, self._trace_colour)

    def mark_step(self, step: int, centre: Point) -> None:
        """Note that time step `step`, from 1, is over, and where the object was by then."""
        self._canvas.disc(centre, 9, self._trace_colour)
        if self._setting.steps is not None:
            self._draw_pip(step, passed=True)

    @property
    def _trace_colour(self) -> Colour:
        return mix(self._theme.panel, COLOURS[self._thing.colour], 0.6)

    def _draw_room(self) -> None:
        theme, room = self._theme, self._setting.room
        self._canvas.rectangle(room.grown(WALL), theme.ink)
        self._canvas.rectangle(room, theme.panel)
        for x in range(room.left + 40, room.right, 40):
            for y in range(room.top + 40, room.bottom, 40):
                self._canvas.rectangle((x - 1, y - 1, x + 2, y + 2), theme.line)
        for block in self._setting.blocks:
            self._canvas.rectangle(block, theme.ink)
        if self._setting.wall is not None:
            self._stripe(self._side(self._setting.wall))

    def _side(self, wall: str) -> Rectangle:
        left, top, right, bottom = self._setting.room
        return {
            "left": Rectangle(left - WALL, top, left, bottom),
            "top": Rectangle(left, top - WALL, right, top),
            "right": Rectangle(right, top, right + WALL, bottom),
            "bottom": Rectangle(left, bottom, right, bottom + WALL),
        }[wall]

    def _stripe(self, side: Rectangle) -> None:
        """Paint a wall, or a sample of it, in slanted stripes of yellow and black."""
        left, top, right, bottom = side
        self._canvas.rectangle(side, YELLOW)
        lies = right - left > bottom - top
        length, thickness = (right - left, bottom - top) if lies else (bottom - top, right - left)
        count = round(length / (2 * thickness))
        width = length / count / 2
        for number in range(count):
            start = 2 * width * number
            slanted = [
                (start, 0),
                (start + width, 0),
                (start + 2 * width, thickness),
                (start + width, thickness),
            ]
            corners = [(left + x, top + y) if lies else (left + y, top + x) for x, y in slanted]
            self._canvas.polygon(corners, BLACK)

    def _draw_task(self) -> None:
        """Say above the room when the object stops."""
        room, steps = self._setting.room, self._setting.steps
        y = room.top - WALL - 44
        if steps is None:
            self._canvas.text(
                (room.left - WALL, y), "Stops at the striped wall", 32, self._theme.ink, align="l"
            )
            self._stripe(
                Rectangle(room.right + WALL - 6 * WALL, y - WALL // 2, room.right + WALL, y + WALL // 2)
            )
        else:
            self._canvas.text(
                (room.left - WALL, y), f"Stops after {steps} time steps", 32, self._theme.ink, align="l"
            )
            for step in range(1, steps + 1):
                self._draw_pip(step, passed=False)

    def _draw_pip(self, step: int, *, passed: bool) -> None:
        """The mark for time step `step` in the row that counts them."""
        room, steps = self._setting.room, self._setting.steps or 0
        centre = (room.right + WALL - 9 - 24 * (steps - step), room.top - WALL - 44)
        self._canvas.disc(centre, 9, self._theme.ink)
        self._canvas.disc(centre, 6.5, COLOURS[self._thing.colour] if passed else self._theme.paper)

    def _draw_past(self) -> None:
        """Draw where the object was in the last time steps, and where it starts."""
        launch = self._setting.launch
        for step in range(-PAST_STEPS, 1):
            centre = (launch.x + step * launch.vx, launch.y + step * launch.vy)
            self._thing.paint(self._canvas, centre, launch.radius, self._theme.panel, 0.64 + 0.12 * step)
