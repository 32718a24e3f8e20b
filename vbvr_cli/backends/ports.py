"""What vbvr needs of a place to run: a queue, a store, a ledger, a registry of duplicates.

The contract suite in `tests/contract` says what each method promises and runs over every back end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from vbvr_cli.errors import VbvrError
from vbvr_cli.models import (
    Claim,
    Outcome,
    Progress,
    Reason,
    Refusal,
    Rounds,
    Run,
    RunKey,
    RunSpec,
    Task,
    TaskRecord,
    TaskState,
)


@dataclass(frozen=True, slots=True)
class Message:
    """A leased message. `receipt` is this lease's own: after another lease it no longer counts."""

    id: str
    body: str
    receipt: str
    receive_count: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up, leased from the dead letters. `reason` none: nobody gave one.

    `died_at` is in seconds since the epoch; `attributes` is what else travels with the message.
    """

    id: str
    body: str
    receipt: str
    receive_count: int
    reason: Reason | None
    died_at: float
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SendReport:
    """What became of a send: which of the bodies, by position, are not in the queue, and why.

    `fault` is the first thing that was wrong with the way there, rather than with a message. `for_good`:
    there are messages that the queue will never take.
    """

    sent: int
    failed: dict[int, str] = field(default_factory=dict)
    fault: VbvrError | None = None
    for_good: bool = False


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages are where. SQS only knows approximately."""

    waiting: int
    in_flight: int
    delayed: int
    dead: int


class TaskQueue(Protocol):
    """Delivers each message at least once, until it is acknowledged or dead."""

    def send(self, bodies: Sequence[str]) -> SendReport:
        """Put messages into the queue, trying those again that fail for a passing reason."""

    def lease(self, max_messages: int, lease_seconds: float) -> list[Message]:
        """Take up to `max_messages`; they are hidden from others until the lease ends. Does not wait."""

    def extend(self, message: Message, lease_seconds: float) -> bool:
        """Let the lease end `lease_seconds` from now; False if the lease is no longer this one."""

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Delete messages for good. One whose lease has passed to another stays."""

    def give_back(self, message: Message, delay_seconds: float = 0.0) -> None:
        """End the lease: the message can be leased again after the delay."""

    def dead_letter(self, message: Message, reason: Reason) -> None:
        """Move a message to the dead letters with its reason. One that was leased again is not moved."""

    def depth(self) -> Depth:
        """Count the messages."""

    def lease_dead(self, max_messages: int, lease_seconds: float) -> list[DeadLetter]:
        """Take up to `max_messages` dead letters, hidden from others until the lease ends."""

    def peek_dead(self) -> Iterator[DeadLetter] | None:
        """All dead letters without leasing them (their receipts are empty); None where that cannot be."""

    def delete_dead(self, letters: Sequence[DeadLetter]) -> None:
        """Delete dead letters for good. One whose lease has passed to another stays."""

    def give_back_dead(self, letters: Sequence[DeadLetter]) -> None:
        """End the leases: the dead letters can be leased again at once."""

    def purge(self) -> int:
        """Delete all messages that are not dead; how many there were."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in a store. `size` in bytes."""

    key: str
    size: int


class SampleStore(Protocol):
    """Keeps objects by key (`a/b/c`, relative, no `..`) in one bucket. A put is whole or not at all."""

    @property
    def lanes(self) -> int:
        """How many objects are worth moving at a time: 1 where there is no wire to wait for."""

    def put(self, key: str, data: bytes) -> None:
        """Write an object, replacing what is there."""

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write an object unless the key exists; of several at once exactly one gets True."""

    def upload(self, key: str, source: Path) -> None:
        """Write an object from a file, replacing what is there."""

    def get(self, key: str) -> bytes:
        """Read an object. Raises KeyError where there is none."""

    def open(self, key: str) -> AbstractContextManager[IO[bytes]]:
        """Read an object as a stream. Raises KeyError where there is none."""

    def list_objects(self, prefix: str) -> Iterator[StoredObject]:
        """All objects whose key starts with the prefix, sorted by key."""

    def list_folders(self, prefix: str) -> list[str]:
        """The names directly below a prefix that ends in `/` and have objects below them, sorted."""

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; those that do not exist are no error."""


