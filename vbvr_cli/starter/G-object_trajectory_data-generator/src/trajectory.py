"""The puzzle: where does the object end up?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from random import Random
from typing import Self

from vbvr_cli.starter.kit import FPS, THEMES, Parameters, Puzzle, Shot, Theme

from .scene import Scene
from .setting import Setting, draw_setting
from .thing import COLOURS, OUTLINES, Thing
from .wording import prompts

STEP_FRAMES = FPS // 2
"""Frames that a time step takes in the video: half a second."""


@dataclass(frozen=True)
class ObjectTrajectory(Puzzle):
    """An object in a room that bounces off walls and blocks until it stops."""

    generator = "G-object_trajectory_data-generator"
    task = "object_trajectory"

    setting: Setting
    thing: Thing
    theme: Theme

    @classmethod
    def draw(cls, random: Random) -> Self:
        thing = Thing(random.choice(list(OUTLINES)), random.choice(list(COLOURS)))
        return cls(draw_setting(random), thing, random.choice(THEMES))

    def parameters(self) -> Parameters:
        setting = self.setting
        launch = setting.launch
        x, y = setting.flight.at(setting.end)
        return {
            "room": setting.room,
            "blocks": setting.blocks,
            "radius": launch.radius,
            "start": (launch.x, launch.y),
            "velocity": (launch.vx, launch.vy),
            "stops": {"after_steps": setting.steps} if setting.steps else {"at_wall": setting.wall},
            "bounces": setting.bounces,
            "end": (round(x, 3), round(y, 3)),
        }

    def look(self) -> Parameters:
        return {"theme": self.theme.name, "shape": self.thing.shape, "colour": self.thing.colour}

    def prompts(self) -> Sequence[str]:
        return prompts(self.setting, self.thing)

    def shots(self) -> Iterator[Shot]:
        setting, flight = self.setting, self.setting.flight
        scene = Scene(setting, self.thing, self.theme)
        yield Shot(scene.at_start().image, FPS // 2)

        frame_ticks = flight.ticks_per_step / STEP_FRAMES
        frames = ceil(setting.end / frame_ticks)
        bounces = flight.bounces(setting.end)
        before = 0.0
        for frame in range(1, frames + 1):
            now = min(frame * frame_ticks, setting.end)
            turns = [bounce for bounce in bounces if before < bounce < now]
            scene.trace([flight.at(tick) for tick in (before, *turns, now)])
            step, into_step = divmod(now, flight.ticks_per_step)
            if into_step == 0:
                scene.mark_step(int(step), flight.at(now))
            picture = scene.with_object(flight.at(now))
            yield Shot(picture.image, FPS if frame == frames else 1)
            before = now
