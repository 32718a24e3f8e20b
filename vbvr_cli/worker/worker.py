"""The loop around the queue: lease, claim, make, publish, complete, acknowledge."""

from __future__ import annotations

import errno
import logging
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial

from vbvr_cli.backends.ports import Backend, Message
from vbvr_cli.catalog.generator import Generator
from vbvr_cli.errors import ClaimLostError, ConfigurationError, DiskFullError, VbvrError
from vbvr_cli.manifest import DamagedManifestError, outcome_of
from vbvr_cli.models import Claim, FailureCode, Outcome, Reason, Refusal, Rounds, Task, TaskState, Verdict
from vbvr_cli.worker.admission import Admission, Job, RemovedRunError, parse_message, task_of
from vbvr_cli.worker.endings import Ending, Handled
from vbvr_cli.worker.failures import StoppedError, TaskFailedError
from vbvr_cli.worker.heartbeat import Heartbeat
from vbvr_cli.worker.making import Maker
from vbvr_cli.worker.pace import Pace
from vbvr_cli.worker.publish import publish, published
from vbvr_cli.worker.puzzles import TaskPuzzles
from vbvr_cli.worker.workspace import Workspace, disk_full, has_no_space

logger = logging.getLogger(__name__)


FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
LAST_WORDS_SECONDS = 2.0
NOT_HERE = frozenset(
    {
        FailureCode.UNKNOWN_BUCKET,
        FailureCode.UNKNOWN_GENERATOR,
        FailureCode.WRONG_COMMIT,
        FailureCode.WRONG_ENVIRONMENT,
    }
)
"""Reasons for which a task that the ledger knows cannot run here: it dies there too, not only its message."""


SPACE = "Redrive with a smaller --batch-size, or give the function more room."


