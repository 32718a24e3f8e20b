"""Blocks: which tasks are sent, sixty-four in one item, until somebody begins them.

A submit records a thousand tasks with some sixteen small writes in one request. Whoever is first to change a
task otherwise gives it an item of its own and, in the same transaction, moves its name in the block from
`sent` (or nowhere) to `own`. So a task is in one place only, and the counters can be kept with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vbvr_cli.backends.aws import calls, keys, ledger_counts
from vbvr_cli.backends.aws.clients import Clients
from vbvr_cli.backends.aws.table import Item, Key, Table, parts
from vbvr_cli.models import RunKey, Task, TaskState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

MOST_LOOKED_AT = 10_000
BLOCKS_A_TRANSACTION = 48  # of 100 writes and 4 MB at most; fewer are less often contested


@dataclass(frozen=True, slots=True)
class Block:
    """What is known of up to 64 tasks: the names of those sent, and of those with an item of their own."""

    version: int = 0
    sent: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()

    def state_of(self, name: str) -> TaskState | None:
        """A task's state; None where its own item says."""
        if name in self.own:
            return None
        return TaskState.SENT if name in self.sent else TaskState.PLANNED


def block_of(item: Item | None) -> Block:
    """A block from its item; an empty one where there is none."""
    if item is None:
        return Block()
    return Block(item["version"], frozenset(item.get("sent", ())), frozenset(item.get("own", ())))


class Blocks:
    """The blocks of runs."""

    def __init__(self, clients: Clients, table: Table) -> None:
        self._clients = clients
        self._table = table
        self._looked_at: dict[tuple[str, str], Block] = {}

    def states(self, tasks: Sequence[Task]) -> list[TaskState | None]:
        """The state of each task; None where its own item says."""
        blocks = self._read(tasks)
        if len(self._looked_at) > MOST_LOOKED_AT:
            self._looked_at.clear()
        self._looked_at.update(((keys.blocks_of(tasks[0].run), sk), block) for sk, block in blocks.items())
        return [blocks[keys.block(task)["sk"]].state_of(keys.task_name(task)) for task in tasks]

    def taking(self, task: Task, state: TaskState) -> TransactWriteItemTypeDef:
        """The write by which a task, in that state until now, gets an item of its own."""
        name = keys.task_name(task)
        if state is TaskState.SENT:
            expression, condition = "ADD own :one, version :more DELETE sent :one", "contains(sent, :name)"
        else:
            expression = "ADD own :one, version :more"
            condition = "NOT contains(sent, :name) AND NOT contains(own, :name)"
        values = {"one": {name}, "more": 1, "name": name, **_terms(task)}
        return self._table.update(keys.block(task), f"{expression} {_TERMS}", condition, values)

    def mark(self, key: RunKey, tasks: Sequence[Task], state: TaskState) -> list[Task]:
        """Set tasks to sent or planned; those that have items of their own are left alone and returned."""
        by_block: dict[str, list[Task]] = {}
        for task in tasks:
            by_block.setdefault(keys.block(task)["sk"], []).append(task)
        left = self._clients.at_once(
            lambda part: self._mark([task for block in part for task in block], key, state),
            parts(list(by_block.values()), BLOCKS_A_TRANSACTION),
        )
        return [task for some in left for task in some]

    def _mark(self, tasks: Sequence[Task], key: RunKey, state: TaskState) -> list[Task]:
        for number_of_try in calls.BACKOFF.rounds():
            # A submit has just looked: if something came between, the versions contest the write.
            looked_at = None if number_of_try else self._take_looked_at(key, tasks)
            blocks = looked_at or self._read(tasks)
            names: dict[str, set[str]] = {}
            left = []
            for task in tasks:
                sk, name = keys.block(task)["sk"], keys.task_name(task)
                found = blocks[sk].state_of(name)
                if found is None:
                    left.append(task)
                elif found is not state:
                    names.setdefault(sk, set()).add(name)
            if not names and looked_at:
                continue  # without a write nothing would be contested
            if not names:
                return left
            number = sum(map(len, names.values())) * (1 if state is TaskState.SENT else -1)
            terms = _terms(tasks[0])
            writes = [
                self._marking({"pk": keys.blocks_of(key), "sk": sk}, blocks[sk], names[sk], state, terms)
                for sk in sorted(names)
            ]
            try:
                self._table.write(
                    [*writes, *ledger_counts.write(self._table, key, ledger_counts.sent(number))]
                )
            except calls.ContestedError:
                continue
            return left
        raise calls.gave_up(f"Tasks of run {key.run_id} were not set to {state}", "workers began them")

    def _marking(
        self, place: Key, before: Block, names: set[str], state: TaskState, terms: dict[str, Any]
    ) -> TransactWriteItemTypeDef:
        verb = "ADD version :more" + (", sent :names" if state is TaskState.SENT else " DELETE sent :names")
        values = {"names": names, "more": 1, **terms}
        if before.version == 0:
            return self._table.update(place, f"{verb} {_TERMS}", "attribute_not_exists(pk)", values)
        values["version"] = before.version
        return self._table.update(place, f"{verb} {_TERMS}", "version = :version", values)

    def _take_looked_at(self, key: RunKey, tasks: Sequence[Task]) -> dict[str, Block] | None:
        """The blocks of tasks as `states` found them, once; None where it did not look at all of them."""
        wanted = {keys.block(task)["sk"] for task in tasks}
        found = {sk: self._looked_at.pop((keys.blocks_of(key), sk), None) for sk in wanted}
        known = {sk: block for sk, block in found.items() if block is not None}
        return known if len(known) == len(wanted) else None

    def _read(self, tasks: Sequence[Task]) -> dict[str, Block]:
        places = [keys.block(task) for task in tasks]
        items = self._table.get_many(places)
        return {place["sk"]: block_of(items.get((place["pk"], place["sk"]))) for place in places}


_TERMS = "SET generator = :generator, output_format = :output_format, dedup = :dedup"


def _terms(task: Task) -> dict[str, Any]:
    return {"generator": task.generator, "output_format": task.output_format, "dedup": task.dedup}
