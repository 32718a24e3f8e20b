"""What was given up, and why."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from vbvr_cli.backends.ports import Backend, DeadLetter
from vbvr_cli.models import FailureCode, TaskRecord, TaskState
from vbvr_cli.worker.admission import parse_message, task_of
from vbvr_cli.worker.failures import TaskFailedError

UNREADABLE = "(unreadable)"


@dataclass(frozen=True, slots=True)
class DeadEntry:
    """One thing that was given up: a task of the ledger, or a message that never became one.

    `samples` is none for a message that does not say how many.
    """

    generator: str
    run_id: str | None
    where: str
    samples: int | None
    attempts: int
    code: FailureCode | None
    detail: str
    output: str


@dataclass(frozen=True, slots=True)
class DeadList:
    """What was given up. `letters` is how many messages the dead-letter queue holds.

    `unlisted` counts letters that cannot be described without receiving them.
    """

    entries: tuple[DeadEntry, ...]
    letters: int
    unlisted: int

    def groups(self) -> dict[tuple[str, str], list[DeadEntry]]:
        """Entries by generator and reason, most first."""
        groups: dict[tuple[str, str], list[DeadEntry]] = defaultdict(list)
        for entry in self.entries:
            groups[entry.generator, entry.code or "(no reason)"].append(entry)
        return dict(sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])))


def list_dead(backend: Backend) -> DeadList:
    """Describe what was given up, from the ledger and, where the queue lets one look, its letters."""
    entries = [
        _of_record(record)
        for run in backend.ledger.list_runs()
        for record in backend.ledger.tasks(run.key, [TaskState.DEAD])
    ]
    known = len(entries)
    letters = backend.queue.peek_dead()
    if letters is None:
        count = backend.queue.depth().dead
        return DeadList(tuple(entries), count, max(0, count - known))
    count = 0
    for letter in letters:
        count += 1
        if not _is_task_of_ledger(backend, letter):
            entries.append(_of_letter(letter))
    return DeadList(tuple(entries), count, 0)


def _is_task_of_ledger(backend: Backend, letter: DeadLetter) -> bool:
    try:
        task = task_of(parse_message(letter.body), backend.default_bucket)
    except TaskFailedError:
        return False
    record = backend.ledger.get_task(task)
    return record is not None and record.state is not TaskState.PLANNED


def _of_record(record: TaskRecord) -> DeadEntry:
    task, reason = record.task, record.reason
    return DeadEntry(
        generator=task.generator,
        run_id=task.run.run_id,
        where=task.range_name,
        samples=task.num_samples,
        attempts=record.attempts,
        code=reason.code if reason else None,
        detail=reason.detail if reason else "",
        output=reason.output if reason else "",
    )


def _of_letter(letter: DeadLetter) -> DeadEntry:
    reason = letter.reason
    try:
        message = parse_message(letter.body)
    except TaskFailedError:
        message = None
    return DeadEntry(
        generator=message.type if message else UNREADABLE,
        run_id=message.run_id if message else None,
        where=f"message {letter.id}",
        samples=message.num_samples if message else None,
        attempts=letter.receive_count,
        code=reason.code if reason else None,
        detail=reason.detail if reason else "",
        output=reason.output if reason else "",
    )
