"""The local ledger: each method is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from vbvr_cli.backends import transitions
from vbvr_cli.backends.local import processes, run_table, tallies, task_table
from vbvr_cli.backends.local.database import Database
from vbvr_cli.backends.transitions import StoredTask
from vbvr_cli.errors import ClaimLostError
from vbvr_cli.models import (
    Claim,
    Outcome,
    Progress,
    Reason,
    Refusal,
    Rounds,
    Run,
    RunKey,
    RunSpec,
    Task,
    TaskRecord,
    TaskState,
)

SCHEMA = run_table.SCHEMA + task_table.SCHEMA + tallies.SCHEMA

_TASKS_AT_ONCE = 5_000  # tasks a transaction: others get their turn within some 50 ms


class LocalLedger:
    """A Ledger in a SQLite file.

    A claim also lapses when the process that made it no longer exists: after a crash nothing waits.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def create_run(self, key: RunKey, spec: RunSpec, num_samples: int) -> Run:
        """Reserve a run's range and record it; the same run again is returned as it stands."""
        end_index = spec.first_index + num_samples
        with self._database.write() as connection:
            run = run_table.get(connection, key)
            if run is None:
                run_table.require_free(connection, key.bucket, spec.generator, spec.first_index, end_index)
                run = Run(key, spec, ((spec.first_index, end_index),))
                run_table.put(connection, run)
            return run

    def extend_run(self, key: RunKey, end_index: int) -> Run:
        """Let a run's range end at `end_index`. Raises InvalidRequestError for an unknown run."""
        with self._database.write() as connection:
            run = run_table.require(connection, key)
            if end_index > run.end_index:
                run_table.require_free(connection, key.bucket, run.spec.generator, run.end_index, end_index)
                run = replace(run, extents=(*run.extents, (run.end_index, end_index)))
                run_table.put(connection, run)
            return run

    def restore_run(self, run: Run) -> None:
        """Record a run as it is described in a store."""
        with self._database.write() as connection:
            run_table.put(connection, run)

    def remove_run(self, key: RunKey) -> None:
        """Forget a run, its tasks and its range."""
        with self._database.write() as connection:
            run_table.remove(connection, key)

    def was_removed(self, key: RunKey) -> bool:
        """Whether a run that is not known was removed."""
        with self._database.read() as connection:
            return run_table.was_removed(connection, key)

    def get_run(self, key: RunKey) -> Run | None:
        """One run's record."""
        with self._database.read() as connection:
            return run_table.get(connection, key)

    def list_runs(self, bucket: str | None = None, generator: str | None = None) -> list[Run]:
        """Runs by bucket, generator and first index."""
        with self._database.read() as connection:
            return run_table.select(connection, bucket, generator)

    def cancel_run(self, key: RunKey) -> None:
        """Mark a run as cancelled."""
        with self._database.write() as connection:
            run_table.mark(connection, key, cancelled=True)

    def resume_run(self, key: RunKey) -> None:
        """Lift the marks `cancelled` and `exhausted`."""
        with self._database.write() as connection:
            run_table.mark(connection, key, cancelled=False, exhausted=False)

    def exhaust_run(self, key: RunKey) -> None:
        """Mark a run as exhausted."""
        with self._database.write() as connection:
            run_table.mark(connection, key, exhausted=True)

    def states(self, key: RunKey, tasks: Sequence[Task]) -> list[TaskState]:
        """The state of each task."""
        with self._database.read() as connection:
            run = run_table.marks(connection, key)
            if run is None:
                return [TaskState.PLANNED] * len(tasks)
            return task_table.states(connection, run.number, tasks)

    def confirm_sent(self, key: RunKey, tasks: Sequence[Task]) -> None:
        """Record that messages for these tasks are in the queue."""
        for chunk in _chunks(tasks):
            with self._database.write() as connection:
                run = run_table.ensure(connection, key, chunk[0].generator)
                task_table.add(connection, run.number, chunk, TaskState.SENT)

    def reopen(self, key: RunKey, tasks: Sequence[Task]) -> None:
        """Set tasks to `planned` with no attempts."""
        for chunk in _chunks(tasks):
            with self._database.write() as connection:
                run = run_table.ensure(connection, key, chunk[0].generator)
                task_table.reopen(connection, run.number, chunk)

    def claim(self, task: Task, worker: str, lease_seconds: float) -> Claim | Refusal:
        """Take a task and count the attempt, or say why not."""
        with self._database.write() as connection:
            now = self._clock()
            run = run_table.ensure(connection, task.run, task.generator)
            stored = task_table.find_or_add(connection, run.number, task)
            claimant = transitions.Claimant(worker, processes.identity(), now, now + lease_seconds)
            after, answer = transitions.claim(
                stored,
                claimant,
                held=_is_held(stored, now),
                cancelled=run.cancelled,
                exhausted=run.exhausted,
            )
            if after is not stored:
                task_table.save(connection, after)
            return answer

    def extend_claim(self, claim: Claim, lease_seconds: float, samples: int) -> None:
        """Let the lease end later; one that has lapsed is revived if nobody took the task since."""
        until = self._clock() + lease_seconds
        self._change(claim, lambda stored: transitions.progressed(stored, until, samples))

    def record_rounds(self, claim: Claim, rounds: Rounds) -> None:
        """Remember how the task's samples come about."""
        self._change(claim, lambda stored: transitions.with_rounds(stored, rounds))

    def complete(self, claim: Claim, outcome: Outcome) -> None:
        """The task is done."""
        now = self._clock()
        self._change(claim, lambda stored: transitions.done(stored, outcome, now))

    def fail(self, claim: Claim, reason: Reason) -> TaskState:
        """The attempt failed: `waiting` for the next one, or `dead`."""
        now = self._clock()
        return self._change(claim, lambda stored: transitions.failed(stored, reason, now)).record.state

    def release(self, claim: Claim) -> None:
        """Give a task back as if it had never been claimed."""
        with suppress(ClaimLostError):
            self._change(claim, transitions.released)

    def settle(self, task: Task, outcome: Outcome) -> None:
        """Record a task as done because its manifest exists; what is done or superseded stays so."""
        with self._database.write() as connection:
            run = run_table.ensure(connection, task.run, task.generator)
            stored = task_table.find_or_add(connection, run.number, task)
            if stored.record.state not in {TaskState.DONE, TaskState.SUPERSEDED}:
                task_table.save(connection, transitions.done(stored, outcome, self._clock()))

    def supersede(self, parent: Task, children: Sequence[Task]) -> tuple[Task, ...]:
        """Replace a task by others. Raises InvalidRequestError for one that is done or being worked on."""
        with self._database.write() as connection:
            run = run_table.ensure(connection, parent.run, parent.generator)
            stored = task_table.find_or_add(connection, run.number, parent)
            if stored.record.state is TaskState.SUPERSEDED:
                return stored.record.children
            transitions.require_replaceable(stored, held=_is_held(stored, self._clock()))
            task_table.add(connection, run.number, children, TaskState.PLANNED)
            task_table.save(connection, transitions.superseded(stored, children))
            return tuple(children)

    def get_task(self, task: Task) -> TaskRecord | None:
        """One task's record."""
        with self._database.read() as connection:
            run = run_table.marks(connection, task.run)
            stored = task_table.find(connection, run.number, task) if run else None
        return self._as_seen(stored) if stored else None

    def tasks(self, key: RunKey, states: Sequence[TaskState] | None = None) -> Iterator[TaskRecord]:
        """A run's tasks in the order of their indices, read in pages: none is locked while you look."""
        wanted = tuple(TaskState) if states is None else states
        last: Task | None = None
        while page := self._page(key, wanted, last):
            yield from map(self._as_seen, page)
            last = page[-1].record.task

    def progress(self, keys: Sequence[RunKey] | None = None) -> list[Progress]:
        """Counters of the given runs as far as they are known, or of all."""
        with self._database.read() as connection:
            if keys is None:
                found = run_table.select(connection, None, None)
            else:
                found = [run for key in keys if (run := run_table.get(connection, key))]
            return [tallies.progress(connection, run) for run in found]

    def _change(self, claim: Claim, change: Callable[[StoredTask], StoredTask]) -> StoredTask:
        """Change the task of a claim that still counts. Raises ClaimLostError for another."""
        with self._database.write() as connection:
            after = change(_claimed(connection, claim))
            task_table.save(connection, after)
            return after

    def _page(self, key: RunKey, states: Sequence[TaskState], after: Task | None) -> list[StoredTask]:
        with self._database.read() as connection:
            return task_table.page(connection, key, states, after)

    def _as_seen(self, stored: StoredTask) -> TaskRecord:
        """A task's record, in which the claim of a process that is gone has lapsed by now."""
        record, now = stored.record, self._clock()
        if record.state is TaskState.CLAIMED and not _is_held(stored, now):
            return replace(record, claimed_until=min(record.claimed_until or now, now))
        return record


def _claimed(connection: sqlite3.Connection, claim: Claim) -> StoredTask:
    """The task of a claim. Raises ClaimLostError if it is another's by now, or nobody's."""
    run = run_table.marks(connection, claim.task.run)
    stored = task_table.find(connection, run.number, claim.task) if run else None
    return transitions.require_claim(stored, claim)


def _is_held(stored: StoredTask, now: float) -> bool:
    """Whether somebody works on the task: its claim has not lapsed and its process is there."""
    record = stored.record
    return (
        record.state is TaskState.CLAIMED
        and record.claimed_until is not None
        and record.claimed_until > now
        and (stored.holder is None or processes.alive(stored.holder))
    )


def _chunks(tasks: Sequence[Task]) -> Iterator[Sequence[Task]]:
    return (tasks[start : start + _TASKS_AT_ONCE] for start in range(0, len(tasks), _TASKS_AT_ONCE))
