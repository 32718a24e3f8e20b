"""How things stand at one time, from the queue's depth and the ledger's counters."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from vbvr_cli.backends.ports import Depth, FleetTerms
from vbvr_cli.costing import cost_so_far
from vbvr_cli.models import FailureCode, Progress, TaskState

_WITH_MESSAGE = (TaskState.SENT, TaskState.WAITING, TaskState.CLAIMED)


class Phase(StrEnum):
    """Where a generator stands, in the order in which generators are listed."""

    UNDER_WAY = "under way"
    FAILED = "with failures"
    WAITING = "waiting"
    CANCELLED = "cancelled"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters of some runs together: samples but for `working`, which is tasks.

    `cancelled` samples are neither done nor failed and of runs that are marked as cancelled. `seconds` of
    workers' time went into what is done.
    """

    planned: int = 0
    done: int = 0
    failed: int = 0
    making: int = 0
    cancelled: int = 0
    working: int = 0
    remade: int = 0
    duplicates: int = 0
    num_bytes: int = 0
    seconds: float = 0.0

    @property
    def made(self) -> int:
        """Samples that are done, or finished in a task that is not done yet."""
        return self.done + self.making

    @property
    def open(self) -> int:
        """Samples still to be expected."""
        return max(0, self.planned - self.done - self.failed - self.cancelled)

    @property
    def phase(self) -> Phase:
        """Where this stands: work before failures, failures before waiting."""
        if self.working:
            return Phase.UNDER_WAY
        if self.failed:
            return Phase.FAILED
        if self.open:
            return Phase.WAITING
        return Phase.CANCELLED if self.cancelled else Phase.DONE

    @property
    def expected_per_second(self) -> float:
        """What those at work now should make in a second, going by the tasks that are done."""
        return self.working * self.done / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How things stood at one time, in seconds since the epoch.

    `queue` and `unaccounted` are of all generators, all else of those that were asked for. `reasons` counts
    dead tasks. `unaccounted` tasks have no message though the ledger says so, if both counts are exact.
    `cost` in US dollars, where work costs any: about what the finished tasks took. `functions` worked a
    minute or two ago, of at most `max_functions`.
    """

    taken_at: float
    queue: Depth
    generators: Mapping[str, Counts]
    total: Counts
    reasons: Mapping[FailureCode, int]
    cancelled_runs: int
    unaccounted: int
    patterns: tuple[str, ...] = ()
    cost: float | None = None
    functions: int | None = None
    max_functions: int | None = None

    @property
    def quiet(self) -> bool:
        """Whether nobody works on anything."""
        return self.total.working == 0 and self.queue.in_flight == 0

    @property
    def expected_per_second(self) -> float:
        """What those at work now should make in a second, each generator going by its own tasks."""
        return sum(one.expected_per_second for one in self.generators.values())


def take(
    depth: Depth,
    progress: Sequence[Progress],
    now: float,
    patterns: Sequence[str] = (),
    *,
    terms: FleetTerms | None = None,
    functions: int | None = None,
) -> Snapshot:
    """A snapshot of the generators that a pattern matches, or of all; those to look at first come first.

    `terms` are those of the functions at work, of which there are `functions`; None: not known, or none work.
    """
    chosen = [one for one in progress if not patterns or _matches(one.generator, patterns)]
    by_generator: dict[str, list[Counts]] = {}
    reasons: Counter[FailureCode] = Counter()
    for one in chosen:
        by_generator.setdefault(one.generator, []).append(_counts(one))
        reasons.update(one.reasons)
    generators = {name: _sum(parts) for name, parts in by_generator.items()}
    with_message = sum(one.tasks.get(state, 0) for one in progress for state in _WITH_MESSAGE)
    return Snapshot(
        taken_at=now,
        queue=depth,
        generators=dict(sorted(generators.items(), key=_place)),
        total=_sum(generators.values()),
        reasons=dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        cancelled_runs=sum(one.cancelled and one.samples_open > 0 for one in chosen),
        unaccounted=max(0, with_message - depth.waiting - depth.in_flight - depth.delayed),
        patterns=tuple(patterns),
        cost=cost_so_far(chosen, memory_mb=terms.memory_mb, architecture=terms.architecture)
        if terms
        else None,
        functions=functions,
        max_functions=terms.max_workers if terms and functions is not None else None,
    )


def _matches(generator: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(generator, pattern) for pattern in patterns)


def _counts(one: Progress) -> Counts:
    return Counts(
        planned=one.samples_planned,
        done=one.samples_done,
        failed=one.samples_dead,
        making=one.samples_making,
        cancelled=one.samples_open if one.cancelled else 0,
        working=one.tasks.get(TaskState.CLAIMED, 0),
        remade=one.remade,
        duplicates=one.duplicates,
        num_bytes=one.num_bytes,
        seconds=one.seconds,
    )


def _sum(parts: Iterable[Counts]) -> Counts:
    listed = list(parts)
    return Counts(**{field.name: sum(getattr(one, field.name) for one in listed) for field in fields(Counts)})


def _place(item: tuple[str, Counts]) -> tuple[Any, ...]:
    """Under way by name, so that rows stay where they are; else most failures or most open first."""
    name, counts = item
    phase = counts.phase
    weight = {Phase.FAILED: counts.failed, Phase.WAITING: counts.open}.get(phase, 0)
    return list(Phase).index(phase), -weight, name