class Worker:
    """Works on the queue of a back end, one task at a time.

    `may_stop`: it ends with an error where the machine lacks what every task needs; else the task fails.
    """

    def __init__(
        self,
        backend: Backend,
        find_generator: Callable[[str], Generator],
        workspace: Workspace,
        *,
        name: str,
        pace: Pace | None = None,
        stop: threading.Event | None = None,
        may_stop: bool = True,
    ) -> None:
        self._backend = backend
        self._admission = Admission(backend, find_generator)
        self._workspace = workspace
        self._name = name
        self._pace = pace or Pace()
        self._stop = stop or threading.Event()
        self._may_stop = may_stop

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

    def handle(self, message: Message) -> Handled:
        """Bring one message to its end: done and acknowledged, dead with its reason, or given back."""
        job = self._admit(message)
        if isinstance(job, Handled):
            return job
        claim = self._backend.ledger.claim(job.task, self._name, self._pace.lease_left())
        if isinstance(claim, Refusal):
            return self._follow(message, claim, job)
        return self._try(message, claim, job)

    def _try(self, message: Message, claim: Claim, job: Job) -> Handled:
        try:
            return self._attempt(message, claim, job)
        except StoppedError:
            self._give_up_claim(message, claim)
            return Handled(Ending.STOPPED)
        except ClaimLostError:
            logger.warning("%s: lost to another worker", job.task.range_name)
            self._backend.queue.give_back(message)  # the next delivery sees what became of the task
            return Handled(Ending.LOST)
        except (DiskFullError, ConfigurationError) as error:
            return self._lack(message, claim, error)
        except TaskFailedError as error:
            reason = error.reason
        except VbvrError as error:
            reason = Reason(FailureCode.STORE_FAILED, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it was, the task must not stay claimed
            if isinstance(error, OSError) and self._is_full(error):
                return self._lack(message, claim, disk_full(self._workspace.folder))
            reason = Reason(FailureCode.INTERNAL_ERROR, repr(error)[:500], traceback.format_exc()[-4096:])
        return self._fail(message, claim, reason)

    def _admit(self, message: Message) -> Job | Handled:
        """The message's job, or what became of a message that is none."""
        try:
            task = task_of(parse_message(message.body), self._backend.default_bucket)
        except TaskFailedError as error:
            return self._refuse(message, error.reason)
        try:
            return self._admission.admit(task)
        except RemovedRunError:
            logger.info("%s %s: its run was replaced by another", task.generator, task.range_name)
            self._backend.queue.acknowledge([message])
            return Handled(Ending.SETTLED)
        except TaskFailedError as error:
            if error.reason.code in NOT_HERE and self._backend.ledger.get_run(task.run):
                claim = self._backend.ledger.claim(task, self._name, self._pace.lease_left())
                if isinstance(claim, Claim):
                    return self._fail(message, claim, error.reason)
                return self._follow(message, claim)
            return self._refuse(message, error.reason)

    def _attempt(self, message: Message, claim: Claim, job: Job) -> Handled:
        started = time.monotonic()
        lines = published(job.store, job.task)
        if lines is not None:
            return self._finish(message, claim, outcome_of(lines))
        with (
            Heartbeat(
                self._backend.queue,
                self._backend.ledger,
                message,
                claim,
                lease_seconds=self._pace.lease_left,
                interval=self._pace.heartbeat,
            ) as heartbeat,
            self._workspace.folder_for(job.task.range_name) as folder,
        ):
            maker = Maker(
                job.task,
                job.generator,
                folder,
                distinct=TaskPuzzles(self._backend.dedup, job.task) if job.task.dedup else None,
                should_stop=lambda: self._stop.is_set() or heartbeat.lost.is_set(),
                on_progress=heartbeat.report,
            )
            made = maker.make(claim.rounds)
            # Without a record the task's own seed did at once; with dedup that has to be said, too.
            recorded = claim.rounds or (None if job.task.dedup else Rounds())
            if made.rounds != recorded:
                self._backend.ledger.record_rounds(claim, made.rounds)
            # Who was held up while making finds out here that the task is another's by now.
            self._backend.ledger.extend_claim(claim, self._pace.lease_left(), len(made.samples))
            timestamp = job.run.spec.provenance.timestamp
            lines = publish(
                job.store,
                job.task,
                made.samples,
                folder,
                timestamp,
                on_upload=partial(self._require_time, job.task),
            )
        outcome = outcome_of(lines)
        seconds = time.monotonic() - started
        return self._finish(
            message,
            claim,
            Outcome(outcome.num_samples, outcome.num_bytes, seconds, outcome.remade, made.duplicates),
        )

    def _require_time(self, task: Task) -> None:
        """Raise TaskFailedError when so little time is left that it takes all of it to say so."""
        if self._pace.deadline is not None and self._pace.deadline - time.monotonic() < LAST_WORDS_SECONDS:
            advice = f"; redrive with --batch-size {task.num_samples // 2}" if task.num_samples > 1 else ""
            detail = f"all {task.num_samples} samples were made, but not uploaded in time{advice}"
            raise TaskFailedError(FailureCode.OUT_OF_TIME, detail)

    def _finish(self, message: Message, claim: Claim, outcome: Outcome) -> Handled:
        self._backend.ledger.complete(claim, outcome)
        self._backend.queue.acknowledge([message])
        return Handled(Ending.DONE, outcome, attempt=claim.attempt)

    def _follow(self, message: Message, refusal: Refusal, job: Job | None = None) -> Handled:
        """Do with the message what the refused claim means for it."""
        if refusal.verdict is Verdict.HELD:
            wait = max(0.0, (refusal.until or 0.0) - time.time())
            self._backend.queue.give_back(message, min(wait, self._pace.lease))
            return Handled(Ending.HELD)
        dead = refusal.verdict is Verdict.DEAD and not (job and self._settle_published(job))
        if dead and refusal.reason is not None:
            self._backend.queue.dead_letter(message, refusal.reason)
            return Handled(Ending.DEAD, reason=refusal.reason)
        self._backend.queue.acknowledge([message])
        return Handled(Ending.SETTLED)

    def _settle_published(self, job: Job) -> bool:
        """A task whose last worker died between the manifest and the ledger is done all the same."""
        try:
            lines = published(job.store, job.task)
        except DamagedManifestError:
            return False  # `vbvr status` names it; the task stays dead
        if lines is not None:
            self._backend.ledger.settle(job.task, outcome_of(lines))
        return lines is not None

    def _refuse(self, message: Message, reason: Reason) -> Handled:
        logger.warning("A message is refused: %s", reason)
        self._backend.queue.dead_letter(message, reason)
        return Handled(Ending.REFUSED, reason=reason)

    def _fail(self, message: Message, claim: Claim, reason: Reason) -> Handled:
        task = claim.task
        logger.warning("%s %s, attempt %d: %s", task.generator, task.range_name, claim.attempt, reason)
        try:
            state = self._backend.ledger.fail(claim, reason)
        except ClaimLostError:
            self._backend.queue.give_back(message)
            return Handled(Ending.LOST)
        if state is not TaskState.DEAD:
            self._backend.queue.give_back(message, self._pace.backoff * 4 ** (claim.attempt - 1))
            return Handled(Ending.WAITING, reason=reason, attempt=claim.attempt)
        if task.dedup:
            TaskPuzzles(self._backend.dedup, task).forget()
        if reason.code is FailureCode.POOL_EXHAUSTED:
            self._backend.ledger.exhaust_run(task.run)
        self._backend.queue.dead_letter(message, reason)
        return Handled(Ending.DEAD, reason=reason, attempt=claim.attempt)

    def _lack(self, message: Message, claim: Claim, error: VbvrError) -> Handled:
        """What a machine lacks (room, rights, credentials) is no task's fault: it stops, others go on.

        A worker that may not stop gets its tasks all the same, and they must come to an end.
        """
        if not self._may_stop:
            hint = SPACE if isinstance(error, DiskFullError) else None
            detail = " ".join(part for part in (error.what, error.why, hint) if part)
            return self._fail(message, claim, Reason(FailureCode.STORE_FAILED, detail))
        try:
            self._give_up_claim(message, claim)
        except VbvrError as failure:
            logger.warning("%s could not be given back: %s", claim.task.range_name, failure)
        raise error

    def _give_up_claim(self, message: Message, claim: Claim) -> None:
        self._backend.ledger.release(claim)
        self._backend.queue.give_back(message)

    def _is_full(self, error: OSError) -> bool:
        """Whether the scratch disk is the reason; copying a folder tells of it without an errno."""
        return error.errno in FULL or has_no_space(self._workspace.folder)

    def _is_empty(self) -> bool:
        depth = self._backend.queue.depth()
        return not (depth.waiting or depth.in_flight or depth.delayed)
