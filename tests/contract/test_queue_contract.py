"""What a task queue promises."""

from __future__ import annotations

import pytest
from harnesses import BackendUnderTest

from vbvr_cli.backends.ports import Backend, DeadLetter, Depth, Message, TaskQueue
from vbvr_cli.models import FailureCode, Reason

REASON = Reason(FailureCode.GENERATOR_FAILED, "it raised KeyError: 'wäre'", output="Traceback …\nKeyError")


def lease_all(queue: TaskQueue, seconds: float) -> list[Message]:
    """Lease until there is nothing more: a queue may give less than it was asked for."""
    leased: list[Message] = []
    while messages := queue.lease(10, seconds):
        leased += messages
    return leased


def lease_all_dead(queue: TaskQueue, seconds: float) -> list[DeadLetter]:
    leased: list[DeadLetter] = []
    while letters := queue.lease_dead(10, seconds):
        leased += letters
    return leased


def lease_one(queue: TaskQueue, seconds: float) -> Message:
    (message,) = queue.lease(1, seconds)
    return message


def test_what_is_sent_is_leased_with_its_body(queue: TaskQueue, under_test: BackendUnderTest) -> None:
    report = queue.send(["a body with ümläuts\nand lines"])

    message = lease_one(queue, under_test.lease)

    assert (report.sent, report.failed) == (1, {})
    assert (message.body, message.receive_count) == ("a body with ümläuts\nand lines", 1)


def test_sending_nothing_is_fine(queue: TaskQueue) -> None:
    assert queue.send([]).sent == 0


def test_a_large_send_arrives_whole(queue: TaskQueue, under_test: BackendUnderTest) -> None:
    bodies = [f"body {n}" for n in range(123)]

    assert queue.send(bodies).sent == 123
    assert sorted(m.body for m in lease_all(queue, under_test.lease)) == sorted(bodies)


def test_equal_bodies_are_two_messages(queue: TaskQueue, under_test: BackendUnderTest) -> None:
    queue.send(["same", "same"])

    assert len({message.id for message in lease_all(queue, under_test.lease)}) == 2


def test_no_more_are_leased_than_asked_for(queue: TaskQueue, under_test: BackendUnderTest) -> None:
    queue.send(["a", "b", "c"])

    assert len(queue.lease(2, under_test.lease)) <= 2


def test_an_empty_queue_gives_nothing_at_once(queue: TaskQueue, under_test: BackendUnderTest) -> None:
    assert queue.lease(10, under_test.lease) == []
    assert queue.lease_dead(10, under_test.lease) == []


def test_another_connection_sees_the_same_queue(under_test: BackendUnderTest) -> None:
    under_test.backend.queue.send(["a"])
    other = under_test.reconnect()

    assert lease_one(other.queue, under_test.lease).body == "a"
    assert under_test.backend.queue.lease(1, under_test.lease) == []


def test_a_leased_message_is_hidden_until_its_lease_lapses(
    queue: TaskQueue, under_test: BackendUnderTest
) -> None:
    queue.send(["a"])
    first = lease_one(queue, under_test.lease)
    assert queue.lease(1, under_test.lease) == []

    under_test.let_leases_lapse()
    second = lease_one(queue, under_test.lease)

    assert (second.id, second.receive_count) == (first.id, 2)
    assert second.receipt != first.receipt


def test_an_extended_lease_lasts_longer(queue: TaskQueue, under_test: BackendUnderTest) -> None:
    queue.send(["a"])
    message = lease_one(queue, under_test.lease)

    assert queue.extend(message, 3 * under_test.lease)
    under_test.let_leases_lapse()

    assert queue.lease(1, under_test.lease) == []


def test_a_lease_that_passed_to_another_cannot_be_extended(
    queue: TaskQueue, under_test: BackendUnderTest
) -> None:
    queue.send(["a"])
    stale = lease_one(queue, under_test.lease)
    under_test.let_leases_lapse()
    lease_one(queue, under_test.lease)

    assert not queue.extend(stale, 3 * under_test.lease)
    under_test.let_leases_lapse()
    assert lease_one(queue, under_test.lease).receive_count == 3


