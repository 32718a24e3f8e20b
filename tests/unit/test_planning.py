"""From a request to runs and tasks: what is created, extended, gone on with, appended, replaced, refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vbvr_cli.catalog.generator import Environment, Generator
from vbvr_cli.errors import InvalidRequestError
from vbvr_cli.models import MAX_INDEX, Provenance, Run, RunKey, RunSpec, Task
from vbvr_cli.planning import Action, GeneratorPlan, Request, is_planned, plan, task_at, tasks_of
from vbvr_cli.seeds import MAX_SEED, task_seed

GENERATOR = Generator(
    name="maze",
    path=Path("/generators/maze"),
    provenance=Provenance(commit="ab" * 20),
    environment=Environment(Path("/usr/bin/python3"), "py3.11-0"),
    output_option="--output",
    options=(),
    category=None,
    role="none",
    licence=None,
    batch_size=4,
    time_limit_seconds=60,
    memory_mb=512,
    seconds_per_sample=None,
    bytes_per_sample=None,
    pool=None,
)


def carried_out(one: GeneratorPlan, bucket: str = "a") -> Run:
    """The run that a plan leads to."""
    if one.action is Action.CREATE:
        start = one.spec.first_index
        return Run(RunKey(bucket, one.spec.run_id), one.spec, ((start, start + one.new_samples),))
    run = one.existing[-1]
    if one.action is Action.EXTEND:
        return replace(run, extents=(*run.extents, (run.end_index, run.end_index + one.new_samples)))
    return run


def made(samples: int, runs: tuple[Run, ...] = (), **request: Any) -> Run:
    return carried_out(plan(GENERATOR, Request(samples=samples, **request), runs))


def ranges(run: Run) -> list[tuple[int, int]]:
    return [(task.start_index, task.end_index) for task in tasks_of(run)]


def test_a_first_request_creates_a_run_from_index_0() -> None:
    one = plan(GENERATOR, Request(samples=10), [])
    assert (one.action, one.spec.first_index, one.new_samples, one.new_tasks) == (Action.CREATE, 0, 10, 3)
    assert ranges(carried_out(one)) == [(0, 4), (4, 8), (8, 10)]


def test_the_same_request_again_goes_on_with_the_run() -> None:
    run = made(10)
    one = plan(GENERATOR, Request(samples=10), [run])
    assert (one.action, one.new_samples, one.existing) == (Action.CONTINUE, 0, (run,))
    assert carried_out(one) == run


def test_a_smaller_request_takes_nothing_away() -> None:
    run = made(10)
    assert plan(GENERATOR, Request(samples=3), [run]).action is Action.CONTINUE


def test_a_larger_request_extends_and_changes_no_task_that_was_there() -> None:
    run = made(10)
    one = plan(GENERATOR, Request(samples=20), [run])
    assert (one.action, one.new_samples) == (Action.EXTEND, 10)
    extended = carried_out(one)
    assert extended.key == run.key
    assert list(tasks_of(extended))[:3] == list(tasks_of(run))
    assert ranges(extended)[3:] == [(10, 14), (14, 18), (18, 20)]


def test_a_run_keeps_the_batch_size_that_it_began_with() -> None:
    run = made(8)
    measured_anew = replace(GENERATOR, batch_size=100)
    one = plan(measured_anew, Request(samples=16), [run])
    assert (one.action, one.spec.batch_size) == (Action.EXTEND, 4)


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"output_format": "tar"},
        {"dedup": True},
        {"batch_size": 5},
    ],
)
def test_other_terms_for_the_same_indices_are_refused_with_the_ways_out(other: dict[str, Any]) -> None:
    run = made(10)
    one = plan(GENERATOR, Request(samples=10, **other), [run])
    assert one.action is Action.REFUSE
    assert one.refusal is not None
    assert run.key.run_id in one.refusal.what
    assert "samples 0-9 overlap samples 0-9" in one.refusal.what
    assert one.refusal.hint is not None
    assert "--append" in one.refusal.hint
    assert "--replace" in one.refusal.hint


@pytest.mark.parametrize(
    "changed",
    [
        {"provenance": Provenance(commit="cd" * 20)},
        {"environment": Environment(Path("/usr/bin/python3"), "py3.12-0")},
        {"options": ("--hard",)},
    ],
)
def test_another_state_of_the_generator_is_another_run(changed: dict[str, Any]) -> None:
    one = plan(replace(GENERATOR, **changed), Request(samples=10), [made(10)])
    assert one.action is Action.REFUSE


def test_append_begins_behind_all_other_runs() -> None:
    first = made(10)
    one = plan(GENERATOR, Request(samples=4, seed=1, append=True), [first])
    assert (one.action, one.spec.first_index) == (Action.CREATE, 10)
    second = carried_out(one)
    assert plan(GENERATOR, Request(samples=4, seed=1, append=True), [first, second]).action is Action.CONTINUE
    extended = plan(GENERATOR, Request(samples=8, seed=1), [first, second])
    assert (extended.action, extended.new_samples) == (Action.EXTEND, 4)


def test_append_goes_on_behind_a_run_that_stands_in_the_way() -> None:
    first = made(10)
    second = made(4, (first,), seed=1, append=True)
    one = plan(GENERATOR, Request(samples=20, append=True), [first, second])
    assert (one.action, one.spec.first_index, one.new_samples) == (Action.CREATE, 14, 10)
    assert one.existing == (first,)
    third = carried_out(one)
    assert plan(GENERATOR, Request(samples=20), [first, second, third]).action is Action.CONTINUE


def test_without_append_a_run_that_stands_in_the_way_is_refused() -> None:
    first = made(10)
    second = made(4, (first,), seed=1, append=True)
    assert plan(GENERATOR, Request(samples=20), [first, second]).action is Action.REFUSE


def test_replace_discards_the_runs_that_it_overlaps_and_no_other() -> None:
    first = made(10)
    second = made(4, (first,), seed=1, append=True)
    one = plan(GENERATOR, Request(samples=6, seed=2, replace=True), [first, second])
    assert (one.action, one.spec.first_index, one.replaced) == (Action.CREATE, 0, (first,))
    one = plan(GENERATOR, Request(samples=12, seed=2, replace=True), [first, second])
    assert one.replaced == (first, second)


def test_append_and_replace_exclude_each_other() -> None:
    with pytest.raises(InvalidRequestError, match="exclude"):
        Request(append=True, replace=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("samples", -1),
        ("samples", MAX_INDEX + 2),
        ("seed", -1),
        ("seed", MAX_SEED + 1),
        ("batch_size", 0),
        ("batch_size", 1001),
        ("output_format", "zip"),
    ],
)
def test_a_value_out_of_its_bounds_is_named_with_them(field: str, value: Any) -> None:
    with pytest.raises(InvalidRequestError, match=str(value)) as caught:
        Request(**{field: value})
    assert caught.value.hint


def test_the_bounds_themselves_can_be_asked_for() -> None:
    for samples, batch_size, seed in ((0, 1, 0), (MAX_INDEX + 1, 1000, MAX_SEED)):
        one = plan(GENERATOR, Request(samples=samples, batch_size=batch_size, seed=seed), [])
        assert one.new_samples == samples


def test_indices_have_no_more_than_eight_digits() -> None:
    almost_full = Run(RunKey("a", "x"), made(1, seed=9).spec, ((0, MAX_INDEX),))
    assert plan(GENERATOR, Request(samples=1, append=True), [almost_full]).spec.first_index == MAX_INDEX
    with pytest.raises(InvalidRequestError, match="do not fit"):
        plan(GENERATOR, Request(samples=2, append=True), [almost_full])


def test_a_run_id_is_of_what_decides_the_bytes_and_of_nothing_else() -> None:
    run = made(10)
    assert made(500).key.run_id == run.key.run_id
    assert carried_out(plan(GENERATOR, Request(samples=10), []), bucket="b").key.run_id == run.key.run_id
    same_bytes = replace(
        GENERATOR, time_limit_seconds=1, memory_mb=64, seconds_per_sample=3.0, path=Path("/x")
    )
    assert plan(same_bytes, Request(samples=10), []).spec.run_id == run.key.run_id
    others = {
        made(10, **terms).key.run_id
        for terms in ({"seed": 1}, {"output_format": "tar"}, {"dedup": True}, {"batch_size": 5})
    }
    assert len({*others, run.key.run_id}) == 5
    assert made(10, (made(3, seed=1),), append=True).key.run_id != run.key.run_id


def test_tasks_have_seeds_of_their_own_that_neighbouring_runs_do_not_share() -> None:
    seeds = [{task.seed for task in tasks_of(made(400, seed=seed))} for seed in range(5)]
    assert all(len(one) == 100 for one in seeds)
    assert len(set().union(*seeds)) == 500


def test_a_tasks_seed_is_of_run_seed_generator_and_first_index_alone() -> None:
    task = list(tasks_of(made(12, seed=3)))[1]
    assert task.seed == task_seed(3, "maze", 4)
    assert 0 <= task.seed <= MAX_SEED


def test_a_message_asks_for_exactly_its_task() -> None:
    task = list(tasks_of(made(10, seed=3, dedup=True, output_format="tar")))[2]
    assert task.to_message().model_dump() == {
        "type": "maze",
        "num_samples": 2,
        "start_index": 8,
        "seed": task.seed,
        "output_format": "tar",
        "output_bucket": "a",
        "dedup": True,
        "run_id": task.run.run_id,
    }


def test_a_runs_own_tasks_are_planned_and_no_others() -> None:
    run = made(10)
    run = replace(run, extents=((0, 10), (10, 13)))
    assert all(is_planned(run, task) for task in tasks_of(run))
    first: Task = next(iter(tasks_of(run)))
    for change in (
        {"num_samples": 3},
        {"num_samples": 5},
        {"start_index": 1},
        {"start_index": 13},
        {"seed": first.seed + 1},
        {"dedup": True},
    ):
        assert not is_planned(run, replace(first, **change))


def test_an_ad_hoc_run_has_one_task_with_the_seed_of_its_message() -> None:
    spec = RunSpec(generator="maze", provenance=GENERATOR.provenance, environment="e", seed=77, batch_size=3)
    run = Run(RunKey("a", "adhoc-1"), spec, ((0, 3),))
    assert [task.seed for task in tasks_of(run)] == [77]
    assert task_at(run.key, spec, 0, 3) == next(iter(tasks_of(run)))
    assert plan(GENERATOR, Request(samples=3, seed=77), [run]).action is Action.REFUSE


def test_estimates_say_whether_they_were_measured() -> None:
    guessed = plan(GENERATOR, Request(samples=10), [])
    assert (guessed.seconds, guessed.num_bytes, guessed.measured) == (10.0, 4_000_000, False)
    known = replace(GENERATOR, seconds_per_sample=0.5, bytes_per_sample=100)
    measured = plan(known, Request(samples=10), [])
    assert (measured.seconds, measured.num_bytes, measured.measured) == (5.0, 1000, True)
