"""The values that pass between modules: runs, tasks, what became of them, and the task message."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from vbvr_cli.seeds import MAX_SEED, derive

GENERATOR_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
MAX_SAMPLES_PER_TASK = 1000
MAX_INDEX = 99_999_999
MAX_ATTEMPTS = 3
OutputFormat = Literal["files", "tar"]
GeneratorName = Annotated[str, StringConstraints(pattern=rf"^{GENERATOR_NAME.pattern}$")]


class TaskMessage(BaseModel):
    """A task as it travels in the queue, also when a person writes it.

    `seed` none: derived from `start_index`. `run_id` none: the task is a run of its own, `adhoc-{hash}`.
    `output_bucket` none: the target's default bucket.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    type: GeneratorName
    num_samples: int = Field(ge=1, le=MAX_SAMPLES_PER_TASK)
    start_index: int = Field(default=0, ge=0, le=MAX_INDEX)
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED)
    output_format: OutputFormat = "files"
    output_bucket: str | None = Field(default=None, max_length=1024, pattern=r"^[^\x00-\x1f\ufffe\uffff]+$")
    dedup: bool = False
    run_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}$")

    @model_validator(mode="after")
    def _ends_within_eight_digits(self) -> TaskMessage:
        if self.start_index + self.num_samples - 1 > MAX_INDEX:
            raise ValueError(f"the last sample's index must not exceed {MAX_INDEX}")
        return self

    def to_json(self) -> str:
        """The message as it is sent: what has no value is left out."""
        return self.model_dump_json(exclude_none=True)


@dataclass(frozen=True, slots=True, order=True)
class RunKey:
    """Names one run: the same request into another bucket is another run with the same `run_id`."""

    bucket: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Task:
    """The unit of work and of reproduction: `num_samples` samples from `start_index` on, from one seed."""

    run: RunKey
    generator: str
    start_index: int
    num_samples: int
    seed: int
    output_format: OutputFormat = "files"
    dedup: bool = False

    @property
    def end_index(self) -> int:
        """One past the last sample's index."""
        return self.start_index + self.num_samples

    @property
    def range_name(self) -> str:
        """`{start:08d}-{end:08d}`, end inclusive: the name of its manifest."""
        return f"{self.start_index:08d}-{self.end_index - 1:08d}"

    def to_message(self) -> TaskMessage:
        """The message that asks for this task."""
        return TaskMessage(
            type=self.generator,
            num_samples=self.num_samples,
            start_index=self.start_index,
            seed=self.seed,
            output_format=self.output_format,
            output_bucket=self.run.bucket,
            dedup=self.dedup,
            run_id=self.run.run_id,
        )


