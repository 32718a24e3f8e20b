"""Everything that decides where the object ends up: the room, the start, and when to stop."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import hypot
from random import Random

from .flight import CLEARANCE, Flight, Launch, Rectangle

PAST_STEPS = 3
"""How many time steps of the past are shown."""

STEPS = range(4, 13)
"""After how many time steps an object may stop."""

MOST_BOUNCES = 6


@dataclass(frozen=True)
class Setting:
    """A situation. The object stops after `steps` time steps, or else when it touches `wall`."""

    room: Rectangle
    blocks: tuple[Rectangle, ...]
    launch: Launch
    steps: int | None = None
    wall: str | None = None

    @cached_property
    def flight(self) -> Flight:
        """Where the object goes, possibly beyond its end."""
        return Flight(self.launch, self.room, self.blocks, STEPS[-1])

    @cached_property
    def end(self) -> int:
        """The tick at which the object stops."""
        if self.steps is not None:
            return self.steps * self.flight.ticks_per_step
        return next(leg.end for leg in self.flight.legs if leg.struck == self.wall)

    @property
    def bounces(self) -> int:
        """How often the object bounces before it stops."""
        return len(self.flight.bounces(self.end))


def draw_setting(random: Random) -> Setting:
    """A situation with a bounce or more, in which the past, the next step and the end are in plain view."""
    while True:
        room = draw_room(random)
        launch = draw_launch(random, room)
        blocks = draw_blocks(random, room, launch)
        setting = Setting(room, blocks, launch)
        endings = list(_endings(setting))
        if endings:
            by_steps = random.random() < 0.5
            wanted = [ending for ending in endings if (ending.steps is not None) == by_steps]
            candidates = wanted or endings
            return random.choices(candidates, [ending.bounces for ending in candidates])[0]


def draw_room(random: Random) -> Rectangle:
    """A room with some space above it for a line of text."""
    width, height = random.randrange(660, 881, 4), random.randrange(520, 761, 4)
    left, top = 512 - width // 2, 548 - height // 2
    return Rectangle(left, top, left + width, top + height)


def draw_launch(random: Random, room: Rectangle) -> Launch:
    """A start whose shown past and next step lie within the room."""
    while True:
        radius = random.randint(20, 34)
        vx, vy = (random.choice((-1, 1)) * random.randint(24, 140) for _ in range(2))
        free = room.grown(-radius - CLEARANCE)
        columns = _starts(free.left, free.right, vx)
        rows = _starts(free.top, free.bottom, vy)
        if max(2.2 * radius, 70) <= hypot(vx, vy) <= 150 and columns and rows:
            return Launch(random.choice(columns), random.choice(rows), vx, vy, radius)


def _starts(least: int, most: int, velocity: int) -> range:
    """Where the object can start along an axis for past and next step to be between `least` and `most`."""
    before, after = -PAST_STEPS * velocity, velocity
    return range(least - min(before, after), most - max(before, after) + 1)


def draw_blocks(random: Random, room: Rectangle, launch: Launch) -> tuple[Rectangle, ...]:
    """None to three blocks out of the way of past and next step; the object fits through every gap."""
    gap = 2 * (launch.radius + CLEARANCE)
    shown = launch.course.after(-PAST_STEPS * launch.ticks_per_step)
    blocks: list[Rectangle] = []
    for _ in range(random.randint(0, 9)):
        width, height = random.randrange(70, 221, 2), random.randrange(70, 221, 2)
        left = random.randint(room.left + gap, room.right - gap - width)
        top = random.randint(room.top + gap, room.bottom - gap - height)
        block = Rectangle(left, top, left + width, top + height)
        kept_free = launch.scale.units(block.grown(launch.radius + CLEARANCE))
        in_the_way = shown.meets(kept_free, (PAST_STEPS + 1) * launch.ticks_per_step)
        if not in_the_way and not any(block.grown(gap).overlaps(other) for other in blocks):
            blocks.append(block)
    return tuple(blocks[:3])


def _endings(setting: Setting) -> Iterator[Setting]:
    """The setting with every way to stop that leaves no doubt about where that is."""
    flight = setting.flight
    for steps in STEPS:
        ending = replace(setting, steps=steps)
        if flight.is_clear_at(ending.end) and 1 <= ending.bounces <= MOST_BOUNCES:
            yield ending
    for wall in {leg.struck: None for leg in flight.legs if leg.struck != "block"}:
        ending = replace(setting, wall=wall)
        soon = ending.end <= STEPS[-1] * flight.ticks_per_step
        late = ending.end >= STEPS[0] * flight.ticks_per_step
        if soon and late and 1 <= ending.bounces <= MOST_BOUNCES:
            yield ending
