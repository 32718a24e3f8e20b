"""Tasks as items of the ledger's table."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from vbvr_cli.backends.aws import keys
from vbvr_cli.backends.aws.table import Item
from vbvr_cli.backends.transitions import StoredTask
from vbvr_cli.models import FailureCode, Outcome, Reason, Rounds, RunKey, Task, TaskRecord, TaskState


def fresh(task: Task, state: TaskState) -> StoredTask:
    """A task that has no item yet.

    Its fences begin at the time in microseconds: a task that is made again after its run was removed gives
    none out a second time.
    """
    return StoredTask(0, TaskRecord(task, state), fence=time.time_ns() // 1000, holder=None, made=0)


def item_of(stored: StoredTask) -> Mapping[str, Any]:
    """A task's item; the id of what was read becomes the next version."""
    record, reason, outcome = stored.record, stored.record.reason, stored.record.outcome
    task = record.task
    return {
        **keys.task(task),
        "version": stored.id + 1,
        "state": record.state.value,
        "generator": task.generator,
        "output_format": task.output_format,
        "dedup": task.dedup,
        "attempts": record.attempts,
        "fence": stored.fence,
        "worker": record.worker,
        "claimed_until": record.claimed_until,
        "finished_at": record.finished_at,
        "code": reason.code.value if reason else None,
        "detail": reason.detail if reason else None,
        "output": reason.output if reason else None,
        "made": stored.made,
        "num_samples_made": outcome.num_samples if outcome else None,
        "num_bytes": outcome.num_bytes if outcome else None,
        "seconds": outcome.seconds if outcome else None,
        "remade": outcome.remade if outcome else None,
        "duplicates": outcome.duplicates if outcome else None,
        "rounds": record.rounds.to_json() if record.rounds else None,
        "children": ",".join(map(keys.task_name, record.children)) or None,
        "dead": keys.dead_tasks_of(task.run) if record.state is TaskState.DEAD else None,
    }


def stored_of(item: Item, run: RunKey) -> StoredTask:
    """A task from its item."""
    task = task_of(item["sk"], run, item)
    children = item["children"].split(",") if "children" in item else []
    record = TaskRecord(
        task=task,
        state=TaskState(item["state"]),
        attempts=item["attempts"],
        worker=item.get("worker"),
        claimed_until=item.get("claimed_until"),
        finished_at=item.get("finished_at"),
        reason=Reason(FailureCode(item["code"]), item["detail"], item["output"]) if "code" in item else None,
        outcome=_outcome(item) if "seconds" in item else None,
        rounds=Rounds.from_json(item["rounds"]) if "rounds" in item else None,
        children=tuple(task_of(name, run, item) for name in children),
    )
    return StoredTask(item["version"], record, item["fence"], holder=None, made=item["made"])


def task_of(name: str, run: RunKey, terms: Mapping[str, Any]) -> Task:
    """A task from its name and from what all tasks of its run have in common."""
    start_index, num_samples, seed = map(int, name.split("#"))
    return Task(
        run=run,
        generator=terms["generator"],
        start_index=start_index,
        num_samples=num_samples,
        seed=seed,
        output_format=terms["output_format"],
        dedup=terms["dedup"],
    )


def _outcome(item: Item) -> Outcome:
    return Outcome(
        item["num_samples_made"], item["num_bytes"], item["seconds"], item["remade"], item["duplicates"]
    )
