"""The loop around the queue: lease, claim, make, publish, complete, acknowledge."""

from __future__ import annotations

import errno
import logging
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from vbvr_cli.backends.ports import Backend, DedupRegistry, Message
from vbvr_cli.catalog.generator import Generator
from vbvr_cli.errors import ClaimLostError, DiskFullError, VbvrError
from vbvr_cli.manifest import DamagedManifestError, outcome_of
from vbvr_cli.models import Claim, FailureCode, Outcome, Reason, Refusal, Rounds, Task, TaskState, Verdict
from vbvr_cli.worker.admission import Admission, Job, parse_message, task_of
from vbvr_cli.worker.failures import StoppedError, TaskFailedError
from vbvr_cli.worker.heartbeat import Heartbeat
from vbvr_cli.worker.making import Maker
from vbvr_cli.worker.publish import publish, published
from vbvr_cli.worker.workspace import Workspace, disk_full, has_no_space

logger = logging.getLogger(__name__)


FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
NOT_HERE = frozenset(
    {
        FailureCode.UNKNOWN_BUCKET,
        FailureCode.UNKNOWN_GENERATOR,
        FailureCode.WRONG_COMMIT,
        FailureCode.WRONG_ENVIRONMENT,
    }
)
"""Reasons for which a task that the ledger knows cannot run here: it dies there too, not only its message."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things may take, in seconds.

    `lease`: after that a silent worker counts as dead. `heartbeat`: how often the lease is extended and
    progress reported. `idle`: between looks at an empty queue. `backoff`: before the second attempt; the
    third waits four times as long.
    """

    lease: float = 60.0
    heartbeat: float = 1.0
    idle: float = 0.5
    backoff: float = 2.0


