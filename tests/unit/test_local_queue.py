"""What the local queue promises beyond the contract: order, and exact counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vbvr_cli.backends.local import LocalBackend
from vbvr_cli.backends.local.queue import LocalQueue
from vbvr_cli.backends.ports import Depth
from vbvr_cli.models import FailureCode, Reason


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(tmp_path: Path, clock: Clock) -> Iterator[LocalQueue]:
    backend = LocalBackend(tmp_path / "state", clock=clock)
    yield backend.queue
    backend.close()


def bodies(queue: LocalQueue, count: int) -> list[str]:
    return [message.body for message in queue.lease(count, 60)]


def test_messages_are_leased_in_the_order_they_were_sent(queue: LocalQueue) -> None:
    queue.send([str(n) for n in range(10)])

    assert [bodies(queue, 1), bodies(queue, 4), bodies(queue, 10)] == [
        ["0"],
        ["1", "2", "3", "4"],
        ["5", "6", "7", "8", "9"],
    ]


def test_a_message_given_back_lines_up_behind_the_others(queue: LocalQueue, clock: Clock) -> None:
    queue.send(["a", "b", "c"])
    (message,) = queue.lease(1, 60)
    clock.now += 1

    queue.give_back(message)

    assert [bodies(queue, 1) for _ in range(3)] == [["b"], ["c"], ["a"]]


def test_a_lapsed_message_lines_up_by_the_time_it_lapsed(queue: LocalQueue, clock: Clock) -> None:
    queue.send(["a"])
    queue.lease(1, 60)
    clock.now += 30
    queue.send(["b"])
    clock.now += 60
    queue.send(["c"])

    assert [bodies(queue, 1) for _ in range(3)] == [["b"], ["a"], ["c"]]


def test_dead_letters_are_leased_in_the_order_they_died(queue: LocalQueue, clock: Clock) -> None:
    queue.send(["a", "b"])
    first, second = queue.lease(2, 60)
    queue.dead_letter(second, Reason(FailureCode.OUT_OF_TIME, "slow"))
    clock.now += 1
    queue.dead_letter(first, Reason(FailureCode.OUT_OF_TIME, "slow"))

    letters = queue.lease_dead(2, 60)

    assert {letter.died_at: letter.body for letter in letters} == {clock.now - 1: "b", clock.now: "a"}
    queue.give_back_dead(letters)
    assert [letter.body for letter in queue.lease_dead(1, 60)] == ["b"]


def test_looking_at_a_dead_letter_is_no_delivery(queue: LocalQueue) -> None:
    queue.send(["a"])
    queue.dead_letter(queue.lease(1, 60)[0], Reason(FailureCode.OUT_OF_TIME, "slow"))

    for _ in range(3):
        letters = queue.lease_dead(1, 60)
        assert [letter.receive_count for letter in letters] == [1]
        queue.give_back_dead(letters)


def test_depth_is_exact(queue: LocalQueue, clock: Clock) -> None:
    queue.send([str(n) for n in range(10)])
    leased = queue.lease(5, 60)
    queue.give_back(leased[0], delay_seconds=30)
    queue.give_back(leased[1])
    queue.dead_letter(leased[2], Reason(FailureCode.OUT_OF_TIME, "slow"))
    assert queue.depth() == Depth(waiting=6, in_flight=2, delayed=1, dead=1)

    clock.now += 61

    assert queue.depth() == Depth(waiting=9, in_flight=0, delayed=0, dead=1)


def test_a_lapsed_lease_that_nobody_took_can_be_extended(queue: LocalQueue, clock: Clock) -> None:
    queue.send(["a"])
    (message,) = queue.lease(1, 60)
    clock.now += 61

    assert queue.extend(message, 60)
    assert queue.lease(1, 60) == []


def test_a_large_send_is_cut_into_several_transactions(
    queue: LocalQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vbvr_cli.backends.local import queue as module

    monkeypatch.setattr(module, "_SEND_AT_ONCE", 3)

    assert queue.send([str(n) for n in range(10)]).sent == 10
    assert bodies(queue, 20) == [str(n) for n in range(10)]


def test_looking_at_an_empty_queue_leaves_nothing(tmp_path: Path) -> None:
    queue = LocalBackend(tmp_path / "state").queue

    assert queue.lease(10, 60) == []
    assert queue.lease_dead(10, 60) == []
    assert queue.depth() == Depth(0, 0, 0, 0)
    assert queue.purge() == 0
    assert list(tmp_path.iterdir()) == []
