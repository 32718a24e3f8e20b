"""The back ends that the contract suite runs over.

A back end joins with one entry in `HARNESSES`: a context manager that yields a `BackendUnderTest` with a
queue that is empty and a ledger that knows nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vbvr_cli.backends.local import LocalBackend
from vbvr_cli.backends.ports import Backend


@dataclass(frozen=True)
class BackendUnderTest:
    """A back end, and what a test needs beside it.

    `reconnect` gives another back end on the same state, as another process would have; it can be pickled
    if `across_processes`. `lease` is a lease in seconds that no test outlasts by itself; `advance` lets so
    many seconds pass, by waiting or by moving a clock. `bucket` is an allowed bucket, empty and unused, and
    `other_bucket` another one.
    """

    backend: Backend
    reconnect: Callable[[], Backend]
    advance: Callable[[float], None]
    bucket: str
    other_bucket: str
    lease: float
    across_processes: bool

    def let_leases_lapse(self) -> None:
        """Wait until what was leased for `lease` seconds is free again."""
        self.advance(self.lease + 1)


class StandingClock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@contextmanager
def local(folder: Path) -> Iterator[BackendUnderTest]:
    """The local back end, in a folder of its own."""
    clock = StandingClock()
    connect = partial(LocalBackend, folder / "state", clock=clock)
    backend = connect()
    buckets = [str(folder / name) for name in ("bucket", "other")]
    for bucket in buckets:
        backend.allow_bucket(bucket)
    try:
        yield BackendUnderTest(
            backend=backend,
            reconnect=connect,
            advance=clock.advance,
            bucket=buckets[0],
            other_bucket=buckets[1],
            lease=60.0,
            across_processes=True,
        )
    finally:
        backend.close()


HARNESSES: dict[str, Callable[[Path], AbstractContextManager[BackendUnderTest]]] = {"local": local}
