"""The tasks in the ledger on DynamoDB: every change is read, decided and written if nothing came between."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from vbvr_cli.backends.aws import calls, keys, ledger_counts
from vbvr_cli.backends.aws.clients import Clients
from vbvr_cli.backends.aws.ledger_blocks import Blocks, block_of
from vbvr_cli.backends.aws.ledger_items import fresh, item_of, stored_of, task_of
from vbvr_cli.backends.aws.ledger_runs import run_of
from vbvr_cli.backends.aws.schema import DEAD_TASKS
from vbvr_cli.backends.aws.table import Item, Table, parts
from vbvr_cli.backends.transitions import StoredTask
from vbvr_cli.models import Run, RunKey, Task, TaskRecord, TaskState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

Answer = TypeVar("Answer")
Decision = Callable[[StoredTask, Run | None], tuple[StoredTask, Answer]]
TASKS_A_TRANSACTION = 48


class Tasks:
    """The tasks of runs."""

    def __init__(self, clients: Clients, table: Table, blocks: Blocks) -> None:
        self._clients = clients
        self._table = table
        self._blocks = blocks

    def find(self, task: Task) -> tuple[StoredTask, Run | None]:
        """A task as it is kept or, if it has no item, as its block says; and its run's record."""
        places = [keys.task(task), keys.block(task), keys.run(task.run)]
        for _ in calls.BACKOFF.rounds():
            items = self._table.get_many(places)
            own, block, run = (items.get((place["pk"], place["sk"])) for place in places)
            known = run_of(run) if run else None
            if own is not None:
                return stored_of(own, task.run), known
            state = block_of(block).state_of(keys.task_name(task))
            if state is not None:
                return fresh(task, state), known
        raise calls.gave_up(f"{task.generator} {task.range_name} was not read", "others change it")

    def own(self, task: Task) -> StoredTask | None:
        """A task that has an item of its own."""
        item = self._table.get(keys.task(task))
        return stored_of(item, task.run) if item else None

    def own_many(self, tasks: Sequence[Task]) -> dict[Task, StoredTask]:
        """Those of the tasks that have items of their own."""
        items = self._table.get_many([keys.task(task) for task in tasks])
        found = ((task, items.get((keys.tasks_of(task.run), keys.task_name(task)))) for task in tasks)
        return {task: stored_of(item, task.run) for task, item in found if item}

    def change(
        self, read: Callable[[], tuple[StoredTask, Run | None]], decide: Decision[Answer]
    ) -> tuple[StoredTask, Answer]:
        """Read a task, decide what becomes of it and write that; again, if others were faster."""
        for _ in calls.BACKOFF.rounds():
            before, run = read()
            after, answer = decide(before, run)
            if after is before or self._written([(before, after)]):
                return after, answer
        task = before.record.task
        raise calls.gave_up(f"{task.generator} {task.range_name} was not changed", "others change it")

    def change_many(self, tasks: Sequence[Task], decide: Callable[[StoredTask], StoredTask]) -> None:
        """Change tasks that have items of their own, many at a time."""
        self._clients.at_once(lambda part: self._change_part(part, decide), parts(tasks, TASKS_A_TRANSACTION))

    def listing(self, key: RunKey, states: Sequence[TaskState]) -> Iterator[TaskRecord]:
        """A run's tasks in those states, in the order of their indices.

        A task may get an item of its own meanwhile. Blocks are read first, and then the items of those
        blocks' range: it is seen at least once, and given out once.
        """
        if tuple(states) == (TaskState.DEAD,):
            dead = self._items("dead = :pk", {":pk": keys.dead_tasks_of(key)}, index=DEAD_TASKS.name)
            yield from (stored_of(item, key).record for item in dead)
            return
        for records in self._stretches(key):
            yield from (record for record in records if record.state in states)

    def _change_part(self, tasks: Sequence[Task], decide: Callable[[StoredTask], StoredTask]) -> None:
        for _ in calls.BACKOFF.rounds():
            found = self.own_many(tasks).values()
            pairs = [(before, after) for before in found if (after := decide(before)) is not before]
            if not pairs or self._written(pairs):
                return
        raise calls.gave_up(f"{len(tasks)} tasks were not changed", "others change them")

    def _stretches(self, key: RunKey) -> Iterator[list[TaskRecord]]:
        """A run's tasks, stretch by stretch: no later block begins before the end of a stretch."""
        sent: list[tuple[str, TaskRecord]] = []
        begin = ""
        for page in self._table.query("pk = :pk", {":pk": keys.blocks_of(key)}):
            for block in page:
                for name in block.get("sent", ()):
                    heapq.heappush(sent, (name, TaskRecord(task_of(name, key, block), TaskState.SENT)))
            if page:
                end = page[-1]["sk"][:8]
                yield from self._stretch(key, begin, end, sent)
                begin = end
        yield from self._stretch(key, begin, "~", sent)

    def _stretch(
        self, key: RunKey, begin: str, end: str, sent: list[tuple[str, TaskRecord]]
    ) -> Iterator[list[TaskRecord]]:
        """The tasks whose names are from `begin` up to but not `end`: those sent, and those with items."""
        own = self._items(
            "pk = :pk AND sk BETWEEN :begin AND :end",
            {":pk": keys.tasks_of(key), ":begin": begin or "0", ":end": end},
        )
        for item in own:
            yield [record for name, record in _up_to(sent, item["sk"]) if name != item["sk"]]
            yield [stored_of(item, key).record]
        yield [record for _, record in _up_to(sent, end)]

    def _items(self, condition: str, values: dict[str, str], index: str | None = None) -> Iterator[Item]:
        for page in self._table.query(condition, values, index=index):
            yield from page

    def _written(self, pairs: Sequence[tuple[StoredTask, StoredTask]]) -> bool:
        """Write tasks of one run as they became, with the counters; False if others were faster."""
        writes = [write for before, after in pairs for write in self._writes(before, after)]
        change = ledger_counts.total(ledger_counts.change_of(before, after) for before, after in pairs)
        key = pairs[0][0].record.task.run
        try:
            self._table.write([*writes, *ledger_counts.write(self._table, key, change)])
        except calls.ContestedError:
            return False
        return True

    def _writes(self, before: StoredTask, after: StoredTask) -> list[TransactWriteItemTypeDef]:
        item = item_of(after)
        if before.id:
            return [self._table.put(item, "version = :before", {"before": before.id})]
        return [
            self._table.put(item, "attribute_not_exists(pk)"),
            self._blocks.taking(before.record.task, before.record.state),
        ]


def _up_to(sent: list[tuple[str, TaskRecord]], name: str) -> Iterator[tuple[str, TaskRecord]]:
    """Take those from the heap whose names come no later."""
    while sent and sent[0][0] <= name:
        yield heapq.heappop(sent)
