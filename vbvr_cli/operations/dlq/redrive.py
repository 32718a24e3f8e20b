"""Sends dead tasks again: as they were, with new seeds, or split. Doing it again changes nothing more."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from vbvr_cli.backends.ports import Backend
from vbvr_cli.errors import InvalidRequestError, ServiceError
from vbvr_cli.models import MAX_SAMPLES_PER_TASK, FailureCode, Reason, Run, Task, TaskMessage, TaskState
from vbvr_cli.operations.dlq.leasing import leased_letters
from vbvr_cli.operations.dlq.letter_files import read_letters, set_aside
from vbvr_cli.seeds import redrive_seed
from vbvr_cli.worker.admission import parse_message, task_of
from vbvr_cli.worker.failures import TaskFailedError


@dataclass(frozen=True, slots=True)
class RedriveRequest:
    """Which dead letters, and how. No filter means all; `max_attempts` leaves out those tried more often."""

    generators: tuple[str, ...] = ()
    reasons: tuple[FailureCode, ...] = ()
    max_attempts: int | None = None
    new_seed: bool = False
    batch_size: int | None = None
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.batch_size is not None and not 1 <= self.batch_size <= MAX_SAMPLES_PER_TASK:
            raise InvalidRequestError(
                f"--batch-size is {self.batch_size}.", why=f"it must be from 1 to {MAX_SAMPLES_PER_TASK}"
            )


def parse_reasons(texts: Sequence[str]) -> tuple[FailureCode, ...]:
    """Reasons by their codes. Raises InvalidRequestError naming those that there are."""
    try:
        return tuple(FailureCode(text) for text in texts)
    except ValueError as error:
        raise InvalidRequestError(
            f"{error}.".replace("FailureCode", "reason"), hint=f"There are {', '.join(FailureCode)}."
        ) from None


class Fate(StrEnum):
    """What became of a dead letter."""

    REDRIVEN = "redriven"
    SETTLED = "settled already"
    UNREADABLE = "unreadable"
    CANCELLED = "run is cancelled"
    PASSED_OVER = "passed over"


@dataclass(slots=True)
class RedriveReport:
    """How many letters met which fate, and what was sent for them."""

    fates: dict[Fate, int] = field(default_factory=dict)
    tasks_sent: int = 0
    samples_sent: int = 0
    unreadable: list[str] = field(default_factory=list)

    def count(self, fate: Fate) -> None:
        """One more letter."""
        self.fates[fate] = self.fates.get(fate, 0) + 1


class Redrive:
    """One redrive over a back end."""

    def __init__(self, backend: Backend, request: RedriveRequest) -> None:
        self._backend = backend
        self._request = request
        self.report = RedriveReport()

    def from_queue(self) -> RedriveReport:
        """Receive all dead letters; one is deleted only when its replacement is confirmed sent."""
        with leased_letters(self._backend.queue) as letters:
            for letter in letters:
                fate = self._redrive(letter.id, letter.body, letter.reason, letter.receive_count)
                self.report.count(fate)
                if fate in (Fate.REDRIVEN, Fate.SETTLED) and not self._request.dry_run:
                    self._backend.queue.delete_dead([letter])
        return self.report

    def from_files(self, folder: Path) -> RedriveReport:
        """Redrive downloaded letters; their files are set aside, and what the queue still has of them goes.

        All files are read before anything is sent. Raises InvalidRequestError for one that is nonsense.
        """
        finished: set[str] = set()
        for file, letter in list(read_letters(folder)):
            fate = self._redrive(letter.id, letter.text, letter.reason, letter.receive_count)
            self.report.count(fate)
            if fate in (Fate.REDRIVEN, Fate.SETTLED) and not self._request.dry_run:
                set_aside(file)
                finished.add(letter.id)
        if finished:
            self._delete_letters(finished)
        return self.report

    def _delete_letters(self, ids: set[str]) -> None:
        with leased_letters(self._backend.queue) as letters:
            for letter in letters:
                if letter.id in ids:
                    self._backend.queue.delete_dead([letter])

    def _redrive(self, letter_id: str, body: str, reason: Reason | None, received: int) -> Fate:
        try:
            message = parse_message(body)
        except TaskFailedError as error:
            if not self._is_wanted(None, reason, received):
                return Fate.PASSED_OVER
            self.report.unreadable.append(f"{letter_id}: {error.reason.detail}")
            return Fate.UNREADABLE
        task = task_of(message, self._backend.default_bucket)
        record = self._backend.ledger.get_task(task)
        attempts = record.attempts if record and record.attempts else received
        if not self._is_wanted(message.type, reason, attempts):
            return Fate.PASSED_OVER
        run = self._backend.ledger.get_run(task.run)
        if run is None:
            return self._send_unknown(message, task)
        return self._redrive_task(run, task, record.state if record else TaskState.PLANNED)

    def _redrive_task(self, run: Run, task: Task, state: TaskState) -> Fate:
        if run.cancelled:
            return Fate.CANCELLED
        if state not in (TaskState.DEAD, TaskState.PLANNED, TaskState.SUPERSEDED):
            return Fate.SETTLED
        if self._request.dry_run:
            self._note_sent(self._children(task))
            return Fate.REDRIVEN
        if run.exhausted:
            self._backend.ledger.resume_run(run.key)
        return self._send(self._replace(task, state))

    def _replace(self, task: Task, state: TaskState) -> Sequence[Task]:
        """The tasks to send instead: those recorded by an earlier redrive, else new ones."""
        ledger = self._backend.ledger
        children = self._children(task)
        if state is TaskState.SUPERSEDED or children != (task,):
            children = ledger.supersede(task, children)
        elif state is TaskState.DEAD:
            ledger.reopen(task.run, [task])
        states = ledger.states(task.run, children)
        return [
            child
            for child, child_state in zip(children, states, strict=True)
            if child_state is TaskState.PLANNED
        ]

    def _children(self, task: Task) -> tuple[Task, ...]:
        size = self._request.batch_size or task.num_samples
        if size >= task.num_samples and not self._request.new_seed:
            return (task,)
        return tuple(
            replace(
                task,
                start_index=start,
                num_samples=min(size, task.end_index - start),
                seed=redrive_seed(task.seed, start),
            )
            for start in range(task.start_index, task.end_index, size)
        )

    def _send(self, tasks: Sequence[Task]) -> Fate:
        if not tasks:
            return Fate.SETTLED
        self._send_bodies([task.to_message().to_json() for task in tasks])
        self._backend.ledger.confirm_sent(tasks[0].run, tasks)
        self._note_sent(tasks)
        return Fate.REDRIVEN

    def _send_unknown(self, message: TaskMessage, task: Task) -> Fate:
        """A message whose run the ledger does not know: what replaces it is messages alone."""
        children = self._children(task)
        if not self._request.dry_run:
            messages = [
                message.model_copy(
                    update={
                        "start_index": child.start_index,
                        "num_samples": child.num_samples,
                        "seed": message.seed if child == task else child.seed,
                    }
                )
                for child in children
            ]
            self._send_bodies([one.to_json() for one in messages])
        self._note_sent(children)
        return Fate.REDRIVEN

    def _send_bodies(self, bodies: list[str]) -> None:
        report = self._backend.queue.send(bodies)
        if report.failed:
            raise ServiceError(
                f"{len(report.failed)} of {len(bodies)} messages were not taken by the queue.",
                why=next(iter(report.failed.values())),
                hint="The dead letter is kept. Run the same command again: it sends what is missing.",
            )

    def _note_sent(self, tasks: Sequence[Task]) -> None:
        self.report.tasks_sent += len(tasks)
        self.report.samples_sent += sum(task.num_samples for task in tasks)

    def _is_wanted(self, generator: str | None, reason: Reason | None, attempts: int) -> bool:
        request = self._request
        if request.generators and not any(
            fnmatch.fnmatchcase(generator or "", pattern) for pattern in request.generators
        ):
            return False
        if request.reasons and (reason is None or reason.code not in request.reasons):
            return False
        return request.max_attempts is None or attempts <= request.max_attempts
