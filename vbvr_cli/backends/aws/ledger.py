"""The ledger on DynamoDB: one table, in which every change is a transaction with its counters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from vbvr_cli.backends import transitions
from vbvr_cli.backends.aws import keys, ledger_counts
from vbvr_cli.backends.aws.clients import Clients
from vbvr_cli.backends.aws.ledger_blocks import Blocks
from vbvr_cli.backends.aws.ledger_runs import Runs
from vbvr_cli.backends.aws.ledger_tasks import Tasks
from vbvr_cli.backends.aws.table import Table
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


class DynamoLedger:
    """A Ledger in a DynamoDB table. A claim lapses by its time alone; `clock` gives it."""

    def __init__(self, clients: Clients, table: str, clock: Callable[[], float]) -> None:
        self._clients = clients
        self._table = Table(clients, table)
        self._clock = clock
        self._runs = Runs(self._table)
        self._blocks = Blocks(clients, self._table)
        self._tasks = Tasks(clients, self._table, self._blocks)

    def create_run(self, key: RunKey, spec: RunSpec, num_samples: int) -> Run:
        """Reserve a run's range and record it; the same run again is returned as it stands."""
        return self._runs.create(key, spec, num_samples)

    def extend_run(self, key: RunKey, end_index: int) -> Run:
        """Let a run's range end at `end_index`. Raises InvalidRequestError for an unknown run."""
        return self._runs.extend(key, end_index)

    def restore_run(self, run: Run) -> None:
        """Record a run as it is described in a store."""
        self._runs.restore(run)

    def remove_run(self, key: RunKey) -> None:
        """Forget a run, its tasks and its range; the record goes last, so that this can be done again."""
        self._table.delete_partition(keys.blocks_of(key))
        self._table.delete_partition(keys.tasks_of(key))
        self._table.delete_many(keys.counts(key))
        self._runs.remove(key)

    def was_removed(self, key: RunKey) -> bool:
        """Whether a run that is not known was removed."""
        return self._runs.was_removed(key)

    def get_run(self, key: RunKey) -> Run | None:
        """One run's record."""
        return self._runs.get(key)

    def list_runs(self, bucket: str | None = None, generator: str | None = None) -> list[Run]:
        """Runs by bucket, generator and first index."""
        return self._runs.select(bucket, generator)

    def cancel_run(self, key: RunKey) -> None:
        """Mark a run as cancelled."""
        self._runs.mark(key, cancelled=True)

    def resume_run(self, key: RunKey) -> None:
        """Lift the marks `cancelled` and `exhausted`."""
        self._runs.mark(key, cancelled=False, exhausted=False)

    def exhaust_run(self, key: RunKey) -> None:
        """Mark a run as exhausted."""
        self._runs.mark(key, exhausted=True)

    def states(self, key: RunKey, tasks: Sequence[Task]) -> list[TaskState]:  # noqa: ARG002 - tasks name it
        """The state of each task: one request for some six thousand that nobody has begun."""
        found = self._blocks.states(tasks)
        own = self._tasks.own_many([task for task, state in zip(tasks, found, strict=True) if state is None])
        return [
            state or (own[task].record.state if task in own else TaskState.PLANNED)
            for task, state in zip(tasks, found, strict=True)
        ]

    def confirm_sent(self, key: RunKey, tasks: Sequence[Task]) -> None:
        """Record that messages for these tasks are in the queue."""
        self._tasks.change_many(self._blocks.mark(key, tasks, TaskState.SENT), transitions.sent)

    def reopen(self, key: RunKey, tasks: Sequence[Task]) -> None:
        """Set tasks to `planned` with no attempts."""
        self._tasks.change_many(self._blocks.mark(key, tasks, TaskState.PLANNED), transitions.reopened)

    def claim(self, task: Task, worker: str, lease_seconds: float) -> Claim | Refusal:
        """Take a task and count the attempt, or say why not."""
        now = self._clock()
        claimant = transitions.Claimant(worker, None, now, now + lease_seconds)

        def decide(stored: StoredTask, run: Run | None) -> tuple[StoredTask, Claim | Refusal]:
            return transitions.claim(
                stored,
                claimant,
                held=self._is_held(stored),
                cancelled=run is not None and run.cancelled,
                exhausted=run is not None and run.exhausted,
            )

        return self._tasks.change(lambda: self._tasks.find(task), decide)[1]

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

        def decide(stored: StoredTask, _run: Run | None) -> tuple[StoredTask, None]:
            if stored.record.state in {TaskState.DONE, TaskState.SUPERSEDED}:
                return stored, None
            return transitions.done(stored, outcome, self._clock()), None

        self._tasks.change(lambda: self._tasks.find(task), decide)

    def supersede(self, parent: Task, children: Sequence[Task]) -> tuple[Task, ...]:
        """Replace a task by others; whoever does it again also adds those that are missing of them."""

        def decide(stored: StoredTask, _run: Run | None) -> tuple[StoredTask, tuple[Task, ...]]:
            if stored.record.state is TaskState.SUPERSEDED:
                return stored, stored.record.children
            transitions.require_replaceable(stored, held=self._is_held(stored))
            return transitions.superseded(stored, children), tuple(children)

        _, found = self._tasks.change(lambda: self._tasks.find(parent), decide)
        self._clients.at_once(self._add, found)
        return found

    def get_task(self, task: Task) -> TaskRecord | None:
        """One task's record."""
        stored, _ = self._tasks.find(task)
        seen = stored.id or stored.record.state is not TaskState.PLANNED
        return stored.record if seen else None

    def tasks(self, key: RunKey, states: Sequence[TaskState] | None = None) -> Iterator[TaskRecord]:
        """A run's tasks in the order of their indices, read in pages."""
        return self._tasks.listing(key, tuple(TaskState) if states is None else states)

    def progress(self, keys_wanted: Sequence[RunKey] | None = None) -> list[Progress]:
        """Counters of the given runs as far as they are known, or of all: six runs a request."""
        if keys_wanted is None:
            runs = self._runs.select(None, None)
        else:
            runs = self._runs.get_many(list(keys_wanted))
        shards = self._table.get_many([shard for run in runs for shard in keys.counts(run.key)])
        return [
            ledger_counts.progress(
                run, (shards.get((one["pk"], one["sk"]), {}) for one in keys.counts(run.key))
            )
            for run in runs
        ]

    def _change(self, claim: Claim, change: Callable[[StoredTask], StoredTask]) -> StoredTask:
        """Change the task of a claim that still counts. Raises ClaimLostError for another."""

        def read() -> tuple[StoredTask, None]:
            return transitions.require_claim(self._tasks.own(claim.task), claim), None

        return self._tasks.change(read, lambda stored, _run: (change(stored), None))[0]

    def _add(self, task: Task) -> None:
        """Give a task that nobody has seen an item of its own, as planned."""

        def decide(stored: StoredTask, _run: Run | None) -> tuple[StoredTask, None]:
            unseen = not stored.id and stored.record.state is TaskState.PLANNED
            return (replace(stored) if unseen else stored), None

        self._tasks.change(lambda: self._tasks.find(task), decide)

    def _is_held(self, stored: StoredTask) -> bool:
        """Whether somebody works on the task: its claim has not lapsed."""
        record = stored.record
        return (
            record.state is TaskState.CLAIMED
            and record.claimed_until is not None
            and record.claimed_until > self._clock()
        )
