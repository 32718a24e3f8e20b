"""Looks at a back end again and again, never at tasks, and says how the work goes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from vbvr_cli.backends.ports import Backend, FleetTerms
from vbvr_cli.errors import InvalidRequestError, ServiceError, VbvrError
from vbvr_cli.operations.background import Background
from vbvr_cli.operations.pace import Pace
from vbvr_cli.operations.snapshot import Snapshot, take

RECENT_SECONDS = 15.0
"""Each point of the course is the rate over so long: batches that are written at their end do not jag it."""
COURSE_POINTS = 240
COURSE_AFTER_SECONDS = 5.0
"""The rate over the first moments says little, and would set the scale for all that follow."""
MEASURED_AFTER_SECONDS = 10.0
LOST_AFTER_SECONDS = 30.0
"""SQS counts approximately, and queue and ledger are read one after the other: a gap must last so long."""
LOST_AFTER_READINGS = 3
FLEET_WAIT_SECONDS = 3.0
"""What a single look waits for the functions to be asked about; in a watch they come with a later one."""


@dataclass(frozen=True, slots=True)
class Outage:
    """The back end has not answered `since`, in seconds since the epoch; `error` is its last."""

    since: float
    error: VbvrError


@dataclass(frozen=True, slots=True)
class Reading:
    """A snapshot and what those before it tell. With an `outage` the snapshot is an old one.

    Rates are samples a second; if not `measured`, it is what those at work should make, going by what is
    done. `lost` tasks were sent and are neither waiting nor done.
    """

    snapshot: Snapshot
    per_second: float = 0.0
    measured: bool = False
    course: tuple[float, ...] = ()
    lost: int = 0
    outage: Outage | None = None

    @property
    def seconds_left(self) -> float | None:
        """Time until nothing is open at this rate; None where that cannot be told or nothing is."""
        left = self.snapshot.total.open - self.snapshot.total.making
        return left / self.per_second if left > 0 and self.per_second > 0 else None


class History:
    """What is remembered of earlier snapshots."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._recent = Pace(RECENT_SECONDS)
        self._course: deque[float] = deque(maxlen=COURSE_POINTS)
        self._unaccounted: deque[tuple[float, int]] = deque()
        self._first_at: float | None = None

    def add(self, snapshot: Snapshot) -> Reading:
        """Take up a snapshot and say what it means."""
        now, made = snapshot.taken_at, snapshot.total.made
        pace, recent = self._pace.update(now, made), self._recent.update(now, made)
        if self._first_at is None:
            self._first_at = now
        elif now - self._first_at >= COURSE_AFTER_SECONDS:
            self._course.append(recent)
        expected = snapshot.expected_per_second
        measured = now - self._first_at >= MEASURED_AFTER_SECONDS or (pace > 0 and expected == 0)
        return Reading(
            snapshot,
            per_second=pace if measured else expected,
            measured=measured,
            course=tuple(self._course),
            lost=self._lost(snapshot),
        )

    def _lost(self, snapshot: Snapshot) -> int:
        """The fewest unaccounted tasks of late, once they have been for a while or nobody works."""
        now, readings = snapshot.taken_at, self._unaccounted
        readings.append((now, snapshot.unaccounted))
        while len(readings) > LOST_AFTER_READINGS and now - readings[1][0] >= LOST_AFTER_SECONDS:
            readings.popleft()
        lasting = len(readings) >= LOST_AFTER_READINGS and now - readings[0][0] >= LOST_AFTER_SECONDS
        return min(number for _, number in readings) if lasting or snapshot.quiet else 0


class Monitor:
    """Takes snapshots of a back end: one look reads the queue's depth once and the counters once.

    Functions are asked about in the background, now and then.
    """

    def __init__(
        self, backend: Backend, patterns: Sequence[str] = (), *, clock: Callable[[], float] = time.time
    ) -> None:
        self._backend = backend
        self._patterns = tuple(patterns)
        self._clock = clock
        self._history = History()
        self._last: Reading | None = None
        self._silent_since: float | None = None
        fleet = backend.fleet
        self._fleet: Background[tuple[FleetTerms, int | None]] | None = (
            Background(lambda: (fleet.terms(), fleet.working())) if fleet else None
        )

    def look(self) -> Reading:
        """A reading. Raises InvalidRequestError if no run is of the generators asked for."""
        reading = self._look(FLEET_WAIT_SECONDS)
        if self._patterns and not reading.snapshot.generators:
            raise InvalidRequestError(
                f"No run is of {', '.join(self._patterns)}.", hint="See `vbvr status` for all runs."
            )
        return reading

    def look_on(self) -> Reading | Outage:
        """A reading, or the last one with what keeps the back end from answering.

        Before the first answer it is the outage alone, and errors that no waiting mends are raised.
        """
        try:
            reading = self._look()
        except VbvrError as error:
            if self._last is None and not isinstance(error, ServiceError):
                raise
            self._silent_since = self._silent_since or self._clock()
            outage = Outage(self._silent_since, error)
            return replace(self._last, outage=outage) if self._last else outage
        self._last, self._silent_since = reading, None
        return reading

    def _look(self, wait_seconds: float = 0.0) -> Reading:
        if self._fleet:
            self._fleet.begin()
        depth = self._backend.queue.depth()
        progress = self._backend.ledger.progress()
        terms, functions = (self._fleet and self._fleet.read(wait_seconds)) or (None, None)
        snapshot = take(depth, progress, self._clock(), self._patterns, terms=terms, functions=functions)
        return self._history.add(snapshot)
