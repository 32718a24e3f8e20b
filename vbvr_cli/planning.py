"""From a request to runs and tasks, and what they will take. Pure: nothing is read, nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from vbvr_cli.catalog.generator import Generator
from vbvr_cli.errors import InvalidRequestError, RangeTakenError
from vbvr_cli.models import (
    ADHOC,
    MAX_INDEX,
    MAX_SAMPLES_PER_TASK,
    OutputFormat,
    Run,
    RunKey,
    RunSpec,
    Task,
)
from vbvr_cli.seeds import MAX_SEED, task_seed

DEFAULT_SAMPLES = 10_000
TYPICAL_SECONDS = 1.0
TYPICAL_BYTES = 400_000
"""What a sample costs where nothing was measured: the public generators take 0.1-3.3 s and 0.3-0.5 MB."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of each generator. `samples` is the total; `batch_size` none: the generator's own."""

    samples: int = DEFAULT_SAMPLES
    batch_size: int | None = None
    seed: int = 0
    output_format: OutputFormat = "files"
    dedup: bool = False
    append: bool = False
    replace: bool = False

    def __post_init__(self) -> None:
        _check_range("--samples", self.samples, 0, MAX_INDEX + 1)
        _check_range("--seed", self.seed, 0, MAX_SEED)
        if self.batch_size is not None:
            _check_range("--batch-size", self.batch_size, 1, MAX_SAMPLES_PER_TASK)
        if self.output_format not in ("files", "tar"):
            raise InvalidRequestError(
                f"--output-format is {self.output_format!r}.",
                why="a dataset is loose files or tar archives",
                hint="Use files or tar.",
            )
        if self.append and self.replace:
            raise InvalidRequestError(
                "--append and --replace exclude each other.",
                why="one keeps the samples that are there, the other discards them",
                hint="Use one of them.",
            )


class Action(StrEnum):
    """What a request does for a generator."""

    CREATE = "create"
    EXTEND = "extend"
    CONTINUE = "continue"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class GeneratorPlan:
    """What a request means for one generator.

    `spec` begins where the new samples begin (create) or is the run's own (extend, continue). `existing`
    are the runs that the request goes on with, `replaced` those that it discards first.
    """

    generator: Generator
    action: Action
    spec: RunSpec
    new_samples: int
    existing: tuple[Run, ...] = ()
    replaced: tuple[Run, ...] = ()
    refusal: RangeTakenError | None = None

    @property
    def samples(self) -> int:
        """All samples that the request is about, those that exist or are under way included."""
        return self.new_samples + sum(run.num_samples for run in self.existing)

    @property
    def exceeds_pool(self) -> bool:
        """Whether more samples are wanted than the generator is thought to have distinct puzzles."""
        return self.generator.pool is not None and self.new_samples > 0 and self.samples > self.generator.pool

    @property
    def new_tasks(self) -> int:
        """How many tasks the new samples are cut into."""
        return -(-self.new_samples // self.spec.batch_size)

    @property
    def seconds(self) -> float:
        """Estimated seconds of one worker for the new samples."""
        return self.new_samples * (self.generator.seconds_per_sample or TYPICAL_SECONDS)

    @property
    def num_bytes(self) -> int:
        """Estimated bytes of the new samples."""
        return self.new_samples * (self.generator.bytes_per_sample or TYPICAL_BYTES)

    @property
    def measured(self) -> bool:
        """Whether the estimates come from this generator's own figures."""
        return self.generator.seconds_per_sample is not None


def plan(generator: Generator, request: Request, runs: Sequence[Run]) -> GeneratorPlan:
    """What to do for one generator, given all `runs` of it in the bucket."""
    own = sorted((run for run in runs if _is_of(run, generator, request)), key=lambda run: run.end_index)
    existing = tuple(own)
    missing = request.samples - sum(run.num_samples for run in own)
    spec = own[-1].spec if own else _spec(generator, request, first_index=0)
    if missing <= 0:
        return GeneratorPlan(generator, Action.CONTINUE, spec, 0, existing)
    start = own[-1].end_index if own else 0
    others = [run for run in runs if run not in own]
    taken = tuple(run for run in others if run.start_index < start + missing and start < run.end_index)
    if request.append and others and (taken or not own):
        start, taken = max(run.end_index for run in runs), ()
    _check_fits(generator.name, start, missing)
    if taken and not request.replace:
        refusal = _refusal(generator.name, start, missing, taken[0])
        return GeneratorPlan(generator, Action.REFUSE, spec, missing, existing, refusal=refusal)
    if own and start == own[-1].end_index:
        return GeneratorPlan(generator, Action.EXTEND, spec, missing, existing, replaced=taken)
    spec = _spec(generator, request, first_index=start, batch_size=own[-1].spec.batch_size if own else None)
    return GeneratorPlan(generator, Action.CREATE, spec, missing, existing, replaced=taken)


def tasks_of(run: Run) -> Iterator[Task]:
    """All tasks of a run in order. Each extent is cut on its own, so that extending changes none of them."""
    for start, end in run.extents:
        for first in range(start, end, run.spec.batch_size):
            yield task_at(run.key, run.spec, first, min(run.spec.batch_size, end - first))


def is_planned(run: Run, task: Task) -> bool:
    """Whether a run's own plan has exactly this task; what replaces a dead one it has not."""
    for start, end in run.extents:
        if start <= task.start_index < end and (task.start_index - start) % run.spec.batch_size == 0:
            samples = min(run.spec.batch_size, end - task.start_index)
            return task == task_at(run.key, run.spec, task.start_index, samples)
    return False


def task_at(key: RunKey, spec: RunSpec, start_index: int, num_samples: int) -> Task:
    """The task of a run that begins at an index. An ad-hoc run has one task, whose seed is the run's."""
    adhoc = key.run_id.startswith(ADHOC)
    return Task(
        run=key,
        generator=spec.generator,
        start_index=start_index,
        num_samples=num_samples,
        seed=spec.seed if adhoc else task_seed(spec.seed, spec.generator, start_index),
        output_format=spec.output_format,
        dedup=spec.dedup,
    )


def _spec(
    generator: Generator, request: Request, *, first_index: int, batch_size: int | None = None
) -> RunSpec:
    return RunSpec(
        generator=generator.name,
        provenance=generator.provenance,
        environment=generator.environment.id,
        options=generator.options,
        seed=request.seed,
        output_format=request.output_format,
        dedup=request.dedup,
        batch_size=request.batch_size or batch_size or generator.batch_size,
        first_index=first_index,
    )


def _is_of(run: Run, generator: Generator, request: Request) -> bool:
    if run.key.run_id.startswith(ADHOC):
        return False
    same_terms = run.spec.terms() == _spec(generator, request, first_index=0).terms()
    return same_terms and request.batch_size in (None, run.spec.batch_size)


def _refusal(generator: str, start: int, missing: int, other: Run) -> RangeTakenError:
    asked, taken = (start, start + missing), (other.start_index, other.end_index)
    return RangeTakenError(generator, asked, other.key.run_id, taken)


def _check_fits(generator: str, start: int, missing: int) -> None:
    if start + missing > MAX_INDEX + 1:
        raise InvalidRequestError(
            f"{generator}: samples {start}-{start + missing - 1} do not fit.",
            why=f"an index has eight digits, so {MAX_INDEX} is the last",
            hint="Ask for fewer samples, or use another destination.",
        )


def _check_range(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidRequestError(
            f"{name} is {value}.",
            why=f"it must be from {least} to {most}",
            hint=f"Choose a value from {least} to {most}.",
        )
