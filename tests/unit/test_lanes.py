"""Several things at a time: none is lost, and none begins once something is wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from vbvr_cli.lanes import in_lanes


class Work:
    """Doubles numbers, and knows how many are at it at once and which were finished."""

    def __init__(self, *, meeting: int = 0, fails_at: int | None = None) -> None:
        self._lock = threading.Lock()
        self._meeting = threading.Barrier(meeting) if meeting else None
        self._fails_at = fails_at
        self.at_it = self.most_at_it = 0
        self.finished: list[int] = []

    def __call__(self, number: int) -> int:
        with self._lock:
            self.at_it += 1
            self.most_at_it = max(self.most_at_it, self.at_it)
        if self._meeting:
            self._meeting.wait(timeout=30)
        if number == self._fails_at:
            raise ValueError(number)
        with self._lock:
            self.at_it -= 1
            self.finished.append(number)
        return number * 2


@pytest.mark.parametrize("lanes", [1, 2, 5, 100])
def test_every_item_has_its_result(lanes: int) -> None:
    assert sorted(in_lanes(Work(), range(50), lanes)) == list(range(0, 100, 2))
    assert list(in_lanes(Work(), [], lanes)) == []


def test_one_lane_is_this_thread_in_order() -> None:
    here = threading.get_ident()

    assert list(in_lanes(lambda n: (n, threading.get_ident()), range(3), 1)) == [(n, here) for n in range(3)]


def test_lanes_work_at_the_same_time_and_there_are_no_more_of_them() -> None:
    work = Work(meeting=4)

    assert len(list(in_lanes(work, range(40), 4))) == 40
    assert work.most_at_it == 4


def test_items_are_taken_as_there_is_room_for_them() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number

    ahead = [taken - done for done, _ in enumerate(in_lanes(Work(), items(), 4), start=1)]

    assert len(ahead) == 1000
    assert max(ahead) <= 4


def test_after_an_error_what_has_begun_ends_and_nothing_else_begins() -> None:
    work = Work(fails_at=10)
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    with pytest.raises(ValueError, match="10"):
        list(in_lanes(work, items(), 4))

    assert work.at_it == 1  # the one that failed
    assert set(range(10)) <= set(work.finished)
    assert len(taken) < 1000


def test_an_interrupt_lets_end_what_has_begun() -> None:
    work = Work()
    results = in_lanes(work, range(1000), 4)

    def interrupted() -> None:
        for number, _ in enumerate(results):
            if number == 20:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    results.close()
    finished = len(work.finished)

    assert work.at_it == 0
    assert 20 < finished < 1000
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lane")]


def test_an_error_in_the_items_lets_end_what_has_begun() -> None:
    work = Work()

    def items() -> Iterator[int]:
        yield from range(10)
        raise LookupError

    with pytest.raises(LookupError):
        list(in_lanes(work, items(), 4))

    assert work.at_it == 0