class Worker:
    """Works on the queue of a back end, one task at a time."""

    def __init__(
        self,
        backend: Backend,
        find_generator: Callable[[str], Generator],
        workspace: Workspace,
        *,
        name: str,
        pace: Pace | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self._backend = backend
        self._admission = Admission(backend, find_generator)
        self._workspace = workspace
        self._name = name
        self._pace = pace or Pace()
        self._stop = stop or threading.Event()

    def work(self, *, until_empty: bool) -> None:
        """Work until told to stop, or until no message is left that is not dead.

        Waits for messages in flight with others: they may come back.
        """
        while not self._stop.is_set():
            messages = self._backend.queue.lease(1, self._pace.lease)
            for message in messages:
                self.handle(message)
            if not messages:
                if until_empty and self._is_empty():
                    return
                self._stop.wait(self._pace.idle)

    def handle(self, message: Message) -> None:
        """Bring one message to its end: done and acknowledged, dead with its reason, or given back."""
        job = self._admit(message)
        if job is None:
            return
        claim = self._backend.ledger.claim(job.task, self._name, self._pace.lease)
        if isinstance(claim, Refusal):
            self._follow(message, claim, job)
            return
        try:
            self._attempt(message, claim, job)
        except StoppedError:
            self._give_up_claim(message, claim)
        except ClaimLostError:
            logger.warning("%s: lost to another worker", job.task.range_name)
            self._backend.queue.give_back(message)  # the next delivery sees what became of the task
        except TaskFailedError as error:
            self._fail(message, claim, error.reason)
        except DiskFullError:
            self._give_up_claim(message, claim)
            raise
        except VbvrError as error:
            self._fail(message, claim, Reason(FailureCode.STORE_FAILED, str(error)))
        except Exception as error:
            if isinstance(error, OSError) and self._is_full(error):
                self._give_up_claim(message, claim)
                raise disk_full(self._workspace.folder) from error
            trace = traceback.format_exc()
            self._fail(message, claim, Reason(FailureCode.INTERNAL_ERROR, repr(error)[:500], trace[-4096:]))

    def _admit(self, message: Message) -> Job | None:
        """The message's job, or None once the message is with the dead letters."""
        try:
            task = task_of(parse_message(message.body), self._backend.default_bucket)
        except TaskFailedError as error:
            self._refuse(message, error.reason)
            return None
        try:
            return self._admission.admit(task)
        except TaskFailedError as error:
            if error.reason.code in NOT_HERE and self._backend.ledger.get_run(task.run):
                claim = self._backend.ledger.claim(task, self._name, self._pace.lease)
                if isinstance(claim, Claim):
                    self._fail(message, claim, error.reason)
                else:
                    self._follow(message, claim)
            else:
                self._refuse(message, error.reason)
            return None

    def _attempt(self, message: Message, claim: Claim, job: Job) -> None:
        started = time.monotonic()
        lines = published(job.store, job.task)
        if lines is not None:
            self._finish(message, claim, outcome_of(lines))
            return
        with (
            Heartbeat(
                self._backend.queue,
                self._backend.ledger,
                message,
                claim,
                lease_seconds=self._pace.lease,
                interval=self._pace.heartbeat,
            ) as heartbeat,
            self._workspace.folder_for(job.task.range_name) as folder,
        ):
            maker = Maker(
                job.task,
                job.generator,
                folder,
                distinct=_TaskPuzzles(self._backend.dedup, job.task) if job.task.dedup else None,
                should_stop=lambda: self._stop.is_set() or heartbeat.lost.is_set(),
                on_progress=heartbeat.report,
            )
            made = maker.make(claim.rounds)
            # Without a record the task's own seed did at once; with dedup that has to be said, too.
            recorded = claim.rounds or (None if job.task.dedup else Rounds())
            if made.rounds != recorded:
                self._backend.ledger.record_rounds(claim, made.rounds)
            # Who was held up while making finds out here that the task is another's by now.
            self._backend.ledger.extend_claim(claim, self._pace.lease, len(made.samples))
            timestamp = job.run.spec.provenance.timestamp
            lines = publish(job.store, job.task, made.samples, folder, timestamp)
        outcome = outcome_of(lines)
        seconds = time.monotonic() - started
        self._finish(
            message,
            claim,
            Outcome(outcome.num_samples, outcome.num_bytes, seconds, outcome.remade, made.duplicates),
        )

    def _finish(self, message: Message, claim: Claim, outcome: Outcome) -> None:
        self._backend.ledger.complete(claim, outcome)
        self._backend.queue.acknowledge([message])

    def _follow(self, message: Message, refusal: Refusal, job: Job | None = None) -> None:
        """Do with the message what the refused claim means for it."""
        if refusal.verdict is Verdict.DEAD and job and self._settle_published(job):
            self._backend.queue.acknowledge([message])
        elif refusal.verdict is Verdict.HELD:
            wait = max(0.0, (refusal.until or 0.0) - time.time())
            self._backend.queue.give_back(message, min(wait, self._pace.lease))
        elif refusal.verdict is Verdict.DEAD and refusal.reason is not None:
            self._backend.queue.dead_letter(message, refusal.reason)
        else:
            self._backend.queue.acknowledge([message])

    def _settle_published(self, job: Job) -> bool:
        """A task whose last worker died between the manifest and the ledger is done all the same."""
        try:
            lines = published(job.store, job.task)
        except DamagedManifestError:
            return False  # `vbvr status` names it; the task stays dead
        if lines is not None:
            self._backend.ledger.settle(job.task, outcome_of(lines))
        return lines is not None

    def _refuse(self, message: Message, reason: Reason) -> None:
        logger.warning("A message is refused: %s", reason)
        self._backend.queue.dead_letter(message, reason)

    def _fail(self, message: Message, claim: Claim, reason: Reason) -> None:
        task = claim.task
        logger.warning("%s %s, attempt %d: %s", task.generator, task.range_name, claim.attempt, reason)
        try:
            state = self._backend.ledger.fail(claim, reason)
        except ClaimLostError:
            self._backend.queue.give_back(message)
            return
        if state is not TaskState.DEAD:
            self._backend.queue.give_back(message, self._pace.backoff * 4 ** (claim.attempt - 1))
            return
        if task.dedup:
            _TaskPuzzles(self._backend.dedup, task).forget()
        if reason.code is FailureCode.POOL_EXHAUSTED:
            self._backend.ledger.exhaust_run(task.run)
        self._backend.queue.dead_letter(message, reason)

    def _give_up_claim(self, message: Message, claim: Claim) -> None:
        self._backend.ledger.release(claim)
        self._backend.queue.give_back(message)

    def _is_full(self, error: OSError) -> bool:
        """Whether the scratch disk is the reason; copying a folder tells of it without an errno."""
        return error.errno in FULL or has_no_space(self._workspace.folder)

    def _is_empty(self) -> bool:
        depth = self._backend.queue.depth()
        return not (depth.waiting or depth.in_flight or depth.delayed)


class _TaskPuzzles:
    """One task's view of the registry of duplicates."""

    def __init__(self, registry: DedupRegistry, task: Task) -> None:
        self._registry = registry
        self._task = task

    def register(self, hashes: list[tuple[int, str]]) -> list[bool]:
        task = self._task
        return self._registry.register(task.run.bucket, task.generator, task.run.run_id, hashes)

    def forget(self) -> None:
        task = self._task
        self._registry.release(
            task.run.bucket, task.generator, task.run.run_id, task.start_index, task.end_index
        )
