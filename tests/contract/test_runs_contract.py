"""What a ledger promises about runs and their ranges."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import randrange

import pytest
from harnesses import BackendUnderTest
from ledger_examples import OUTCOME, key_of, spec, task_of

from vbvr_cli.backends.ports import Backend, Ledger
from vbvr_cli.errors import RangeTakenError
from vbvr_cli.models import Run, RunKey, RunSpec, TaskState
from vbvr_cli.seeds import MAX_SEED


def create(ledger: Ledger, bucket: str, one: RunSpec, num_samples: int) -> Run:
    return ledger.create_run(key_of(bucket, one), one, num_samples)


def test_a_created_run_is_found_as_it_was_described(ledger: Ledger, under_test: BackendUnderTest) -> None:
    one = spec(seed=7, options=("--hard", "1"), output_format="tar", dedup=True, first_index=50)

    run = create(ledger, under_test.bucket, one, 100)

    assert run == Run(key_of(under_test.bucket, one), one, ((50, 150),))
    assert ledger.get_run(run.key) == run
    assert (run.start_index, run.end_index, run.num_samples) == (50, 150, 100)


def test_an_unknown_run_is_none(ledger: Ledger) -> None:
    assert ledger.get_run(RunKey("nowhere", "0123")) is None
    assert ledger.list_runs() == []


def test_creating_a_run_again_returns_it_as_it_stands(ledger: Ledger, under_test: BackendUnderTest) -> None:
    first = create(ledger, under_test.bucket, spec(), 100)
    ledger.cancel_run(first.key)

    again = create(ledger, under_test.bucket, spec(), 500)

    assert again == replace(first, cancelled=True)
    assert ledger.get_run(first.key) == again


@pytest.mark.parametrize(
    ("first_index", "num_samples"), [(0, 1), (50, 10), (99, 1), (0, 1000), (0, 100), (90, 100)]
)
def test_a_range_that_overlaps_another_runs_is_refused(
    ledger: Ledger, under_test: BackendUnderTest, first_index: int, num_samples: int
) -> None:
    owner = create(ledger, under_test.bucket, spec(), 100)
    other = spec(seed=1, first_index=first_index)

    with pytest.raises(RangeTakenError) as refused:
        create(ledger, under_test.bucket, other, num_samples)

    assert (refused.value.owner, refused.value.taken) == (owner.key.run_id, (0, 100))
    assert ledger.list_runs() == [owner]


def test_ranges_may_touch(ledger: Ledger, under_test: BackendUnderTest) -> None:
    create(ledger, under_test.bucket, spec(first_index=100), 100)

    create(ledger, under_test.bucket, spec(seed=1, first_index=0), 100)
    create(ledger, under_test.bucket, spec(seed=2, first_index=200), 100)

    assert [run.start_index for run in ledger.list_runs()] == [0, 100, 200]


def test_each_bucket_and_generator_has_ranges_of_its_own(
    ledger: Ledger, under_test: BackendUnderTest
) -> None:
    create(ledger, under_test.bucket, spec(), 100)

    create(ledger, under_test.other_bucket, spec(), 100)
    create(ledger, under_test.bucket, spec("G-10_maze_data-generator"), 100)

    assert len(ledger.list_runs()) == 3


def test_an_extension_is_one_more_extent(ledger: Ledger, under_test: BackendUnderTest) -> None:
    run = create(ledger, under_test.bucket, spec(first_index=10), 90)

    extended = ledger.extend_run(run.key, 250)

    assert extended.extents == ((10, 100), (100, 250))
    assert ledger.get_run(run.key) == extended


def test_extending_to_where_a_run_ends_changes_nothing(ledger: Ledger, under_test: BackendUnderTest) -> None:
    run = create(ledger, under_test.bucket, spec(), 100)
    extended = ledger.extend_run(run.key, 250)

    assert ledger.extend_run(run.key, 250) == extended
    assert ledger.extend_run(run.key, 100) == extended
    assert ledger.extend_run(run.key, 1) == extended


def test_an_extension_into_another_runs_range_is_refused(
    ledger: Ledger, under_test: BackendUnderTest
) -> None:
    run = create(ledger, under_test.bucket, spec(), 100)
    owner = create(ledger, under_test.bucket, spec(seed=1, first_index=200), 100)

    with pytest.raises(RangeTakenError) as refused:
        ledger.extend_run(run.key, 201)

    assert (refused.value.owner, refused.value.taken) == (owner.key.run_id, (200, 300))
    assert ledger.get_run(run.key) == run
    assert ledger.extend_run(run.key, 200).end_index == 200


def test_an_extended_range_is_taken_as_a_whole(ledger: Ledger, under_test: BackendUnderTest) -> None:
    run = create(ledger, under_test.bucket, spec(), 100)
    ledger.extend_run(run.key, 250)

    with pytest.raises(RangeTakenError) as refused:
        create(ledger, under_test.bucket, spec(seed=1, first_index=240), 100)

    assert refused.value.taken == (0, 250)


def test_a_removed_run_leaves_nothing(ledger: Ledger, under_test: BackendUnderTest) -> None:
    run = create(ledger, under_test.bucket, spec(), 100)
    ledger.settle(task_of(run.key, 0), OUTCOME)

    ledger.remove_run(run.key)

    assert ledger.get_run(run.key) is None
    assert ledger.progress() == []
    assert list(ledger.tasks(run.key)) == []
    assert ledger.get_task(task_of(run.key, 0)) is None
    assert create(ledger, under_test.bucket, spec(seed=1), 100).end_index == 100


def test_a_run_made_again_after_its_removal_begins_anew(ledger: Ledger, under_test: BackendUnderTest) -> None:
    run = create(ledger, under_test.bucket, spec(), 100)
    ledger.settle(task_of(run.key, 0), OUTCOME)
    ledger.remove_run(run.key)

    create(ledger, under_test.bucket, spec(), 100)

    assert ledger.states(run.key, [task_of(run.key, 0)]) == [TaskState.PLANNED]
    assert [one.samples_done for one in ledger.progress()] == [0]


def test_that_a_run_was_removed_stays_known(ledger: Ledger, under_test: BackendUnderTest) -> None:
    removed = create(ledger, under_test.bucket, spec(), 100)
    elsewhere = RunKey(under_test.other_bucket, removed.key.run_id)
    assert not ledger.was_removed(removed.key)

    ledger.remove_run(removed.key)
    ledger.remove_run(removed.key)

    assert ledger.was_removed(removed.key)
    assert not ledger.was_removed(elsewhere)
    again = create(ledger, under_test.bucket, spec(), 200)
    assert ledger.get_run(again.key) == again
    assert (again.end_index, again.cancelled, again.exhausted) == (200, False, False)


def test_removing_a_run_that_nobody_knows_leaves_nothing(
    ledger: Ledger, under_test: BackendUnderTest
) -> None:
    unknown = RunKey(under_test.bucket, spec().run_id)

    ledger.remove_run(unknown)

    assert not ledger.was_removed(unknown)


def test_removing_a_run_leaves_others_alone(ledger: Ledger, under_test: BackendUnderTest) -> None:
    gone = create(ledger, under_test.bucket, spec(), 100)
    kept = create(ledger, under_test.other_bucket, spec(), 100)
    ledger.settle(task_of(kept.key, 0), OUTCOME)

    ledger.remove_run(gone.key)
    ledger.remove_run(gone.key)

    assert ledger.list_runs() == [kept]
    assert [one.samples_done for one in ledger.progress()] == [10]


def test_runs_are_listed_by_bucket_generator_and_first_index(
    ledger: Ledger, under_test: BackendUnderTest
) -> None:
    buckets = sorted([under_test.bucket, under_test.other_bucket])
    expected = [
        create(ledger, bucket, spec(generator, first_index=first), 10)
        for bucket in buckets
        for generator in ("G-1_a", "O-1_b")
        for first in (0, 100)
    ]

    assert ledger.list_runs() == expected
    assert ledger.list_runs(bucket=buckets[0]) == expected[:4]
    assert ledger.list_runs(generator="O-1_b") == [expected[2], expected[3], expected[6], expected[7]]
    assert ledger.list_runs(buckets[1], "G-1_a") == expected[4:6]
    assert ledger.list_runs(generator="G-1") == []


def test_marks_are_set_and_lifted(ledger: Ledger, run: Run) -> None:
    ledger.cancel_run(run.key)
    assert ledger.get_run(run.key) == replace(run, cancelled=True)

    ledger.exhaust_run(run.key)
    assert ledger.get_run(run.key) == replace(run, cancelled=True, exhausted=True)

    ledger.resume_run(run.key)
    assert ledger.get_run(run.key) == run


def test_an_extension_keeps_the_marks(ledger: Ledger, run: Run) -> None:
    ledger.exhaust_run(run.key)

    assert ledger.extend_run(run.key, 2000).exhausted


def test_marks_of_unknown_runs_are_no_error(ledger: Ledger) -> None:
    key = RunKey("nowhere", "0123")

    ledger.cancel_run(key)
    ledger.exhaust_run(key)
    ledger.resume_run(key)

    assert ledger.get_run(key) is None
    assert ledger.list_runs() == []


def test_a_restored_run_is_recorded_as_described(ledger: Ledger, under_test: BackendUnderTest) -> None:
    one = spec(first_index=10)
    run = Run(key_of(under_test.bucket, one), one, ((10, 100), (100, 130)), cancelled=True)

    ledger.restore_run(run)

    assert ledger.get_run(run.key) == run
    assert ledger.list_runs() == [run]
    with pytest.raises(RangeTakenError):
        create(ledger, under_test.bucket, spec(seed=1, first_index=120), 1)


def test_restoring_a_run_replaces_its_record_but_not_its_tasks(ledger: Ledger, run: Run) -> None:
    ledger.settle(task_of(run.key, 0), OUTCOME)
    described = replace(run, extents=((0, 1000), (1000, 1500)))

    ledger.restore_run(described)

    assert ledger.get_run(run.key) == described
    assert ledger.states(run.key, [task_of(run.key, 0)]) == [TaskState.DONE]
    (progress,) = ledger.progress()
    assert (progress.samples_planned, progress.samples_done) == (1500, 10)


def test_tasks_that_were_known_before_their_run_are_found_in_it(
    ledger: Ledger, under_test: BackendUnderTest
) -> None:
    one = spec()
    key = key_of(under_test.bucket, one)
    ledger.settle(task_of(key, 0), OUTCOME)
    assert ledger.get_run(key) is None

    create(ledger, under_test.bucket, one, 100)

    assert [record.state for record in ledger.tasks(key)] == [TaskState.DONE]
    assert [progress.samples_done for progress in ledger.progress()] == [10]


def test_another_connection_sees_the_same_runs(under_test: BackendUnderTest, run: Run) -> None:
    assert under_test.reconnect().ledger.get_run(run.key) == run


def create_same(backend: Backend, bucket: str) -> Run:
    return create(backend.ledger, bucket, spec(), 100)


def test_those_who_create_the_same_run_at_once_get_the_same(race, under_test: BackendUnderTest) -> None:
    runs = race(create_same, under_test.bucket)

    assert runs == [runs[0]] * len(runs)
    assert under_test.backend.ledger.list_runs() == [runs[0]]


def reserve_in_turn(backend: Backend, bucket: str) -> list[str]:
    """Ask for overlapping ranges as all others do, each in terms of one's own; the runs that were given."""
    given = []
    for step in range(12):
        mine = spec(seed=randrange(MAX_SEED), first_index=step * 50)
        try:
            given.append(create(backend.ledger, bucket, mine, 75).key.run_id)
        except RangeTakenError:
            continue
    return given


def test_no_two_runs_that_are_created_at_once_overlap(race, under_test: BackendUnderTest) -> None:
    given = {run_id for ids in race(reserve_in_turn, under_test.bucket) for run_id in ids}

    runs = under_test.backend.ledger.list_runs()

    assert {run.key.run_id for run in runs} == given
    assert all(one.end_index <= other.start_index for one, other in pairwise(runs))
