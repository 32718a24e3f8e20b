"""What was given up is described from the ledger and the queue, and nothing is received for it."""

from __future__ import annotations

from dead_tasks import FAILED, SLOW, Altered, let_die, letters_of
from places import Place

from vbvr_cli.models import FailureCode
from vbvr_cli.operations.dlq.listing import UNREADABLE, list_dead
from vbvr_cli.operations.dlq.redrive import Redrive
from vbvr_cli.operations.dlq.request import RedriveRequest


def test_dead_tasks_are_counted_by_generator_and_reason_and_no_letter_is_received(place: Place) -> None:
    place.submit("good", samples=6, batch_size=2)
    let_die(place.backend)
    place.submit("several_tasks", samples=10, batch_size=10)
    let_die(place.backend, SLOW)
    before = letters_of(place.backend)

    dead = list_dead(place.backend)

    groups = {group: len(entries) for group, entries in dead.groups().items()}
    assert groups == {("good", "generator_failed"): 3, ("several_tasks", "out_of_time"): 1}
    assert (dead.letters, dead.unlisted, dead.settled, dead.without_letter) == (4, 0, 0, 0)
    first = dead.entries[0]
    assert (first.where, first.samples, first.attempts) == ("00000000-00000001", 2, 1)
    assert (first.code, first.detail, first.output) == (FAILED.code, FAILED.detail, FAILED.output)
    after = letters_of(place.backend)
    assert [letter.receive_count for letter in after] == [letter.receive_count for letter in before]


def test_a_malformed_message_appears_as_invalid_with_what_is_wrong_in_it(place: Place) -> None:
    place.backend.queue.send(["{nonsense", '{"type": "good", "num_samples": 0}'])
    let_die(place.backend)

    dead = list_dead(place.backend)

    assert [entry.generator for entry in dead.entries] == [UNREADABLE, UNREADABLE]
    assert {entry.code for entry in dead.entries} == {FailureCode.INVALID_MESSAGE}
    assert "num_samples" in dead.entries[1].detail


def test_where_the_queue_cannot_be_peeked_into_the_ledger_speaks_and_the_rest_is_counted(
    place: Place,
) -> None:
    place.submit("good", samples=4, batch_size=2)
    place.backend.queue.send(["{nonsense"])
    let_die(place.backend)
    opaque = Altered(place.backend, queue=Altered(place.backend.queue, peek_dead=lambda: None))

    dead = list_dead(opaque)

    assert [entry.generator for entry in dead.entries] == ["good", "good"]
    assert (dead.letters, dead.unlisted) == (3, 1)


def test_a_letter_of_a_task_that_is_under_way_again_is_counted_apart(place: Place) -> None:
    place.submit("good", samples=4, batch_size=2)
    let_die(place.backend)
    place.submit("good", samples=4, batch_size=2, resend=True)

    dead = list_dead(place.backend)

    assert (dead.entries, dead.letters, dead.settled) == ((), 2, 2)


def test_dead_tasks_whose_letters_left_the_queue_are_still_listed_and_counted_so(place: Place) -> None:
    place.submit("good", samples=4, batch_size=2)
    let_die(place.backend)
    place.backend.queue.delete_dead(place.backend.queue.lease_dead(1, 60.0))

    dead = list_dead(place.backend)

    assert (len(dead.entries), dead.letters, dead.without_letter) == (2, 1, 1)


def test_a_task_that_a_redrive_replaced_is_no_longer_listed(place: Place) -> None:
    place.submit("good", samples=4, batch_size=4)
    let_die(place.backend)
    Redrive(place.backend, RedriveRequest(batch_size=2)).from_queue()

    dead = list_dead(place.backend)

    assert (dead.entries, dead.letters) == ((), 0)
