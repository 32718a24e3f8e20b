"""Rounds, remakes and duplicates: decided once, recorded before publishing, replayed to the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from generators.sample import puzzle
from places import Place, check_dataset, tree

from vbvr_cli.errors import ServiceError
from vbvr_cli.models import FailureCode, TaskState
from vbvr_cli.worker.metadata import canonical_json


class FailingStore:
    """A back end whose store takes no manifest, as often as the test says."""

    def __init__(self, place: Place, times: int) -> None:
        self._backend: Any = place.backend
        self._left = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def store(self, bucket: str) -> Any:
        store = self._backend.store(bucket)
        outer = self

        class Store:
            def __getattr__(self, name: str) -> Any:
                return getattr(store, name)

            def put_if_absent(self, key: str, data: bytes) -> bool:
                outer._left -= 1
                if outer._left >= 0:
                    raise ServiceError("the store is away")
                return bool(store.put_if_absent(key, data))

        return Store()


def param_hashes(place: Place, name: str) -> list[str]:
    return [line.param_hash for line in place.lines(name)]


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("fails_on_some_seeds", {"samples": 8, "batch_size": 2}),
        ("one_in_twenty_is_broken", {"samples": 40, "batch_size": 20}),
        ("few_puzzles", {"samples": 40, "batch_size": 20, "dedup": True}),
    ],
)
def test_what_was_decided_before_a_failure_is_replayed_to_the_same_bytes(
    name: str, request_: dict[str, Any], make_place: Callable[[str], Place]
) -> None:
    smooth, bumpy = make_place("smooth"), make_place("bumpy")
    smooth.make(name, **request_)
    bumpy.submit(name, **request_)
    bumpy.work(backend=FailingStore(bumpy, times=2))
    assert sum(record.attempts - 1 for record in bumpy.records(name)) == 2
    assert [record.rounds for record in bumpy.records(name)] == [
        record.rounds for record in smooth.records(name)
    ]
    assert tree(bumpy.dest) == tree(smooth.dest)


def test_rounds_are_recorded_before_anything_is_published(place: Place) -> None:
    place.submit("one_in_twenty_is_broken", samples=20)
    place.work(backend=FailingStore(place, times=3))
    record = place.record("one_in_twenty_is_broken")
    assert record.state is TaskState.DEAD
    assert record.rounds is not None
    assert [(remake.position, remake.round) for remake in record.rounds.remakes] == [(3, 1)]


def test_with_dedup_every_puzzle_is_there_once_over_all_tasks(place: Place) -> None:
    place.make("few_puzzles", 60, batch_size=20, seed=4, dedup=True)
    assert place.reasons() == []
    check_dataset(place, "few_puzzles", 60)
    assert len(set(param_hashes(place, "few_puzzles"))) == 60
    assert sum(record.outcome.duplicates for record in place.records("few_puzzles") if record.outcome) > 0


def test_without_dedup_puzzles_repeat(place: Place) -> None:
    place.make("ten_puzzles", 30, batch_size=10)
    assert len(place.lines("ten_puzzles")) == 30
    assert len(set(param_hashes(place, "ten_puzzles"))) <= 10


def test_a_seed_among_the_parameters_makes_no_other_puzzle(place: Place) -> None:
    place.make("few_puzzles", 60, batch_size=20)
    shades = {place.metadata(line)["parameters"]["shade"] for line in place.lines("few_puzzles")}
    assert len(set(param_hashes(place, "few_puzzles"))) == len(shades)


def test_a_pool_that_is_exhausted_spares_the_waiting_tasks_the_attempt(place: Place) -> None:
    place.submit("ten_puzzles", samples=40, batch_size=8, dedup=True)
    place.work()
    records = place.records("ten_puzzles")
    assert {record.state for record in records} <= {TaskState.DONE, TaskState.DEAD}
    dead = [record for record in records if record.state is TaskState.DEAD]
    assert len(dead) >= 4
    assert {record.reason.code for record in dead if record.reason} == {FailureCode.POOL_EXHAUSTED}
    assert [record.attempts for record in dead] == [1, *[0] * (len(dead) - 1)]
    assert len(place.reasons()) == len(dead)


def test_what_a_dead_task_had_registered_is_free_for_others(place: Place) -> None:
    place.submit("few_puzzles", samples=20, dedup=True)
    place.work(backend=FailingStore(place, times=3))
    assert place.record("few_puzzles").state is TaskState.DEAD
    (task,) = place.tasks("few_puzzles")
    scope = (task.run.bucket, task.generator)
    remembered = place.record("few_puzzles").rounds
    assert remembered is not None
    place.submit("few_puzzles", samples=20, dedup=True, resend=True)
    # Meanwhile another run makes one of its puzzles: what was decided cannot stay.
    taken = _param_hash({"shade": puzzle(task.seed, 0) % 500, "look": {}})
    assert place.backend.dedup.register(*scope, "another-run", [(0, taken)]) == [True]
    place.work()
    check_dataset(place, "few_puzzles", 20)
    assert taken not in param_hashes(place, "few_puzzles")
    assert place.record("few_puzzles").rounds != remembered


def _param_hash(parameters: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(parameters).encode()).hexdigest()[:16]


def test_two_runs_of_one_generator_share_no_puzzle_in_one_bucket(place: Place) -> None:
    place.make("few_puzzles", 30, dedup=True)
    first = set(param_hashes(place, "few_puzzles"))
    place.make("few_puzzles", 10, seed=1, dedup=True, append=True)
    second = set(param_hashes(place, "few_puzzles"))
    assert place.reasons() == []
    assert len(second) == 10
    assert not first & second
