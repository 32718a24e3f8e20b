"""Runs and tasks to try a ledger with."""

from __future__ import annotations

from typing import Any

from vbvr_cli.models import FailureCode, Outcome, Provenance, Reason, RunKey, RunSpec, Task
from vbvr_cli.seeds import task_seed

GENERATOR = "G-1_maze_data-generator"
OUTCOME = Outcome(num_samples=10, num_bytes=4_000, seconds=2.5, remade=1, duplicates=3)
PASSING = Reason(FailureCode.GENERATOR_KILLED, "signal 9", output="Killed")
PERMANENT = Reason(FailureCode.GENERATOR_FAILED, "ValueError: no path", output="Traceback …")


def spec(generator: str = GENERATOR, **terms: Any) -> RunSpec:
    """What a run of ten samples a task is to be made of."""
    provenance = Provenance(commit="0123abc", branch="main", repo="https://example.org/maze.git")
    return RunSpec(generator=generator, provenance=provenance, environment="e0", batch_size=10, **terms)


def key_of(bucket: str, run: RunSpec) -> RunKey:
    """The key of a run in a bucket."""
    return RunKey(bucket, run.run_id)


def task_of(key: RunKey, number: int, generator: str = GENERATOR) -> Task:
    """The run's task with a number, from 0 on, of ten samples each."""
    return Task(key, generator, number * 10, 10, task_seed(0, generator, number * 10))


def halves_of(task: Task, seed: int | None = None) -> list[Task]:
    """Two tasks that cover the range of one."""
    half = task.num_samples // 2
    seed = task.seed if seed is None else seed
    return [
        Task(task.run, task.generator, task.start_index + offset, half, seed + offset) for offset in (0, half)
    ]
