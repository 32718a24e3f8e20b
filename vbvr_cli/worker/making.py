"""Makes a task's samples, in as many rounds as it takes.

What the same seed will meet again is not tried again with it. A generator that raises gets the next round's
seed for the whole task; single samples that are missing, broken or duplicates are made anew alone, up to a
tenth of the task. What was decided is a `Rounds`; given one, it is replayed instead of decided.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vbvr_cli.catalog.generator import Generator
from vbvr_cli.models import FailureCode, Remake, Rounds, Task
from vbvr_cli.seeds import round_seed, sample_seed
from vbvr_cli.worker.failures import TaskFailedError
from vbvr_cli.worker.runner import Ended, run_generator
from vbvr_cli.worker.samples import Making, Sample, find_samples, prepare_sample
from vbvr_cli.worker.validation import BrokenSampleError
from vbvr_cli.worker.workspace import disk_full, has_no_space, remove_tree

MAX_ROUNDS = 3
KILLED = (-9, -15)


class Distinct(Protocol):
    """Says which samples of a task are the first of their kind."""

    def register(self, hashes: list[tuple[int, str]]) -> list[bool]:
        """(Index, param_hash) in order; False for one that somebody else has made."""

    def forget(self) -> None:
        """Let go of what this task registered."""


@dataclass(frozen=True, slots=True)
class Made:
    """All samples of a task in the order of their positions, and how they came about."""

    samples: tuple[Sample, ...]
    rounds: Rounds
    duplicates: int


@dataclass(frozen=True, slots=True)
class _Flaw:
    """Why a position of a task has no usable sample yet."""

    code: FailureCode
    detail: str


class Maker:
    """Makes the samples of one task below `folder`. `seconds` bound the whole of it, all rounds together."""

    def __init__(
        self,
        task: Task,
        generator: Generator,
        folder: Path,
        *,
        distinct: Distinct | None,
        should_stop: Callable[[], bool],
        on_progress: Callable[[int], None],
    ) -> None:
        self._task = task
        self._generator = generator
        self._folder = folder
        self._distinct = distinct
        self._should_stop = should_stop
        self._on_progress = on_progress
        self._deadline = time.monotonic() + generator.time_limit_seconds
        self._ready = 0

    def make(self, recorded: Rounds | None) -> Made:
        """Make all samples. Raises TaskFailedError, or StoppedError when asked to stop."""
        return self._decide() if recorded is None else self._replay(recorded)

    def _decide(self) -> Made:
        failure: TaskFailedError | None = None
        for task_round in range(MAX_ROUNDS):
            remove_tree(self._folder / f"round-{task_round - 1}")
            if self._distinct:
                self._distinct.forget()
            try:
                samples, flaws = self._make_whole(task_round)
            except _GeneratorRaisedError as raised:
                failure = raised.failure
                continue
            duplicates = self._mark_duplicates(samples, flaws)
            if len(flaws) > max(1, self._task.num_samples // 10):
                failure = self._failure(flaws, f"after {task_round + 1} rounds")
                continue
            remakes = [self._remake(samples, position, flaw) for position, flaw in sorted(flaws.items())]
            return Made(_in_order(samples), Rounds(task_round, tuple(remakes)), duplicates)
        assert failure is not None  # noqa: S101
        raise failure

    def _replay(self, recorded: Rounds) -> Made:
        try:
            samples, flaws = self._make_whole(recorded.task_round)
        except _GeneratorRaisedError as raised:
            raise raised.failure from None
        for remake in recorded.remakes:
            flaw = self._make_alone(samples, remake)
            flaws.pop(remake.position, None)
            if flaw:
                flaws[remake.position] = flaw
        if flaws:
            raise self._failure(flaws, "while repeating what an earlier attempt had made")
        if self._mark_duplicates(samples, flaws):
            # The task was dead for a while, and others have made its puzzles since.
            for folder in self._folder.iterdir():
                remove_tree(folder)
            return self._decide()
        return Made(_in_order(samples), recorded, 0)

    def _make_whole(self, task_round: int) -> tuple[dict[int, Sample], dict[int, _Flaw]]:
        task = self._task
        making = Making(round_seed(task.seed, task_round), task.num_samples, task_round)
        samples: dict[int, Sample] = {}
        flaws: dict[int, _Flaw] = {}
        announced: list[Path] = []
        self._ready = 0

        def prepare(folder: Path, position: int) -> None:
            try:
                samples[position] = prepare_sample(task, folder, position, making, self._generator.provenance)
            except BrokenSampleError as error:
                flaws[position] = _Flaw(FailureCode.BROKEN_SAMPLES, str(error))
            self._ready = max(self._ready, len(samples))
            self._on_progress(self._ready)

        def prepare_early(folder: Path) -> None:
            if len(announced) < task.num_samples:
                announced.append(folder)
                prepare(folder, len(announced) - 1)

        output = self._run(making, f"round-{task_round}", prepare_early)
        found = find_samples(output)[: task.num_samples]
        if [folder.resolve() for folder in found] != announced:
            # Announced in another order than that of the names, or not at all.
            samples.clear()
            flaws.clear()
            for position, folder in enumerate(found):
                prepare(folder, position)
        for position in range(len(found), task.num_samples):
            flaws[position] = _Flaw(
                FailureCode.MISSING_SAMPLES, f"wrote {len(found)} of {task.num_samples} samples"
            )
        return samples, flaws

    def _mark_duplicates(self, samples: dict[int, Sample], flaws: dict[int, _Flaw]) -> int:
        if self._distinct is None:
            return 0
        ordered = [samples[position] for position in sorted(samples)]
        first = self._distinct.register([(sample.index, sample.param_hash) for sample in ordered])
        repeated = [sample for sample, is_first in zip(ordered, first, strict=True) if not is_first]
        for sample in repeated:
            flaws[sample.position] = _Flaw(FailureCode.POOL_EXHAUSTED, "the puzzle exists already")
        return len(repeated)

    def _remake(self, samples: dict[int, Sample], position: int, flaw: _Flaw) -> Remake:
        for remake_round in range(1, MAX_ROUNDS + 1):
            remake = Remake(position, remake_round, sample_seed(self._task.seed, position, remake_round))
            latest = self._make_alone(samples, remake)
            if latest is None and self._distinct:
                sample = samples[position]
                if self._distinct.register([(sample.index, sample.param_hash)]) != [True]:
                    latest = _Flaw(FailureCode.POOL_EXHAUSTED, "the puzzle exists already")
            if latest is None:
                return remake
            flaw = latest
        raise self._failure({position: flaw}, f"after {MAX_ROUNDS} more tries with other seeds")

    def _make_alone(self, samples: dict[int, Sample], remake: Remake) -> _Flaw | None:
        making = Making(remake.seed, 1, remake.round)
        try:
            output = self._run(making, f"sample-{remake.position}-{remake.round}", None)
        except _GeneratorRaisedError as raised:
            return _Flaw(raised.failure.reason.code, raised.failure.reason.detail)
        found = find_samples(output)[:1]
        if not found:
            return _Flaw(FailureCode.MISSING_SAMPLES, "wrote none")
        try:
            sample = prepare_sample(self._task, found[0], remake.position, making, self._generator.provenance)
        except BrokenSampleError as error:
            return _Flaw(FailureCode.BROKEN_SAMPLES, str(error))
        samples[remake.position] = sample
        return None

    def _run(self, making: Making, name: str, on_sample: Callable[[Path], None] | None) -> Path:
        folder = self._folder / name
        folder.mkdir()
        ended = run_generator(
            self._generator,
            num_samples=making.num_samples,
            seed=making.seed,
            folder=folder,
            deadline=self._deadline,
            should_stop=self._should_stop,
            on_sample=on_sample,
        )
        output = folder / "output"
        self._raise_if_failed(ended, making, output)
        return output

    def _raise_if_failed(self, ended: Ended, making: Making, output: Path) -> None:
        generator, task = self._generator, self._task
        if ended.timed_out:
            done = min(max(self._ready, len(find_samples(output))), task.num_samples)
            raise TaskFailedError(
                FailureCode.OUT_OF_TIME,
                f"{done} of {task.num_samples} samples in {generator.time_limit_seconds} s"
                + _smaller_batch(done, task.num_samples),
                ended.output,
            )
        if ended.out_of_memory:
            raise TaskFailedError(
                FailureCode.OUT_OF_MEMORY,
                f"more than {generator.memory_mb} MB for {making.num_samples} samples"
                + _smaller_batch(making.num_samples // 2, task.num_samples),
                ended.output,
            )
        if ended.exit_code == 0:
            return
        if has_no_space(self._folder):
            raise disk_full(self._folder.parent)
        if ended.exit_code in KILLED:
            raise TaskFailedError(
                FailureCode.GENERATOR_KILLED,
                f"killed by signal {-ended.exit_code}; the machine may have run out of memory",
                ended.output,
            )
        raise _GeneratorRaisedError(ended)

    def _failure(self, flaws: dict[int, _Flaw], when: str) -> TaskFailedError:
        # Duplicates weigh most: they say that more of the same will not help.
        worst = max(flaws.values(), key=lambda flaw: (flaw.code is FailureCode.POOL_EXHAUSTED, flaw.code))
        count = sum(flaw.code is worst.code for flaw in flaws.values())
        detail = f"{count} of {self._task.num_samples} samples {when}: {worst.detail}"
        return TaskFailedError(worst.code, detail)


class _GeneratorRaisedError(Exception):
    """The generator ended with an error; another seed may do better."""

    def __init__(self, ended: Ended) -> None:
        super().__init__()
        how = f"exit code {ended.exit_code}" if ended.exit_code > 0 else f"signal {-ended.exit_code}"
        last = next((line for line in reversed(ended.output.splitlines()) if line.strip()), "")
        detail = f"{how}: {last.strip()[:300]}" if last else how
        self.failure = TaskFailedError(FailureCode.GENERATOR_FAILED, detail, ended.output)


def _in_order(samples: dict[int, Sample]) -> tuple[Sample, ...]:
    return tuple(samples[position] for position in sorted(samples))


def _smaller_batch(feasible: int, asked: int) -> str:
    if feasible < 1 or asked == 1:
        return ""
    return f"; redrive with --batch-size {max(1, min(feasible * 4 // 5, asked - 1))}"
