"""Runs whose tasks were split, whose ledger was lost, or that two state folders write to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from dead_tasks import SLOW, let_die, waiting_tasks
from places import Place, check_dataset

from vbvr_cli.backends.local import LocalBackend
from vbvr_cli.errors import InvalidRequestError, ServiceError
from vbvr_cli.models import RunKey, TaskState
from vbvr_cli.operations.dlq.redrive import Redrive
from vbvr_cli.operations.dlq.request import RedriveRequest
from vbvr_cli.operations.generate import generate
from vbvr_cli.operations.queueing import purge
from vbvr_cli.operations.reconcile import compare, reopen_unmanifested
from vbvr_cli.operations.submit import Submitter
from vbvr_cli.planning import Request

MakePlace = Callable[[str], Place]


def split(place: Place, batch_size: int) -> None:
    """Let every waiting task of a place die, and send it again in parts."""
    let_die(place.backend, SLOW)
    Redrive(place.backend, RedriveRequest(batch_size=batch_size)).from_queue()


def forget(place: Place) -> None:
    """Lose the state folder's databases."""
    place.backend.close()
    for file in place.home.glob("*.sqlite3*"):
        file.unlink()
    place.backend = LocalBackend(place.home)


def adopt(place: Place, name: str) -> None:
    place.backend.allow_bucket(place.bucket)
    Submitter(place.backend, place.catalog(), place.bucket).adopt([place.catalog().get(name)])


def test_the_parts_of_a_split_task_are_sent_again_after_a_purge(place: Place) -> None:
    place.submit("good", samples=4, batch_size=4)
    split(place, 2)
    purge(place.backend)

    assert place.submit("good", samples=4, batch_size=4).tasks_sent == 2
    assert place.submit("good", samples=4, batch_size=4).tasks_sent == 0
    place.work()
    check_dataset(place, "good", 4)


def test_the_parts_of_a_split_task_are_sent_again_after_a_cancel(place: Place) -> None:
    place.submit("good", samples=4, batch_size=4)
    split(place, 2)
    place.backend.ledger.cancel_run(place.run("good").key)
    place.work()

    place.make("good", 4, batch_size=4)
    check_dataset(place, "good", 4)


def test_a_lost_part_of_a_split_task_is_made_again(place: Place) -> None:
    place.submit("good", samples=4, batch_size=4)
    split(place, 2)
    place.work()
    lost = next(place.backend.ledger.tasks(place.run("good").key, [TaskState.DONE])).task
    place.manifest(lost).unlink()

    assert reopen_unmanifested(place.backend, place.run("good")) == 1
    place.make("good", 4, batch_size=4)
    check_dataset(place, "good", 4)


def test_resend_sends_the_parts_of_a_split_task_that_are_not_done(place: Place) -> None:
    place.submit("good", samples=4, batch_size=4)
    split(place, 2)
    place.backend.queue.purge()

    assert place.submit("good", samples=4, batch_size=4).tasks_sent == 0
    assert place.submit("good", samples=4, batch_size=4, resend=True).tasks_sent == 2
    assert [task.num_samples for task in waiting_tasks(place.backend)] == [2, 2]


def test_a_lost_ledger_does_not_make_puzzles_twice(place: Place) -> None:
    place.make("ten_puzzles", 4, batch_size=2, dedup=True)
    forget(place)
    adopt(place, "ten_puzzles")
    place.make("ten_puzzles", 6, batch_size=2, dedup=True)

    hashes = [line.param_hash for line in check_dataset(place, "ten_puzzles", 6)]
    assert len(set(hashes)) == 6


def test_a_lost_ledger_keeps_the_finished_parts_of_a_split_task(place: Place) -> None:
    place.submit("good", samples=6, batch_size=6)
    split(place, 2)
    parts = waiting_tasks(place.backend)
    place.work()
    for part in (parts[0], parts[2]):
        place.manifest(part).unlink()
    kept = place.manifest(parts[1]).read_bytes()

    forget(place)
    adopt(place, "good")
    run = place.make("good", 6, batch_size=6)

    check_dataset(place, "good", 6)
    assert place.manifest(parts[1]).read_bytes() == kept
    assert compare(place.backend, run).complete


@pytest.fixture
def other(place: Place, make_place: MakePlace) -> Place:
    """Another state folder that writes to the same destination with the same generators."""
    other = make_place("other")
    other.dest, other.bucket, other.generators = place.dest, place.bucket, place.generators
    return other


def test_what_another_state_folder_added_to_a_run_is_taken_up(place: Place, other: Place) -> None:
    place.make("good", 4, batch_size=2)
    adopt(other, "good")
    other.make("good", 9, batch_size=2)

    adopt(place, "good")
    with pytest.raises(InvalidRequestError, match="overlap"):
        place.submit("good", samples=6, seed=1)
    assert place.make("good", 7, batch_size=2).num_samples == 9
    assert place.make("good", 12, batch_size=2).num_samples == 12
    check_dataset(place, "good", 12)


def test_a_run_that_two_state_folders_extended_at_once_is_refused(place: Place, other: Place) -> None:
    place.make("good", 4, batch_size=2)
    adopt(other, "good")
    other.make("good", 9, batch_size=2)
    place.backend.ledger.extend_run(place.run("good").key, 8)

    with pytest.raises(InvalidRequestError, match="described otherwise"):
        adopt(place, "good")


def test_of_two_state_folders_that_begin_at_once_one_is_refused(place: Place, other: Place) -> None:
    place.add("good")
    other.backend.allow_bucket(other.bucket)
    late = Submitter(other.backend, other.catalog(), other.bucket)
    plans = late.plans(other.catalog().select(["good"]), Request(samples=4, seed=1))
    place.make("good", 4)

    with pytest.raises(InvalidRequestError, match="overlap"):
        late.carry_out(plans)
    assert other.backend.ledger.list_runs() == []
    check_dataset(place, "good", 4)
    assert len(list((place.dest / "manifests" / "good").iterdir())) == 1


def test_of_two_requests_at_once_the_larger_one_counts(place: Place) -> None:
    place.add("good")
    place.backend.allow_bucket(place.bucket)
    submitter = Submitter(place.backend, place.catalog(), place.bucket)
    plans = submitter.plans(place.catalog().select(["good"]), Request(samples=6, batch_size=2))
    place.submit("good", samples=2, batch_size=2)

    submitter.carry_out(plans)
    assert place.run("good").num_samples == 6


def test_generate_fails_where_the_ledger_forgets_its_runs(place: Place) -> None:
    place.add("good")
    place.backend.allow_bucket(place.bucket)
    submitter = Submitter(place.backend, place.catalog(), place.bucket)
    plans = submitter.plans(place.catalog().select(["good"]), Request(samples=4))

    def lose(_: object) -> None:
        place.backend.ledger.remove_run(RunKey(place.bucket, plans[0].spec.run_id))

    with pytest.raises(ServiceError, match="forgotten"):
        generate(
            place.backend,
            submitter,
            plans,
            workers=1,
            environment={},
            logs=place.root / "logs",
            on_standing=lambda _: None,
            on_sent=lose,
        )
