"""Factories to look at: counters of runs as a ledger gives them, and a back end that answers or does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vbvr_cli.backends.ports import Depth, FleetTerms
from vbvr_cli.errors import VbvrError
from vbvr_cli.models import FailureCode, Progress, RunKey, TaskState

NOON = 1_767_614_400.0
TERMS = FleetTerms(memory_mb=1024, architecture="x86_64", max_workers=990)


def depth(waiting: int = 0, in_flight: int = 0, delayed: int = 0, dead: int = 0) -> Depth:
    return Depth(waiting, in_flight, delayed, dead)


def run(generator: str, planned: int = 100, done: int = 0, **counters: Any) -> Progress:
    """A run's counters; `failed`, `making` in samples, `working`, `sent`, `waiting` in tasks."""
    states = {
        TaskState.CLAIMED: counters.pop("working", 0),
        TaskState.SENT: counters.pop("sent", 0),
        TaskState.WAITING: counters.pop("waiting", 0),
    }
    return Progress(
        run=RunKey("/data", counters.pop("run_id", generator)),
        generator=generator,
        samples_planned=planned,
        samples_done=done,
        samples_dead=counters.pop("failed", 0),
        samples_making=counters.pop("making", 0),
        tasks={state: number for state, number in states.items() if number},
        **counters,
    )


def factory(size: int = 300) -> list[Progress]:
    """Some generators under way, some with failures, some waiting, one cancelled, most of them done."""
    runs = []
    for number in range(size):
        name = f"{'GO'[number % 2]}-{number}_object_trajectory_data-generator"
        if number % 50 == 3:
            runs.append(run(name, 10_000, 4_000, making=70, working=3, seconds=2_000.0, num_bytes=10**9))
        elif number % 30 == 7:
            reasons = {FailureCode.OUT_OF_TIME: number, FailureCode.GENERATOR_FAILED: 2}
            runs.append(run(name, 10_000, 9_000, failed=1_000, reasons=reasons))
        elif number % 10 == 9:
            runs.append(run(name, 10_000 + number, 50, sent=100, cancelled=number == 9))
        else:
            runs.append(run(name, 10_000, 10_000, remade=12, duplicates=34, num_bytes=4 * 10**9))
    return runs


@dataclass
class StandingBackend:
    """A back end of which only the depth and the counters can be read, and each read is counted."""

    depth_now: Depth = field(default_factory=depth)
    runs: list[Progress] = field(default_factory=list)
    error: Exception | None = None
    reads: list[str] = field(default_factory=list)
    now: float = NOON
    fleet: Any = None

    @property
    def queue(self) -> StandingBackend:
        return self

    @property
    def ledger(self) -> StandingBackend:
        return self

    def clock(self) -> float:
        return self.now

    def depth(self) -> Depth:
        self._answer("depth")
        return self.depth_now

    def progress(self) -> list[Progress]:
        self._answer("progress")
        return self.runs

    def fails_with(self, error: VbvrError | None) -> None:
        self.error = error

    def _answer(self, what: str) -> None:
        self.reads.append(what)
        if self.error:
            raise self.error
