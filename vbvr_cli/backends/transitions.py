"""What may become of a task, as pure functions: every change of state in any ledger is one of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from vbvr_cli.errors import ClaimLostError, InvalidRequestError
from vbvr_cli.models import (
    MAX_ATTEMPTS,
    Claim,
    FailureCode,
    Outcome,
    Reason,
    Refusal,
    Rounds,
    Task,
    TaskRecord,
    TaskState,
    Verdict,
)

_SETTLED = {
    TaskState.DONE: Verdict.DONE,
    TaskState.DEAD: Verdict.DEAD,
    TaskState.SUPERSEDED: Verdict.SUPERSEDED,
}


@dataclass(frozen=True, slots=True)
class StoredTask:
    """A task's record and what proves and bounds a claim: its fence and the process that holds it.

    `id` is the ledger's own way to the stored task. `holder` is none where processes are not watched.
    `made` counts the samples that a claim's worker last reported.
    """

    id: int
    record: TaskRecord
    fence: int
    holder: str | None
    made: int


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who asks for a task: a worker's name, its process, and the time that it asks for."""

    worker: str
    holder: str | None
    now: float
    until: float


def claim(
    stored: StoredTask, claimant: Claimant, *, held: bool, cancelled: bool, exhausted: bool
) -> tuple[StoredTask, Claim | Refusal]:
    """What becomes of a task that is asked for, and the answer.

    `held`: its claim has neither lapsed nor lost its process. `cancelled` and `exhausted` are its run's.
    """
    record = stored.record
    if record.state in _SETTLED:
        reason = record.reason if record.state is TaskState.DEAD else None
        return stored, Refusal(_SETTLED[record.state], reason=reason)
    if held:
        return stored, Refusal(Verdict.HELD, until=record.claimed_until)
    begun = record.state is TaskState.CLAIMED
    if begun:
        stored = _waiting(stored, _worker_died(record.worker))
    if cancelled:
        return _left(stored, TaskState.PLANNED), Refusal(Verdict.CANCELLED)
    if exhausted and not begun:
        return _refused_as_dead(stored, _POOL_EXHAUSTED, claimant.now)
    if stored.record.attempts >= MAX_ATTEMPTS:
        return _refused_as_dead(stored, stored.record.reason or _worker_died(record.worker), claimant.now)
    return _claimed(stored, claimant)


def require_claim(stored: StoredTask | None, claim: Claim) -> StoredTask:
    """The task of a claim. Raises ClaimLostError if it is another's by now, or nobody's."""
    if stored is None or stored.record.state is not TaskState.CLAIMED or stored.fence != claim.fence:
        raise ClaimLostError(
            f"{claim.task.generator} {claim.task.range_name} is no longer claimed by {claim.worker}.",
            why="The claim lapsed, or the task was settled or removed meanwhile.",
            hint="Nothing to do: whoever has the task now finishes it.",
        )
    return stored


def require_replaceable(stored: StoredTask, *, held: bool) -> None:
    """Raise InvalidRequestError for a task that is done or, being `held`, worked on."""
    record = stored.record
    if record.state is TaskState.DONE or held:
        raise InvalidRequestError(
            f"{record.task.generator} {record.task.range_name} cannot be split or reseeded: "
            f"it is {record.state}.",
            hint="Redrive it as it is.",
        )


def sent(stored: StoredTask) -> StoredTask:
    """A message for the task is in the queue; what is further on stays so."""
    if stored.record.state is not TaskState.PLANNED:
        return stored
    return replace(stored, record=replace(stored.record, state=TaskState.SENT))


def reopened(stored: StoredTask) -> StoredTask:
    """The task is to be made anew, from the rounds that are recorded."""
    record = TaskRecord(stored.record.task, TaskState.PLANNED, rounds=stored.record.rounds)
    return replace(stored, record=record, holder=None, made=0)


def progressed(stored: StoredTask, until: float, made: int) -> StoredTask:
    """The claim lasts longer; so many samples are made."""
    return replace(stored, record=replace(stored.record, claimed_until=until), made=made)


def with_rounds(stored: StoredTask, rounds: Rounds) -> StoredTask:
    """It is known how the task's samples come about."""
    return replace(stored, record=replace(stored.record, rounds=rounds))


def done(stored: StoredTask, outcome: Outcome, now: float) -> StoredTask:
    """The task's manifest exists."""
    return _left(stored, TaskState.DONE, outcome=outcome, reason=None, finished_at=now)


def failed(stored: StoredTask, reason: Reason, now: float) -> StoredTask:
    """The attempt failed: another one follows if that may help and there are attempts left."""
    if reason.code.passing and stored.record.attempts < MAX_ATTEMPTS:
        return _waiting(stored, reason)
    return _dead(stored, reason, now)


def released(stored: StoredTask) -> StoredTask:
    """The claim was as if it had never been."""
    earlier = stored.record.attempts - 1
    state = TaskState.WAITING if earlier else TaskState.SENT
    return _left(stored, state, attempts=earlier, worker=None)


def superseded(stored: StoredTask, children: Sequence[Task]) -> StoredTask:
    """Others cover the task's range."""
    return _left(stored, TaskState.SUPERSEDED, children=tuple(children))


_POOL_EXHAUSTED = Reason(
    FailureCode.POOL_EXHAUSTED,
    "The generator ran out of distinct puzzles in another task of this run; this one was not tried.",
)


def _worker_died(worker: str | None) -> Reason:
    return Reason(
        FailureCode.WORKER_DIED, f"Worker {worker} stopped without a word: it was killed, or lost its lease."
    )


def _claimed(stored: StoredTask, claimant: Claimant) -> tuple[StoredTask, Claim]:
    attempt, fence = stored.record.attempts + 1, stored.fence + 1
    record = replace(
        stored.record,
        state=TaskState.CLAIMED,
        attempts=attempt,
        worker=claimant.worker,
        claimed_until=claimant.until,
    )
    claimed = replace(stored, record=record, fence=fence, holder=claimant.holder)
    return claimed, Claim(record.task, claimant.worker, fence, attempt, record.rounds)


def _refused_as_dead(stored: StoredTask, reason: Reason, now: float) -> tuple[StoredTask, Refusal]:
    return _dead(stored, reason, now), Refusal(Verdict.DEAD, reason=reason)


def _waiting(stored: StoredTask, reason: Reason) -> StoredTask:
    return _left(stored, TaskState.WAITING, reason=reason)


def _dead(stored: StoredTask, reason: Reason, now: float) -> StoredTask:
    return _left(stored, TaskState.DEAD, reason=reason, finished_at=now)


def _left(stored: StoredTask, state: TaskState, **changes: Any) -> StoredTask:
    """The task in a state in which nobody holds it."""
    record = replace(stored.record, state=state, claimed_until=None, **changes)
    return replace(stored, record=record, holder=None, made=0)