class Ledger(Protocol):
    """Remembers runs and what happened to each task. Counters are read without reading tasks."""

    def create_run(self, key: RunKey, spec: RunSpec, num_samples: int) -> Run:
        """Reserve a run's range from `spec.first_index` on and record it.

        The same run again is returned as it stands. Raises RangeTakenError on an overlap.
        """

    def extend_run(self, key: RunKey, end_index: int) -> Run:
        """Let a run's range end at `end_index`: what is new is one more extent. Never shrinks.

        Raises RangeTakenError on an overlap.
        """

    def restore_run(self, run: Run) -> None:
        """Record a run as it is described in a store, replacing its record but not its tasks."""

    def remove_run(self, key: RunKey) -> None:
        """Forget a run, its tasks and its range, but not that it was here."""

    def was_removed(self, key: RunKey) -> bool:
        """Whether a run that is not known was removed: its messages are nobody's then."""

    def get_run(self, key: RunKey) -> Run | None:
        """One run's record."""

    def list_runs(self, bucket: str | None = None, generator: str | None = None) -> list[Run]:
        """Runs by bucket, generator and first index."""

    def cancel_run(self, key: RunKey) -> None:
        """Mark a run: claims of its tasks are refused as cancelled, and count as not sent."""

    def resume_run(self, key: RunKey) -> None:
        """Lift the marks `cancelled` and `exhausted`."""

    def exhaust_run(self, key: RunKey) -> None:
        """Mark a run: tasks that have not begun are refused as dead, pool_exhausted."""

    def states(self, key: RunKey, tasks: Sequence[Task]) -> list[TaskState]:
        """The state of each task, `planned` for one that the ledger has never seen."""

    def confirm_sent(self, key: RunKey, tasks: Sequence[Task]) -> None:
        """Record that messages for these tasks are in the queue; a state further on is kept."""

    def reopen(self, key: RunKey, tasks: Sequence[Task]) -> None:
        """Set tasks to `planned` with no attempts, whatever they were; recorded rounds are kept."""

    def claim(self, task: Task, worker: str, lease_seconds: float) -> Claim | Refusal:
        """Take a task and count the attempt, unless it is settled, held by another or out of attempts.

        A task whose earlier claim lapsed without a word failed with `worker_died`. Out of attempts, it
        becomes dead with its last reason.
        """

    def extend_claim(self, claim: Claim, lease_seconds: float, samples: int) -> None:
        """Let the lease end `lease_seconds` from now; `samples` are made so far. Raises ClaimLostError."""

    def record_rounds(self, claim: Claim, rounds: Rounds) -> None:
        """Remember how the task's samples come about. Raises ClaimLostError."""

    def complete(self, claim: Claim, outcome: Outcome) -> None:
        """The task is done. Raises ClaimLostError."""

    def fail(self, claim: Claim, reason: Reason) -> TaskState:
        """The attempt failed: `waiting` for the next one, or `dead`. Raises ClaimLostError."""

    def release(self, claim: Claim) -> None:
        """Give a task back as if it had never been claimed. A lost claim is no error."""

    def settle(self, task: Task, outcome: Outcome) -> None:
        """Record a task as done because its manifest exists, whoever made it."""

    def supersede(self, parent: Task, children: Sequence[Task]) -> tuple[Task, ...]:
        """Replace a task by others that cover its range. Doing it again returns the same children.

        Raises InvalidRequestError for a task that is done or being worked on.
        """

    def get_task(self, task: Task) -> TaskRecord | None:
        """One task's record."""

    def tasks(self, key: RunKey, states: Sequence[TaskState] | None = None) -> Iterator[TaskRecord]:
        """A run's tasks in the order of their indices."""

    def progress(self, keys: Sequence[RunKey] | None = None) -> list[Progress]:
        """Counters of the given runs, or of all, in time that does not depend on the number of tasks."""


class DedupRegistry(Protocol):
    """Who made a puzzle first, within one bucket and generator."""

    def register(
        self, bucket: str, generator: str, run_id: str, hashes: Sequence[tuple[int, str]]
    ) -> list[bool]:
        """Register (sample index, param_hash) pairs in order; True where this owner has the puzzle.

        The owner is (run, generator, index): the same owner registering again wins again.
        """

    def release(self, bucket: str, generator: str, run_id: str, start_index: int, end_index: int) -> None:
        """Forget what this run registered for indices from `start_index` up to but not `end_index`."""


@dataclass(frozen=True, slots=True)
class FleetTerms:
    """What a worker of a fleet is, and how many there may be. `assumed`: why some of it is only assumed."""

    memory_mb: int
    architecture: str
    max_workers: int
    assumed: str | None = None


class Fleet(Protocol):
    """Workers that cost money and are started wherever there is work: functions."""

    def terms(self) -> FleetTerms:
        """What they are, assumed as far as it cannot be asked."""

    def working(self) -> int | None:
        """How many work about now; None where nobody can say. Answers or gives up within seconds."""

    def roster(self) -> str | None:
        """What they can make, as `Roster.to_json` writes it; None where they cannot be asked at all."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that a back end needs. `look` says how it is, or raises what is wrong with it."""

    name: str
    look: Callable[[], str]


class Backend(Protocol):
    """One place to run: its parts and what it calls itself."""

    @property
    def target(self) -> str:
        """`local` or `aws`."""

    @property
    def description(self) -> str:
        """Where it is, for the line that each command begins with."""

    @property
    def queue(self) -> TaskQueue:
        """The task queue and its dead letters."""

    @property
    def ledger(self) -> Ledger:
        """The ledger."""

    @property
    def dedup(self) -> DedupRegistry:
        """The registry of duplicates."""

    @property
    def default_bucket(self) -> str:
        """Where samples go that name no bucket."""

    @property
    def lanes(self) -> int:
        """How many things are worth asking of it at a time: 1 where there is no wire to wait for."""

    @property
    def fleet(self) -> Fleet | None:
        """The workers that it starts by itself; None where it starts none."""

    @property
    def discovered(self) -> Mapping[str, str]:
        """Settings that nobody made and that it found out."""

    def parts(self) -> Sequence[Part]:
        """What it needs, each to be looked at by itself, what others need first."""

    def store(self, bucket: str) -> SampleStore:
        """The store of a bucket. Raises UnknownBucketError for one that nobody allowed."""

    def allow_bucket(self, bucket: str) -> None:
        """Let samples be written to a bucket; for the operator, never for what a message says."""

    def close(self) -> None:
        """Release what it holds."""
