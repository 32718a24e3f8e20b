"""A run's counters: each is the sum over shards, of which a change touches one at random."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from vbvr_cli.backends.aws import keys
from vbvr_cli.backends.aws.table import Table
from vbvr_cli.backends.transitions import StoredTask
from vbvr_cli.models import FailureCode, Progress, Run, RunKey, TaskState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_TASKS, _DEAD_FOR = "tasks_", "dead_for_"


def counts_of(stored: StoredTask) -> dict[str, Decimal]:
    """What one task counts for; as decimals, so that what is added and taken away leaves nothing."""
    record = stored.record
    found: dict[str, float] = {}
    if record.state is not TaskState.PLANNED:
        found[f"{_TASKS}{record.state}"] = 1
    if record.state is TaskState.CLAIMED:
        found["samples_making"] = stored.made
    if record.state is TaskState.DEAD and record.reason:
        found["samples_dead"] = record.task.num_samples
        found[f"{_DEAD_FOR}{record.reason.code}"] = 1
    if record.state is TaskState.DONE and record.outcome:
        outcome = record.outcome
        found |= {
            "samples_done": outcome.num_samples,
            "num_bytes": outcome.num_bytes,
            "seconds": round(outcome.seconds, 6),
            "remade": outcome.remade,
            "duplicates": outcome.duplicates,
        }
    return {name: Decimal(repr(value)) for name, value in found.items()}


def sent(number: int) -> dict[str, Decimal]:
    """What so many tasks more, or fewer, count for that are sent and nothing else."""
    return {f"{_TASKS}{TaskState.SENT}": Decimal(number)}


def change_of(before: StoredTask, after: StoredTask) -> dict[str, Decimal]:
    """By how much a change of a task changes the counters."""
    change = counts_of(after)
    for name, value in counts_of(before).items():
        change[name] = change.get(name, Decimal(0)) - value
    return change


def total(changes: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """Several changes in one."""
    found: dict[str, Decimal] = {}
    for change in changes:
        for name, value in change.items():
            found[name] = found.get(name, Decimal(0)) + value
    return found


def write(table: Table, key: RunKey, change: Mapping[str, Decimal]) -> list[TransactWriteItemTypeDef]:
    """The write that changes the counters, none where nothing changes."""
    names = [name for name, value in change.items() if value]
    if not names:
        return []
    shard = keys.count(key, random.randrange(keys.SHARDS))  # noqa: S311
    expression = "ADD " + ", ".join(f"{name} :{name}" for name in names)
    return [table.update(shard, expression, values={name: change[name] for name in names})]


def progress(run: Run, shards: Iterable[Mapping[str, Any]]) -> Progress:
    """A run's counters, from its shards."""
    sums: Counter[str] = Counter()
    for shard in shards:
        sums.update({name: value for name, value in shard.items() if name not in {"pk", "sk"}})
    return Progress(
        run=run.key,
        generator=run.spec.generator,
        samples_planned=run.num_samples,
        samples_done=int(sums["samples_done"]),
        samples_dead=int(sums["samples_dead"]),
        samples_making=int(sums["samples_making"]),
        num_bytes=int(sums["num_bytes"]),
        seconds=float(sums["seconds"]),
        remade=int(sums["remade"]),
        duplicates=int(sums["duplicates"]),
        tasks={state: int(sums[f"{_TASKS}{state}"]) for state in TaskState if sums[f"{_TASKS}{state}"]},
        reasons={code: int(sums[f"{_DEAD_FOR}{code}"]) for code in FailureCode if sums[f"{_DEAD_FOR}{code}"]},
        cancelled=run.cancelled,
        output_format=run.spec.output_format,
    )
