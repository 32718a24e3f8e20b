"""What is asked in the background never keeps who reads it waiting, and is asked now and then."""

from __future__ import annotations

import threading

from vbvr_cli.operations.background import EVERY_SECONDS, LASTING_SECONDS, Background


class Asked:
    """Somebody who answers when allowed to, with how often they were asked; and a clock."""

    def __init__(self, *, waits: bool = False) -> None:
        self.now = 0.0
        self.times = 0
        self.may_answer = threading.Event()
        if not waits:
            self.may_answer.set()
        self.background = Background(self.ask, lambda: self.now)

    def ask(self) -> int:
        self.times += 1
        self.may_answer.wait(60)
        return self.times

    def look(self, wait_seconds: float = 60.0) -> int | None:
        self.background.begin()
        return self.background.read(wait_seconds)


def test_nothing_is_asked_before_somebody_looks() -> None:
    asked = Asked()

    assert (asked.background.read(), asked.times) == (None, 0)


def test_a_slow_answer_is_not_waited_for_and_not_asked_for_twice() -> None:
    asked = Asked(waits=True)

    assert [asked.look(0.0), asked.look(0.0)] == [None, None]
    asked.now += 2 * EVERY_SECONDS
    assert asked.look(0.0) is None
    asked.may_answer.set()
    assert (asked.look(), asked.times) == (1, 1)


def test_the_first_answer_is_waited_for_by_who_looks_once() -> None:
    assert Asked().look() == 1


def test_an_answer_is_asked_for_again_after_a_while() -> None:
    asked = Asked()
    asked.look()

    asked.now += EVERY_SECONDS - 1
    assert (asked.look(), asked.times) == (1, 1)
    asked.now += 1
    asked.look()
    assert asked.background._thread is not None
    asked.background._thread.join(60)
    assert asked.look() == 2


def test_an_old_answer_is_none() -> None:
    asked = Asked()
    asked.look()
    asked.may_answer.clear()

    asked.now += LASTING_SECONDS + 1

    assert asked.look(0.0) is None
    asked.may_answer.set()
