"""A cancelled run is dropped by the workers; what is done of it stays, and submitting it again goes on."""

from __future__ import annotations

import pytest
from dead_tasks import let_die
from places import Place, check_dataset, tree

from vbvr_cli.backends.ports import Depth
from vbvr_cli.errors import InvalidRequestError
from vbvr_cli.models import TaskState
from vbvr_cli.operations.cancel import cancel, cancellable


def test_workers_acknowledge_the_tasks_of_a_cancelled_run_unrun(place: Place) -> None:
    place.submit("good", samples=6, batch_size=2)

    cancel(place.backend, cancellable(place.backend, None, ()))
    place.work()

    assert place.run("good").cancelled
    assert place.backend.queue.depth() == Depth(waiting=0, in_flight=0, delayed=0, dead=0)
    assert {record.state for record in place.records("good")} == {TaskState.PLANNED}
    assert not (place.dest / "questions").exists()


def test_what_is_done_stays_and_submitting_again_makes_the_rest(place: Place) -> None:
    place.make("good", 4, batch_size=2)
    before = tree(place.dest / "questions")
    place.submit("good", samples=10, batch_size=2)
    cancel(place.backend, cancellable(place.backend, None, ()))
    place.work()
    assert tree(place.dest / "questions") == before

    report = place.submit("good", samples=10, batch_size=2)

    assert (report.tasks_sent, place.run("good").cancelled) == (3, False)
    place.work()
    check_dataset(place, "good", 10)
    assert before.items() <= tree(place.dest / "questions").items()


def test_runs_are_found_by_the_beginning_of_their_id_and_by_glob(place: Place) -> None:
    place.submit("good", "several_tasks", samples=2)
    run_id = place.run("good").key.run_id

    def found(run: str | None, *generators: str) -> list[str]:
        return [one.generator for one in cancellable(place.backend, run, generators)]

    assert found(run_id[:6]) == ["good"]
    assert found(run_id) == ["good"]
    assert found(None, "g*") == ["good"]
    assert found(None, "several*", "good") == ["good", "several_tasks"]
    assert found(None) == ["good", "several_tasks"]


def test_a_run_or_a_generator_that_there_is_not_is_refused(place: Place) -> None:
    place.submit("good", samples=2)

    with pytest.raises(InvalidRequestError, match="no run 'ffffffffffff'"):
        cancellable(place.backend, "ffffffffffff", ())
    with pytest.raises(InvalidRequestError, match="No run is of bad"):
        cancellable(place.backend, None, ("bad*",))


def test_there_is_nothing_to_cancel_of_what_is_done_dead_or_cancelled(place: Place) -> None:
    place.make("good", 2)
    place.submit("several_tasks", samples=2)
    let_die(place.backend)
    place.submit("odd_samples", samples=2)
    cancel(place.backend, cancellable(place.backend, None, ("odd*",)))

    assert cancellable(place.backend, None, ()) == []
