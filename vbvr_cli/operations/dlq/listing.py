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

    Of those, `unlisted` cannot be described without receiving them, and `settled` are of tasks that are
    done, under way or replaced by now.
    """

    entries: tuple[DeadEntry, ...]
    letters: int
    unlisted: int = 0
    settled: int = 0

    @property
    def without_letter(self) -> int:
        """How many tasks were given up whose letters are no longer in the queue, at least."""
        return max(0, len(self.entries) + self.unlisted + self.settled - self.letters)

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
        for progress in backend.ledger.progress()
        if progress.tasks.get(TaskState.DEAD)
        for record in backend.ledger.tasks(progress.run, [TaskState.DEAD])
    ]
    letters = backend.queue.peek_dead()
    if letters is None:
        count = backend.queue.depth().dead
        return DeadList(tuple(entries), count, unlisted=max(0, count - len(entries)))
    count = settled = 0
    for letter in letters:
        count += 1
        state = _state_of(backend, letter)
        if state in (None, TaskState.PLANNED):
            entries.append(_of_letter(letter))
        elif state is not TaskState.DEAD:
            settled += 1
    return DeadList(tuple(entries), count, settled=settled)


def _state_of(backend: Backend, letter: DeadLetter) -> TaskState | None:
    """How the ledger has the task of a letter; None for what it does not know."""
    try:
        task = task_of(parse_message(letter.body), backend.default_bucket)
    except TaskFailedError:
        return None
    record = backend.ledger.get_task(task)
    return record.state if record else None


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
