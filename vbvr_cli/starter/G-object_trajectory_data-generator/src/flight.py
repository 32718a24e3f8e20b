"""Exact motion in a room: straight legs from bounce to bounce.

In one time step the object moves `vx` pixels across and `vy` down. Let a step be |vx * vy| ticks, and
measure x in units of 1/|vy| pixel and y in units of 1/|vx| pixel: now every tick moves the object by one
unit along both axes, every wall lies at whole units, and so every bounce falls on a whole tick. Positions
and times are integers; nothing is rounded, so no error can add up.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

CLEARANCE = 10
"""Pixels between the way and a block's corner: any closer, and one could not tell what happens there."""

PAUSE = 0.2
"""Steps between two bounces, or a bounce and the end: any less, and one could not tell which is first."""


class Rectangle(NamedTuple):
    """Left, top, right and bottom edges, in pixels or in units."""

    left: int
    top: int
    right: int
    bottom: int

    def grown(self, by: int) -> "Rectangle":
        """The rectangle whose edges are `by` further out."""
        return Rectangle(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def overlaps(self, other: "Rectangle") -> bool:
        """Whether the two share any area."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


class Course(NamedTuple):
    """A point that moves one unit a tick along both axes: from `x`, `y` by `dx`, `dy`, each 1 or -1."""

    x: int
    y: int
    dx: int
    dy: int

    def after(self, ticks: int) -> "Course":
        """The same movement, from where it has got to by then."""
        return self._replace(x=self.x + self.dx * ticks, y=self.y + self.dy * ticks)

    def mirrored(self, *, across: bool) -> "Course":
        """The movement after bouncing off something that it met sideways, or from above or below."""
        return self._replace(dx=-self.dx) if across else self._replace(dy=-self.dy)

    def entry(self, box: Rectangle) -> tuple[int, int] | None:
        """The ticks until it is between the sides of `box`, and until it is between its top and bottom.

        None where the point never is both at once from now on.
        """
        into_x, out_of_x = sorted(((box.left - self.x) * self.dx, (box.right - self.x) * self.dx))
        into_y, out_of_y = sorted(((box.top - self.y) * self.dy, (box.bottom - self.y) * self.dy))
        meets = max(into_x, into_y, 0) < min(out_of_x, out_of_y)
        return (into_x, into_y) if meets else None

    def meets(self, box: Rectangle, ticks: int) -> bool:
        """Whether it gets inside `box` within so many ticks."""
        entry = self.entry(box)
        return entry is not None and max(entry) < ticks


class Scale(NamedTuple):
    """How many units a pixel has, across and down."""

    across: int
    down: int

    def units(self, box: Rectangle) -> Rectangle:
        """`box`, in pixels, in units."""
        return Rectangle(
            box.left * self.across, box.top * self.down, box.right * self.across, box.bottom * self.down
        )


class Launch(NamedTuple):
    """How the object starts: its centre and half its width and height in pixels, and its pixels per step."""

    x: int
    y: int
    vx: int
    vy: int
    radius: int

    @property
    def ticks_per_step(self) -> int:
        return abs(self.vx * self.vy)

    @property
    def scale(self) -> Scale:
        return Scale(across=abs(self.vy), down=abs(self.vx))

    @property
    def course(self) -> Course:
        """The movement of its centre from tick 0 on, in units."""
        return Course(
            self.x * abs(self.vy), self.y * abs(self.vx), 1 if self.vx > 0 else -1, 1 if self.vy > 0 else -1
        )


class Bounce(NamedTuple):
    """What ends a leg: after how many ticks, met sideways (`across`) or not, and what was struck.

    `struck` is "left", "top", "right" or "bottom" for the room's walls, or "block" for `block`, by its
    number.
    """

    ticks: int
    across: bool
    struck: str
    block: int | None = None


class Leg(NamedTuple):
    """A straight piece of the way, from tick `begin` to tick `end`, when the object strikes `struck`."""

    begin: int
    end: int
    course: Course
    struck: str


class Flight:
    """Where a launch leads, for as long as one can clearly tell, and for at most `steps` time steps."""

    def __init__(self, launch: Launch, room: Rectangle, blocks: Sequence[Rectangle], steps: int) -> None:
        self.ticks_per_step = launch.ticks_per_step
        self._scale = scale = launch.scale
        # The object's centre may be where the object fits: in a smaller room, beside larger blocks.
        self._walls = scale.units(room.grown(-launch.radius))
        self._solid = [scale.units(block.grown(launch.radius)) for block in blocks]
        self._nearby = [scale.units(block.grown(launch.radius + CLEARANCE)) for block in blocks]
        self._faces = [scale.units(block.grown(-CLEARANCE)) for block in blocks]
        self.legs = tuple(self._fly(launch.course, steps * launch.ticks_per_step))

    def at(self, tick: float) -> tuple[float, float]:
        """The x and y of the object's centre, in pixels, up to the end of the last leg."""
        leg = next(leg for leg in self.legs if tick <= leg.end)
        passed = tick - leg.begin
        course = leg.course
        x, y = course.x + course.dx * passed, course.y + course.dy * passed
        return x / self._scale.across, y / self._scale.down

    def bounces(self, end: int) -> list[int]:
        """The ticks of the bounces before the tick `end`."""
        return [leg.end for leg in self.legs if leg.end < end]

    def is_clear_at(self, tick: int) -> bool:
        """Whether the flight gets that far, and no bounce is close."""
        pause = PAUSE * self.ticks_per_step
        return any(leg.begin + pause <= tick <= leg.end - pause for leg in self.legs)

    def _fly(self, course: Course, ticks: int) -> Iterator[Leg]:
        now, leaving = 0, None
        while now < ticks:
            bounce = self._next_bounce(course, leaving)
            if not self._is_plain(course, bounce, leaving):
                return
            yield Leg(now, now + bounce.ticks, course, bounce.struck)
            now += bounce.ticks
            course = course.after(bounce.ticks).mirrored(across=bounce.across)
            leaving = bounce.block

    def _next_bounce(self, course: Course, leaving: int | None) -> Bounce:
        """The first thing in the way, but for the block that it is moving away from."""
        walls = self._walls
        to_side = walls.right - course.x if course.dx > 0 else course.x - walls.left
        to_end = walls.bottom - course.y if course.dy > 0 else course.y - walls.top
        ahead = [
            Bounce(to_side, True, "right" if course.dx > 0 else "left"),
            Bounce(to_end, False, "bottom" if course.dy > 0 else "top"),
        ]
        for number, block in enumerate(self._solid):
            entry = course.entry(block)
            if entry is not None and number != leaving:
                ahead.append(Bounce(max(entry), entry[0] > entry[1], "block", number))
        return min(ahead, key=lambda bounce: bounce.ticks)

    def _is_plain(self, course: Course, bounce: Bounce, leaving: int | None) -> bool:
        """Whether one can see that this comes next: not at once, and not near a block's corner."""
        if bounce.ticks < PAUSE * self.ticks_per_step:
            return False
        if bounce.block is not None:
            face, struck = self._faces[bounce.block], course.after(bounce.ticks)
            if bounce.across and not face.top <= struck.y <= face.bottom:
                return False
            if not bounce.across and not face.left <= struck.x <= face.right:
                return False
        others = (box for number, box in enumerate(self._nearby) if number not in (bounce.block, leaving))
        return not any(course.meets(box, bounce.ticks) for box in others)