def test_the_lease_of_an_acknowledged_message_cannot_be_extended(
    queue: TaskQueue, under_test: BackendUnderTest
) -> None:
    queue.send(["a"])
    message = lease_one(queue, under_test.lease)
    queue.acknowledge([message])

    assert not queue.extend(message, under_test.lease)


def test_acknowledged_messages_never_come_back(queue: TaskQueue, under_test: BackendUnderTest) -> None:
    queue.send([str(n) for n in range(25)])
    queue.acknowledge(lease_all(queue, under_test.lease))

    under_test.let_leases_lapse()

    assert queue.lease(1, under_test.lease) == []


def test_acknowledging_twice_or_nothing_is_fine(queue: TaskQueue, under_test: BackendUnderTest) -> None:
    queue.send(["a"])
    message = lease_one(queue, under_test.lease)

    queue.acknowledge([message])
    queue.acknowledge([message])
    queue.acknowledge([])


def test_a_message_given_back_can_be_leased_at_once(queue: TaskQueue, under_test: BackendUnderTest) -> None:
    queue.send(["a"])
    message = lease_one(queue, under_test.lease)

    queue.give_back(message)

    assert lease_one(queue, under_test.lease).receive_count == 2


def test_a_message_given_back_with_a_delay_waits_for_it(
    queue: TaskQueue, under_test: BackendUnderTest
) -> None:
    queue.send(["a"])
    queue.give_back(lease_one(queue, 3 * under_test.lease), under_test.lease)
    assert queue.lease(1, under_test.lease) == []

    under_test.let_leases_lapse()

    assert lease_one(queue, under_test.lease).body == "a"


def test_a_stale_receipt_takes_nothing_from_the_new_lease(
    queue: TaskQueue, under_test: BackendUnderTest
) -> None:
    queue.send(["a"])
    stale = lease_one(queue, under_test.lease)
    under_test.let_leases_lapse()
    current = lease_one(queue, under_test.lease)

    queue.give_back(stale)
    queue.dead_letter(stale, REASON)
    queue.acknowledge([stale])

    assert queue.lease(1, under_test.lease) == []
    assert queue.lease_dead(1, under_test.lease) == []
    assert queue.extend(current, under_test.lease)


def test_a_dead_letter_keeps_its_body_and_its_reason(queue: TaskQueue, under_test: BackendUnderTest) -> None:
    queue.send(["a"])
    queue.dead_letter(lease_one(queue, under_test.lease), REASON)

    (letter,) = queue.lease_dead(10, under_test.lease)

    assert (letter.body, letter.reason) == ("a", REASON)
    assert letter.died_at > 0


def test_a_dead_letter_is_no_longer_delivered(queue: TaskQueue, under_test: BackendUnderTest) -> None:
    queue.send(["a"])
    queue.dead_letter(lease_one(queue, under_test.lease), REASON)

    under_test.let_leases_lapse()

    assert queue.lease(1, under_test.lease) == []


def test_a_leased_dead_letter_is_hidden_until_its_lease_lapses(
    queue: TaskQueue, under_test: BackendUnderTest
) -> None:
    queue.send(["a"])
    queue.dead_letter(lease_one(queue, under_test.lease), REASON)
    queue.lease_dead(1, under_test.lease)
    assert queue.lease_dead(1, under_test.lease) == []

    under_test.let_leases_lapse()

    assert [letter.body for letter in queue.lease_dead(1, under_test.lease)] == ["a"]


