"""Tasks that died and messages that are nonsense, made through the ports alone, without a generator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from vbvr_cli.backends.ports import Backend, DeadLetter, Message, SendReport
from vbvr_cli.models import Claim, FailureCode, Reason, Task, TaskState
from vbvr_cli.worker.admission import parse_message, task_of
from vbvr_cli.worker.failures import TaskFailedError

FAILED = Reason(FailureCode.GENERATOR_FAILED, "exit code 1: ValueError: no path", "Traceback …\nno path")
SLOW = Reason(FailureCode.OUT_OF_TIME, "3 of 10 samples in 900 s; redrive with --batch-size 2")
EXHAUSTED = Reason(FailureCode.POOL_EXHAUSTED, "12 of 100 samples: the puzzle exists already")


def leased(backend: Backend) -> Iterator[Message]:
    """Every message that waits, leased."""
    while messages := backend.queue.lease(10, 600.0):
        yield from messages


def let_die(backend: Backend, reason: Reason = FAILED) -> list[Task]:
    """Do with every waiting message what a worker does whose generator fails so; the tasks that are dead."""
    died = []
    for message in leased(backend):
        try:
            task = task_of(parse_message(message.body), backend.default_bucket)
        except TaskFailedError as error:
            backend.queue.dead_letter(message, error.reason)
            continue
        claim = backend.ledger.claim(task, "worker", 600.0)
        assert isinstance(claim, Claim)
        assert backend.ledger.fail(claim, reason) is TaskState.DEAD
        backend.queue.dead_letter(message, reason)
        died.append(task)
    return died


def letters_of(backend: Backend) -> list[DeadLetter]:
    """Every dead letter, leased for this and given back."""
    letters: list[DeadLetter] = []
    while more := backend.queue.lease_dead(10, 600.0):
        letters += more
    backend.queue.give_back_dead(letters)
    return [replace(letter, receipt="") for letter in letters]


def waiting_tasks(backend: Backend) -> list[Task]:
    """The tasks of all messages that wait, in the order of their indices; the messages are given back."""
    messages = list(leased(backend))
    for message in messages:
        backend.queue.give_back(message)
    tasks = [task_of(parse_message(message.body), backend.default_bucket) for message in messages]
    return sorted(tasks, key=lambda task: (task.generator, task.start_index))


class Altered:
    """A part of a back end, or a back end, of which some members are replaced."""

    def __init__(self, original: object, **replaced: Any) -> None:
        self._original = original
        self._replaced = replaced

    def __getattr__(self, name: str) -> Any:
        return self._replaced[name] if name in self._replaced else getattr(self._original, name)


def refusing(backend: Backend, refused: int) -> Any:
    """The back end with a queue that does not take the last `refused` messages of each send."""

    def send(bodies: list[str]) -> SendReport:
        taken = len(bodies) - refused
        backend.queue.send(bodies[:taken])
        return SendReport(max(0, taken), dict.fromkeys(range(taken, len(bodies)), "the queue is busy"))

    return Altered(backend, queue=Altered(backend.queue, send=send))