class Provenance(BaseModel):
    """Where a generator's code comes from, as the catalog says; never what git finds on disk.

    `timestamp` is ISO 8601: the commit's time, a starter's release, or the epoch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    commit: str
    branch: str | None = None
    repo: str | None = None
    timestamp: str = "1970-01-01T00:00:00+00:00"


class RunSpec(BaseModel):
    """All that decides a run's bytes, frozen when the run is created."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    generator: GeneratorName
    provenance: Provenance
    environment: str
    options: tuple[str, ...] = ()
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    output_format: OutputFormat = "files"
    dedup: bool = False
    batch_size: int = Field(default=100, ge=1, le=MAX_SAMPLES_PER_TASK)
    first_index: int = Field(default=0, ge=0, le=MAX_INDEX)

    def terms(self) -> tuple[Any, ...]:
        """What two requests must have in common to be the same run, wherever it begins, batch size aside."""
        return (
            self.generator,
            self.provenance.commit,
            self.environment,
            self.options,
            self.seed,
            self.output_format,
            self.dedup,
        )

    @property
    def run_id(self) -> str:
        """16 hex digits over the terms, the batch size and the first index."""
        identity = json.dumps([*self.terms(), self.batch_size, self.first_index], separators=(",", ":"))
        return hashlib.sha256(identity.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Run:
    """A run's record. Each extent (start, end) was one submit's part and is cut into tasks on its own.

    `cancelled`: workers acknowledge its tasks unrun. `exhausted`: its generator has no more distinct
    puzzles, so waiting tasks are not tried.
    """

    key: RunKey
    spec: RunSpec
    extents: tuple[tuple[int, int], ...]
    cancelled: bool = False
    exhausted: bool = False

    @property
    def num_samples(self) -> int:
        """How many samples it has been asked for in all."""
        return sum(end - start for start, end in self.extents)

    @property
    def start_index(self) -> int:
        """The first index of its range."""
        return self.extents[0][0]

    @property
    def end_index(self) -> int:
        """One past the last index of its range."""
        return self.extents[-1][1]


ADHOC = "adhoc-"
"""How the ids of runs begin that a message makes which names none."""


def adhoc_run_id(message: TaskMessage) -> str:
    """The run of a message that names none: the same message is the same run."""
    identity = message.model_dump_json(exclude={"run_id", "output_bucket"})
    return f"{ADHOC}{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def adhoc_seed(message: TaskMessage) -> int:
    """The task seed of a message: its own, or one derived from its first index."""
    return message.seed if message.seed is not None else derive("task", 0, message.type, message.start_index)


class FailureCode(StrEnum):
    """The closed set of reasons for which a task fails; free detail goes beside it."""

    INVALID_MESSAGE = "invalid_message"
    UNKNOWN_GENERATOR = "unknown_generator"
    UNKNOWN_BUCKET = "unknown_bucket"
    UNKNOWN_RUN = "unknown_run"
    RANGE_TAKEN = "range_taken"
    WRONG_COMMIT = "wrong_commit"
    WRONG_ENVIRONMENT = "wrong_environment"
    GENERATOR_FAILED = "generator_failed"
    MISSING_SAMPLES = "missing_samples"
    BROKEN_SAMPLES = "broken_samples"
    POOL_EXHAUSTED = "pool_exhausted"
    OUT_OF_TIME = "out_of_time"
    OUT_OF_MEMORY = "out_of_memory"
    GENERATOR_KILLED = "generator_killed"
    WORKER_DIED = "worker_died"
    STORE_FAILED = "store_failed"
    INTERNAL_ERROR = "internal_error"

    @property
    def passing(self) -> bool:
        """Whether trying the same task again may help; all others would meet the same end."""
        return self in _PASSING


_PASSING = frozenset(
    {
        FailureCode.GENERATOR_KILLED,
        FailureCode.WORKER_DIED,
        FailureCode.STORE_FAILED,
        FailureCode.INTERNAL_ERROR,
    }
)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a task failed. `output` is the tail of what the generator printed."""

    code: FailureCode
    detail: str
    output: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Remake:
    """One sample of a task made anew alone: where it stands, in which round, from which seed."""

    position: int
    round: int
    seed: int


@dataclass(frozen=True, slots=True)
class Rounds:
    """How a task's samples came about; recorded before publishing and replayed on a retry."""

    task_round: int = 0
    remakes: tuple[Remake, ...] = ()

    def to_json(self) -> str:
        """Compact JSON for a ledger."""
        remakes = [[remake.position, remake.round, remake.seed] for remake in self.remakes]
        return json.dumps([self.task_round, remakes], separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Rounds:
        """Read what `to_json` wrote."""
        task_round, remakes = json.loads(text)
        return cls(task_round, tuple(Remake(*remake) for remake in remakes))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished task came to. `num_bytes` are of its samples' files; `seconds` of wall time."""

    num_samples: int
    num_bytes: int
    seconds: float
    remade: int = 0
    duplicates: int = 0


class TaskState(StrEnum):
    """Where a task stands in the ledger. `waiting`: it failed and has attempts left."""

    PLANNED = "planned"
    SENT = "sent"
    CLAIMED = "claimed"
    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """All that a ledger knows of one task. Times are seconds since the epoch."""

    task: Task
    state: TaskState
    attempts: int = 0
    worker: str | None = None
    claimed_until: float | None = None
    finished_at: float | None = None
    reason: Reason | None = None
    outcome: Outcome | None = None
    rounds: Rounds | None = None
    children: tuple[Task, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a task until the lease ends; `fence` proves it when extending or finishing."""

    task: Task
    worker: str
    fence: int
    attempt: int
    rounds: Rounds | None = None


class Verdict(StrEnum):
    """Why a claim was refused."""

    DONE = "done"
    HELD = "held"
    DEAD = "dead"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A claim that was not given: `until` when to ask again if held, `reason` if dead."""

    verdict: Verdict
    until: float | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Counters of one run, kept up to date as it is worked on: reading them costs nothing per task.

    `samples_making` counts finished samples of unfinished tasks, as workers last reported them;
    `tasks` has a number for each state that occurs, `planned` excluded; `reasons` counts dead tasks.
    """

    run: RunKey
    generator: str
    samples_planned: int
    samples_done: int = 0
    samples_dead: int = 0
    samples_making: int = 0
    num_bytes: int = 0
    seconds: float = 0.0
    remade: int = 0
    duplicates: int = 0
    tasks: dict[TaskState, int] = field(default_factory=dict)
    reasons: dict[FailureCode, int] = field(default_factory=dict)
    cancelled: bool = False
    output_format: OutputFormat = "files"

    @property
    def samples_open(self) -> int:
        """Samples that are neither done nor given up."""
        return max(0, self.samples_planned - self.samples_done - self.samples_dead)