def test_dead_letters_given_back_can_be_leased_at_once(
    queue: TaskQueue, under_test: BackendUnderTest
) -> None:
    queue.send([str(n) for n in range(12)])
    for message in lease_all(queue, under_test.lease):
        queue.dead_letter(message, REASON)
    letters = lease_all_dead(queue, under_test.lease)

    queue.give_back_dead(letters)

    assert {letter.body for letter in lease_all_dead(queue, under_test.lease)} == {str(n) for n in range(12)}


def test_deleted_dead_letters_never_come_back(queue: TaskQueue, under_test: BackendUnderTest) -> None:
    queue.send([str(n) for n in range(12)])
    for message in lease_all(queue, under_test.lease):
        queue.dead_letter(message, REASON)

    queue.delete_dead(lease_all_dead(queue, under_test.lease))
    under_test.let_leases_lapse()

    assert queue.lease_dead(1, under_test.lease) == []


def test_a_stale_receipt_does_nothing_to_a_dead_letter(
    queue: TaskQueue, under_test: BackendUnderTest
) -> None:
    queue.send(["a"])
    queue.dead_letter(lease_one(queue, under_test.lease), REASON)
    stale = queue.lease_dead(1, under_test.lease)
    under_test.let_leases_lapse()
    assert len(queue.lease_dead(1, under_test.lease)) == 1

    queue.give_back_dead(stale)
    queue.delete_dead(stale)

    assert queue.lease_dead(1, under_test.lease) == []
    under_test.let_leases_lapse()
    assert len(queue.lease_dead(1, under_test.lease)) == 1


def test_depth_counts_messages_where_they_are(queue: TaskQueue, under_test: BackendUnderTest) -> None:
    queue.send(["a", "b", "c", "d", "e", "f"])
    dying, delayed, *_ = [lease_one(queue, under_test.lease) for _ in range(3)]
    queue.dead_letter(dying, REASON)
    queue.give_back(delayed, under_test.lease)

    depth = queue.depth()

    assert depth.waiting == 3
    assert depth.dead == 1
    # SQS counts a message that was given back with a delay among those in flight.
    assert depth.in_flight + depth.delayed == 2


def test_an_empty_queue_has_no_depth(queue: TaskQueue) -> None:
    assert queue.depth() == Depth(0, 0, 0, 0)


def test_purging_deletes_all_but_the_dead(queue: TaskQueue, under_test: BackendUnderTest) -> None:
    queue.send(["a", "b", "c"])
    queue.dead_letter(lease_one(queue, under_test.lease), REASON)
    lease_one(queue, under_test.lease)

    assert queue.purge() == 2

    under_test.let_leases_lapse()
    assert queue.lease(10, under_test.lease) == []
    assert len(lease_all_dead(queue, under_test.lease)) == 1


def lease_everything(backend: Backend, seconds: float) -> list[str]:
    return [message.id for message in lease_all(backend.queue, seconds)]


def test_each_message_goes_to_one_of_those_who_lease_at_once(
    race, queue: TaskQueue, under_test: BackendUnderTest
) -> None:
    count = under_test.often(400)
    queue.send([str(n) for n in range(count)])

    leased = [message_id for ids in race(lease_everything, under_test.lease) for message_id in ids]

    assert len(leased) == len(set(leased)) == count


def send_some(backend: Backend) -> int:
    return sum(backend.queue.send([f"{part}-{n}" for n in range(10)]).sent for part in range(5))


def test_all_that_is_sent_at_once_arrives(race, queue: TaskQueue, under_test: BackendUnderTest) -> None:
    assert race(send_some) == [50, 50, 50, 50]

    assert len(lease_all(queue, under_test.lease)) == 200


@pytest.mark.parametrize("code", list(FailureCode))
def test_every_reason_survives_the_dead_letters(
    queue: TaskQueue, under_test: BackendUnderTest, code: FailureCode
) -> None:
    queue.send(["a"])
    queue.dead_letter(lease_one(queue, under_test.lease), Reason(code, "detail"))

    (letter,) = queue.lease_dead(1, under_test.lease)

    assert letter.reason == Reason(code, "detail")
