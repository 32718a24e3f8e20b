"""The queue is looked into without taking anything out, and emptied without losing a run's tasks."""

from __future__ import annotations

from dead_tasks import let_die, letters_of, waiting_tasks
from places import Place, check_dataset

from vbvr_cli.models import Claim, FailureCode, Reason, TaskState
from vbvr_cli.operations.queueing import Loss, peek, purge, purge_loss
from vbvr_cli.operations.reconcile import compare


def test_peeking_gives_every_message_back(place: Place) -> None:
    place.submit("good", samples=25, batch_size=1)

    seen = peek(place.backend, 12)

    assert len({message.id for message in seen}) == 12
    assert place.backend.queue.depth().waiting == 25
    assert len(waiting_tasks(place.backend)) == 25
    assert len(peek(place.backend, 1000)) == 25


def test_peeking_into_an_empty_queue_shows_nothing(place: Place) -> None:
    assert peek(place.backend, 10) == []


def test_what_a_purge_would_lose_is_counted(place: Place) -> None:
    place.submit("good", samples=6, batch_size=2)
    place.backend.queue.send(['{"type": "good", "num_samples": 1, "start_index": 90}'])
    place.backend.queue.lease(1, 600.0)

    assert purge_loss(place.backend) == Loss(messages=4, in_flight=1, by_hand=1)


def test_after_a_purge_the_same_submit_sends_what_was_lost(place: Place) -> None:
    place.submit("good", samples=6, batch_size=2)
    tasks = waiting_tasks(place.backend)

    assert purge(place.backend) == 3
    assert place.backend.queue.depth().waiting == 0

    assert place.submit("good", samples=6, batch_size=2).tasks_sent == 3
    assert waiting_tasks(place.backend) == tasks
    place.work()
    check_dataset(place, "good", 6)


def test_a_purge_keeps_dead_letters_and_what_is_done(place: Place) -> None:
    place.make("good", 2, batch_size=2)
    place.submit("several_tasks", samples=2, batch_size=2)
    let_die(place.backend)
    place.submit("good", samples=4, batch_size=2)

    assert purge(place.backend) == 1

    assert len(letters_of(place.backend)) == 1
    assert place.record("several_tasks").state is TaskState.DEAD
    assert [record.state for record in place.records("good")] == [TaskState.DONE, TaskState.PLANNED]


def test_a_task_that_a_worker_held_when_the_queue_was_purged_is_sent_again_too(place: Place) -> None:
    place.submit("good", samples=2, batch_size=2)
    (message,) = place.backend.queue.lease(1, 600.0)
    claim = place.backend.ledger.claim(place.tasks("good")[0], "worker", 600.0)
    assert isinstance(claim, Claim)

    purge(place.backend)
    place.backend.queue.give_back(message)  # the worker stops: there is no message to give back

    assert place.submit("good", samples=2, batch_size=2).tasks_sent == 1
    place.work()
    check_dataset(place, "good", 2)
    assert compare(place.backend, place.run("good")).complete


def test_a_task_that_waited_for_its_next_attempt_is_sent_again_too(place: Place) -> None:
    place.submit("good", samples=2, batch_size=2)
    (message,) = place.backend.queue.lease(1, 600.0)
    claim = place.backend.ledger.claim(place.tasks("good")[0], "worker", 600.0)
    assert isinstance(claim, Claim)
    place.backend.ledger.fail(claim, Reason(FailureCode.GENERATOR_KILLED, "signal 9"))
    place.backend.queue.give_back(message, 600.0)

    assert purge(place.backend) == 1
    assert place.submit("good", samples=2, batch_size=2).tasks_sent == 1
