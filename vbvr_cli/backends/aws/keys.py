"""The keys of the ledger's items.

| pk | sk | what it is |
| --- | --- | --- |
| `run#BUCKET#RUN` | `run` | a run's record |
| `runs` | `BUCKET#GENERATOR#RUN` | the same record again, by which all runs are listed |
| `range#BUCKET#GENERATOR` | `range` | a version: whoever reserves a range changes it |
| `blocks#BUCKET#RUN` | `START#NUM` | which of some tasks are sent, and which have an item of their own |
| `tasks#BUCKET#RUN` | `START#NUM#SEED` | a task |
| `count#BUCKET#RUN#SHARD` | `count` | a part of a run's counters |
| `removed#BUCKET#RUN` | `removed` | that a run was here and was removed |
| `buckets` | `BUCKET` | a bucket that the operator allowed |
"""

from __future__ import annotations

from vbvr_cli.models import RunKey, Task

SHARDS = 16
TASKS_A_BLOCK = 64

Key = dict[str, str]


def run(key: RunKey) -> Key:
    """A run's record."""
    return {"pk": f"run#{key.bucket}#{key.run_id}", "sk": "run"}


def listed_run(key: RunKey, generator: str) -> Key:
    """A run's record in the list of all."""
    return {"pk": "runs", "sk": f"{key.bucket}#{generator}#{key.run_id}"}


def removed_run(key: RunKey) -> Key:
    """What is left of a run that was removed."""
    return {"pk": f"removed#{key.bucket}#{key.run_id}", "sk": "removed"}


def reservations(bucket: str, generator: str) -> Key:
    """What guards the ranges of a (bucket, generator)."""
    return {"pk": f"range#{bucket}#{generator}", "sk": "range"}


def blocks_of(key: RunKey) -> str:
    """The partition of a run's blocks."""
    return f"blocks#{key.bucket}#{key.run_id}"


def block(task: Task) -> Key:
    """The block of a task: it spans 64 tasks of that size, side by side, whatever their seeds."""
    width = TASKS_A_BLOCK * task.num_samples
    first = task.start_index // width * width
    return {"pk": blocks_of(task.run), "sk": f"{first:08d}#{task.num_samples:04d}"}


def tasks_of(key: RunKey) -> str:
    """The partition of a run's tasks."""
    return f"tasks#{key.bucket}#{key.run_id}"


def task(one: Task) -> Key:
    """A task."""
    return {"pk": tasks_of(one.run), "sk": task_name(one)}


def task_name(one: Task) -> str:
    """A task's name within its run; names sort as indices do."""
    return f"{one.start_index:08d}#{one.num_samples:04d}#{one.seed:010d}"


def dead_tasks_of(key: RunKey) -> str:
    """A run's partition of the index of dead tasks."""
    return f"{key.bucket}#{key.run_id}"


def count(key: RunKey, shard: int) -> Key:
    """A part of a run's counters; a partition of its own, so that a thousand workers find room."""
    return {"pk": f"count#{key.bucket}#{key.run_id}#{shard}", "sk": "count"}


def counts(key: RunKey) -> list[Key]:
    """All parts of a run's counters."""
    return [count(key, shard) for shard in range(SHARDS)]


def allowed_bucket(bucket: str) -> Key:
    """A bucket that the operator allowed."""
    return {"pk": "buckets", "sk": bucket}
