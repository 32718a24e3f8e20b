"""Sends dead tasks again: as they were, with new seeds, or split. Doing it again changes nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vbvr_cli.backends.ports import Backend
from vbvr_cli.errors import InvalidRequestError
from vbvr_cli.manifest import outcome_of
from vbvr_cli.models import Reason, Run, Task, TaskMessage, TaskRecord, TaskState
from vbvr_cli.operations.dlq.leasing import leased_letters
from vbvr_cli.operations.dlq.letter_files import locked, read_letters, set_aside
from vbvr_cli.operations.dlq.report import Fate, RedriveReport
from vbvr_cli.operations.dlq.request import RedriveRequest
from vbvr_cli.operations.submit import AGAIN, require_all_sent
from vbvr_cli.planning import task_at
from vbvr_cli.worker.admission import parse_message, task_of
from vbvr_cli.worker.failures import TaskFailedError
from vbvr_cli.worker.publish import published

KEPT = f"Their dead letters are kept. {AGAIN}"
OPEN = frozenset({TaskState.DEAD, TaskState.PLANNED, TaskState.SUPERSEDED})
"""States of a task that its dead letter still stands for; in all others it is under way or done."""


class Redrive:
    """One redrive over a back end."""

    def __init__(self, backend: Backend, request: RedriveRequest) -> None:
        self._backend = backend
        self._request = request
        self._sent: set[Task] = set()
        self._foreseen: set[Task] = set()
        self.report = RedriveReport()

    def from_queue(self) -> RedriveReport:
        """Receive all dead letters; one is deleted only when its replacement is confirmed sent."""
        with leased_letters(self._backend.queue) as letters:
            for letter in letters:
                fate = self._redrive(letter.id, letter.body, letter.reason, letter.receive_count)
                if fate.finished and not self._request.dry_run:
                    self._backend.queue.delete_dead([letter])
        if not self.report.fates:
            self.report.hidden = self._backend.queue.depth().dead
        return self.report

    def from_files(self, folder: Path) -> RedriveReport:
        """Redrive downloaded letters; what the queue still has of them goes, and their files are set aside.

        All files are checked before anything is sent. Raises InvalidRequestError for one that is nonsense,
        or while somebody else redrives the same folder.
        """
        with locked(folder):
            self._check(folder)
            finished: dict[Path, tuple[str, float]] = {}
            try:
                for file, letter in read_letters(folder):
                    fate = self._redrive(str(file), letter.text, letter.reason, letter.receive_count)
                    if fate.finished and not self._request.dry_run:
                        finished[file] = letter.identity
            finally:
                # The files last: as long as one is there, doing it again also finds its letter.
                self._delete_letters(set(finished.values()))
                for file in finished:
                    set_aside(file)
        return self.report

    def _check(self, folder: Path) -> None:
        for file, letter in read_letters(folder):
            try:
                parse_message(letter.text)
            except TaskFailedError as error:
                if self._request.wants(None, letter.reason, letter.receive_count):
                    raise InvalidRequestError(
                        f"The body in {file} is no task message.",
                        why=error.reason.detail,
                        hint="Mend it there, or move the file away; nothing was sent.",
                    ) from error

    def _delete_letters(self, finished: set[tuple[str, float]]) -> None:
        if not finished:
            return
        with leased_letters(self._backend.queue) as letters:
            for letter in letters:
                if (letter.id, letter.died_at) in finished:
                    self._backend.queue.delete_dead([letter])

    def _redrive(self, where: str, body: str, reason: Reason | None, received: int) -> Fate:
        fate = self._fate_of(where, body, reason, received)
        self.report.count(fate)
        return fate

    def _fate_of(self, where: str, body: str, reason: Reason | None, received: int) -> Fate:
        try:
            message = parse_message(body)
        except TaskFailedError as error:
            if not self._request.wants(None, reason, received):
                return Fate.PASSED_OVER
            self.report.unreadable.append(f"{where}: {error.reason.detail}")
            return Fate.UNREADABLE
        task = task_of(message, self._backend.default_bucket)
        record = self._backend.ledger.get_task(task)
        attempts = record.attempts if record and record.attempts else received
        if not self._request.wants(message.type, reason, attempts):
            return Fate.PASSED_OVER
        run = self._backend.ledger.get_run(task.run)
        if task in self._sent and (record is None or record.state is TaskState.DEAD):
            return Fate.FAILED_AGAIN
        if run is None or (record is None and not _is_planned(run, task)):
            return self._redrive_message(message, task)
        return self._redrive_task(run, record or TaskRecord(task, TaskState.PLANNED))

    def _redrive_task(self, run: Run, record: TaskRecord) -> Fate:
        if run.cancelled:
            return Fate.CANCELLED
        # In a dry run another letter of the task would have been redriven by now.
        if record.state not in OPEN or record.task in self._foreseen:
            return Fate.SETTLED
        if self._request.dry_run:
            self._foreseen.add(record.task)
        try:
            tasks = self._replacements(record)
        except InvalidRequestError:
            return Fate.SETTLED  # done, or claimed, a moment ago
        if not tasks:
            return Fate.SETTLED
        if run.exhausted and not self._request.dry_run:
            self._backend.ledger.resume_run(run.key)
        return self._send(tasks)

    def _replacements(self, record: TaskRecord) -> Sequence[Task]:
        """What is to be sent instead and was not sent yet: what an earlier redrive recorded, else new tasks.

        Raises InvalidRequestError where the task is done or being worked on by now.
        """
        task, ledger = record.task, self._backend.ledger
        children = record.children or self._request.children_of(task)
        if record.state is not TaskState.SUPERSEDED:
            if children != (task,) and self._is_published(task):
                return ()
            if self._request.dry_run:
                return children
            if children != (task,):
                children = ledger.supersede(task, children)
            elif record.state is TaskState.DEAD:
                ledger.reopen(task.run, [task])
        states = ledger.states(task.run, children)
        return [child for child, state in zip(children, states, strict=True) if state is TaskState.PLANNED]

    def _is_published(self, task: Task) -> bool:
        """Whether a task is made after all: others must not be put over its samples."""
        lines = published(self._backend.store(task.run.bucket), task)
        if lines is None:
            return False
        if not self._request.dry_run:
            self._backend.ledger.settle(task, outcome_of(lines))
        return True

    def _send(self, tasks: Sequence[Task]) -> Fate:
        if self._request.dry_run:
            self._note_sent(tasks)
            return Fate.REDRIVEN
        report = self._backend.queue.send([task.to_message().to_json() for task in tasks])
        sent = [task for position, task in enumerate(tasks) if position not in report.failed]
        self._backend.ledger.confirm_sent(tasks[0].run, sent)
        self._note_sent(sent)
        require_all_sent(report, KEPT)
        return Fate.REDRIVEN

    def _redrive_message(self, message: TaskMessage, task: Task) -> Fate:
        """Redrive a message that is no task of the ledger's: what replaces it is messages alone."""
        children = self._request.children_of(task)
        if not self._request.dry_run:
            report = self._backend.queue.send([_message_for(child, message, task) for child in children])
            require_all_sent(report, KEPT)
        self._note_sent(children)
        return Fate.REDRIVEN

    def _note_sent(self, tasks: Sequence[Task]) -> None:
        self._sent.update(tasks)
        self.report.tasks_sent += len(tasks)
        self.report.samples_sent += sum(task.num_samples for task in tasks)


def _is_planned(run: Run, task: Task) -> bool:
    """Whether a task is one of those that its run is cut into."""
    return any(start <= task.start_index and task.end_index <= end for start, end in run.extents) and (
        task == task_at(run.key, run.spec, task.start_index, task.num_samples)
    )


def _message_for(child: Task, message: TaskMessage, task: Task) -> str:
    """The message for a part of what another message asks."""
    if child == task:
        return message.to_json()
    part = {"start_index": child.start_index, "num_samples": child.num_samples, "seed": child.seed}
    return message.model_copy(update=part).to_json()
