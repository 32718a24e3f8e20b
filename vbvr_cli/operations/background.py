"""Asks what is slow to answer without making anybody wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")
EVERY_SECONDS = 30.0
LASTING_SECONDS = 300.0


class Background(Generic[Answer]):
    """Asks in a thread of its own, when it is read and the last time was `EVERY_SECONDS` ago.

    An answer older than `LASTING_SECONDS` is none. `ask` must not raise.
    """

    def __init__(self, ask: Callable[[], Answer], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._asked_at: float | None = None
        self._answered: tuple[float, Answer] | None = None
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Ask, if it is time to and nobody does."""
        under_way = self._thread is not None and self._thread.is_alive()
        if under_way or (self._asked_at is not None and self._clock() - self._asked_at < EVERY_SECONDS):
            return
        self._asked_at = self._clock()
        self._thread = threading.Thread(target=self._run, daemon=True, name="background")
        self._thread.start()

    def read(self, wait_seconds: float = 0.0) -> Answer | None:
        """The last answer; waits so long for the first."""
        if self._answered is None and self._thread is not None:
            self._thread.join(wait_seconds)
        if self._answered is None or self._clock() - self._answered[0] > LASTING_SECONDS:
            return None
        return self._answered[1]

    def _run(self) -> None:
        answer = self._ask()
        self._answered = (self._clock(), answer)
