"""The object trajectory generator's situations: computed exactly, clear to the eye, many."""

import sys
from collections.abc import Iterator
from fractions import Fraction
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from math import dist
from pathlib import Path

import pytest

import vbvr_cli
from vbvr_cli.starter.kit import Sample

SOURCE = Path(vbvr_cli.__file__).parent / "starter" / "G-object_trajectory_data-generator" / "src"
NAME = "starter_trajectory"

spec = spec_from_file_location(NAME, SOURCE / "__init__.py", submodule_search_locations=[str(SOURCE)])
assert spec is not None
sys.modules[NAME] = module_from_spec(spec)
ObjectTrajectory = import_module(f"{NAME}.trajectory").ObjectTrajectory
Setting = import_module(f"{NAME}.setting").Setting
thing = import_module(f"{NAME}.thing")

SUBSTEPS = 500
"""How finely the tests simulate: a substep is at most 0.3 pixels."""


def settings(count: int) -> list[Setting]:
    return [Sample.draw(ObjectTrajectory, seed=0, index=index).puzzle.setting for index in range(count)]


def simulate(setting: Setting) -> tuple[tuple[float, float], int]:
    """Where it ends and after how many bounces, in tiny steps that mirror what got into a wall or a block."""
    launch, room = setting.launch, setting.room
    at, velocity = [float(launch.x), float(launch.y)], [launch.vx, launch.vy]
    low = [room.left + launch.radius, room.top + launch.radius]
    high = [room.right - launch.radius, room.bottom - launch.radius]
    names = (("left", "right"), ("top", "bottom"))
    grown = [block.grown(launch.radius) for block in setting.blocks]
    bounces = 0
    for _ in range((setting.steps or 12) * SUBSTEPS):
        before = tuple(at)
        for axis in (0, 1):
            at[axis] += velocity[axis] / SUBSTEPS
        for axis in (0, 1):
            for limit, outside, name in (
                (low[axis], at[axis] < low[axis], names[axis][0]),
                (high[axis], at[axis] > high[axis], names[axis][1]),
            ):
                if outside and name == setting.wall:
                    return before, bounces
                if outside:
                    at[axis], velocity[axis], bounces = 2 * limit - at[axis], -velocity[axis], bounces + 1
        for block in grown:
            if block.left < at[0] < block.right and block.top < at[1] < block.bottom:
                axis = 0 if not block.left < before[0] < block.right else 1
                limit = block[axis] if velocity[axis] > 0 else block[axis + 2]
                at[axis], velocity[axis], bounces = 2 * limit - at[axis], -velocity[axis], bounces + 1
    assert setting.wall is None
    return (at[0], at[1]), bounces


def folded(start: int, velocity: int, steps: int, low: int, high: int) -> Fraction:
    """Where a point between two mirrors is after so many steps, by unfolding its way to a straight line."""
    span = high - low
    along = (Fraction(start) + velocity * steps - low) % (2 * span)
    return low + (along if along <= span else 2 * span - along)


def test_a_simulation_in_tiny_steps_ends_in_the_same_place() -> None:
    for setting in settings(150):
        end, bounces = simulate(setting)
        allowed = 0.001 if setting.steps else 0.5  # at a wall, the simulation stops a substep early
        assert dist(end, setting.flight.at(setting.end)) < allowed
        assert bounces == setting.bounces


def test_without_blocks_the_end_is_exactly_that_of_the_unfolded_way() -> None:
    checked = 0
    for setting in settings(300):
        if setting.blocks or not setting.steps:
            continue
        launch, free = setting.launch, setting.room.grown(-setting.launch.radius)
        x = folded(launch.x, launch.vx, setting.steps, free.left, free.right)
        y = folded(launch.y, launch.vy, setting.steps, free.top, free.bottom)
        assert setting.flight.at(setting.end) == (float(x), float(y))
        checked += 1
    assert checked > 20


def test_an_object_that_stops_at_a_wall_touches_it_and_did_not_before() -> None:
    for setting in settings(200):
        if setting.wall is None:
            continue
        free = setting.room.grown(-setting.launch.radius)
        axis, side = {"left": (0, 0), "top": (1, 1), "right": (0, 2), "bottom": (1, 3)}[setting.wall]
        assert setting.flight.at(setting.end)[axis] == free[side]
        assert all(
            setting.flight.at(tick)[axis] != free[side] for tick in setting.flight.bounces(setting.end)
        )


def test_the_shown_past_is_a_straight_way_through_free_space() -> None:
    for setting in settings(300):
        launch = setting.launch
        for quarter in range(-12, 5):
            x, y = launch.x + launch.vx * quarter / 4, launch.y + launch.vy * quarter / 4
            free = setting.room.grown(-launch.radius)
            assert free.left < x < free.right
            assert free.top < y < free.bottom
            for block in setting.blocks:
                taken = block.grown(launch.radius)
                assert not (taken.left < x < taken.right and taken.top < y < taken.bottom)


def test_no_block_touches_another_or_a_wall() -> None:
    for setting in settings(300):
        room = setting.room.grown(-2 * setting.launch.radius)
        for number, block in enumerate(setting.blocks):
            assert room.left <= block.left < block.right <= room.right
            assert room.top <= block.top < block.bottom <= room.bottom
            assert not any(block.grown(1).overlaps(other) for other in setting.blocks[:number])


def test_situations_vary_in_ending_bounces_and_blocks() -> None:
    drawn = settings(400)
    assert {setting.bounces for setting in drawn} == set(range(1, 7))
    assert {setting.wall for setting in drawn} == {None, "left", "top", "right", "bottom"}
    assert {setting.steps for setting in drawn} == {None, *range(4, 13)}
    assert {len(setting.blocks) for setting in drawn} == {0, 1, 2, 3}
    assert any(
        leg.struck == "block" and leg.end < setting.end for setting in drawn for leg in setting.flight.legs
    )


@pytest.mark.parametrize("shape", sorted(thing.OUTLINES))
def test_every_shape_reaches_equally_far_to_all_sides(shape: str) -> None:
    across, down = zip(*thing.OUTLINES[shape], strict=True)
    assert (min(across), max(across), min(down), max(down)) == pytest.approx((-1, 1, -1, 1))


def test_ten_thousand_samples_are_ten_thousand_puzzles() -> None:
    hashes = {Sample.draw(ObjectTrajectory, seed=3, index=index).param_hash for index in range(10_000)}
    assert len(hashes) == 10_000


def test_there_are_at_least_six_wordings_and_each_says_when_it_stops() -> None:
    def prompts() -> Iterator[tuple[Setting, str]]:
        for index in range(20):
            puzzle = Sample.draw(ObjectTrajectory, seed=0, index=index).puzzle
            assert len(set(puzzle.prompts())) >= 6
            yield from ((puzzle.setting, prompt) for prompt in puzzle.prompts())

    for setting, prompt in prompts():
        assert (f"after exactly {setting.steps} time steps" in prompt) == (setting.steps is not None)
        assert ("yellow and black stripes" in prompt) == (setting.wall is not None)
        assert " a orange" not in prompt
