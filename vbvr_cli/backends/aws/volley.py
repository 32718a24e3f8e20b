"""Requests that are sent together, while one thread waits for all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_HTTP_OK = 200


class Volley:
    """Counts requests that were sent together; whoever sent them wakes once, when all have ended."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way = 0

    def begin(self) -> None:
        """One more is under way."""
        with self._changed:
            self._under_way += 1

    def end(self) -> None:
        """One of them has ended."""
        with self._changed:
            self._under_way -= 1
            if not self._under_way:
                self._changed.notify()

    def await_end(self, seconds: float) -> None:
        """Wait until all have ended, for so long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, seconds)


@dataclass(slots=True)
class Exchange:
    """A request, and what comes of it; `answer` is there once it went well. `close` ends its connection."""

    volley: Volley
    close: Callable[[], object] = lambda: None
    answer: bytes | None = None
    _status: int = 0
    _ended: bool = False
    _parts: list[bytes] = field(default_factory=list)

    def on_response(self, status_code: int, **_: Any) -> None:
        """The head of the answer is there."""
        self._status = status_code

    def on_body(self, chunk: bytes, **_: Any) -> None:
        """A part of its body is there."""
        self._parts.append(bytes(chunk))

    def end(self, *, well: bool) -> None:
        """It is over. `well`: the answer came whole, whatever it says."""
        if well and self._status == _HTTP_OK:
            self.answer = b"".join(self._parts)
        self._ended = True
        self.volley.end()

    def give_up(self) -> None:
        """End what has not ended yet, by its connection."""
        if not self._ended:
            self.close()
