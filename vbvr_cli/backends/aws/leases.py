"""Which receipts still stand for a lease, as far as whoever took them can know."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

_MOST = 10_000  # beyond that, those that have ended are forgotten altogether


class Leases:
    """The ends of the leases that this connection took. A receipt that it never saw counts as held."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ends: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, receipt: str, seconds: float) -> None:
        """A lease that ends `seconds` from now."""
        now = self._clock()
        with self._lock:
            if len(self._ends) >= _MOST:
                self._ends = {one: end for one, end in self._ends.items() if end > now}
            self._ends[receipt] = now + seconds

    def holds(self, receipt: str) -> bool:
        """Whether the lease has not ended yet."""
        with self._lock:
            end = self._ends.get(receipt)
        return end is None or end > self._clock()

    def forget(self, receipts: Iterable[str]) -> None:
        """Leases that ended before their time: their receipts are good for nothing."""
        with self._lock:
            for receipt in receipts:
                self._ends[receipt] = 0.0
