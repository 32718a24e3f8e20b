"""The registry of duplicates on DynamoDB: who made a puzzle first.

| pk | sk | what it is |
| --- | --- | --- |
| `puzzle#BUCKET#GENERATOR#HASH` | `puzzle` | a puzzle with its owner: run and sample index |
| `owner#BUCKET#GENERATOR#RUN` | first index of a hundred | what that run has asked for, as `INDEX#HASH` |

The second kind is written first, so that whatever a run has can be found and released.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vbvr_cli.backends.aws import calls
from vbvr_cli.backends.aws.clients import Clients
from vbvr_cli.backends.aws.table import Table, parts

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_INDICES_A_LIST = 100
Owner = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Scope:
    """Within one bucket and generator."""

    bucket: str
    generator: str

    def puzzle(self, param_hash: str) -> dict[str, str]:
        return {"pk": f"puzzle#{self.bucket}#{self.generator}#{param_hash}", "sk": "puzzle"}

    def lists_of(self, run_id: str) -> str:
        return f"owner#{self.bucket}#{self.generator}#{run_id}"


class DynamoDedup:
    """A DedupRegistry in a DynamoDB table."""

    def __init__(self, clients: Clients, table: str) -> None:
        self._clients = clients
        self._table = Table(clients, table)

    def register(
        self, bucket: str, generator: str, run_id: str, hashes: Sequence[tuple[int, str]]
    ) -> list[bool]:
        """Register (sample index, param_hash) pairs in order; True where this owner has the puzzle."""
        scope = _Scope(bucket, generator)
        wanted: dict[str, Owner] = {}
        for index, param_hash in hashes:
            wanted.setdefault(param_hash, (run_id, index))
        self._list(scope, run_id, hashes)
        holders = self._settle(scope, wanted)
        return [holders[param_hash] == (run_id, index) for index, param_hash in hashes]

    def release(self, bucket: str, generator: str, run_id: str, start_index: int, end_index: int) -> None:
        """Forget what this run registered for a range of indices."""
        scope = _Scope(bucket, generator)
        pages = self._table.query(
            "pk = :pk AND sk BETWEEN :first AND :last",
            {
                ":pk": scope.lists_of(run_id),
                ":first": _list_name(start_index),
                ":last": _list_name(max(start_index, end_index - 1)),
            },
        )
        for page in pages:
            lists = {
                item["sk"]: [
                    name for name in item.get("owned", ()) if start_index <= _index_of(name) < end_index
                ]
                for item in page
            }
            self._clients.at_once(lambda one: self._forget(scope, run_id, *one), lists.items())

    def _list(self, scope: _Scope, run_id: str, hashes: Iterable[tuple[int, str]]) -> None:
        """Write down what a run asks for."""
        lists: dict[str, set[str]] = {}
        for index, param_hash in hashes:
            lists.setdefault(_list_name(index), set()).add(f"{index}#{param_hash}")
        for part in parts(sorted(lists.items()), calls.WRITES_A_TRANSACTION):
            self._write_to_the_end(
                [
                    self._table.update(
                        {"pk": scope.lists_of(run_id), "sk": name},
                        "ADD owned :names",
                        values={"names": names},
                    )
                    for name, names in part
                ]
            )

    def _settle(self, scope: _Scope, wanted: Mapping[str, Owner]) -> dict[str, Owner]:
        """Who holds each puzzle, after those that nobody held have been given to whom they are wanted for."""
        for _ in calls.BACKOFF.rounds():
            holders = self._holders(scope, wanted)
            free = [param_hash for param_hash in wanted if param_hash not in holders]
            try:
                self._clients.at_once(
                    lambda part: self._table.write(
                        [self._puzzle(scope, param_hash, wanted[param_hash]) for param_hash in part]
                    ),
                    parts(free, calls.WRITES_A_TRANSACTION),
                )
            except calls.ContestedError:
                continue
            return holders | {param_hash: wanted[param_hash] for param_hash in free}
        raise calls.gave_up("Puzzles were not registered", "others register the same ones")

    def _holders(self, scope: _Scope, wanted: Iterable[str]) -> dict[str, Owner]:
        items = self._table.get_many([scope.puzzle(param_hash) for param_hash in wanted])
        return {item["param_hash"]: (item["run_id"], item["sample_index"]) for item in items.values()}

    def _puzzle(self, scope: _Scope, param_hash: str, owner: Owner) -> TransactWriteItemTypeDef:
        run_id, index = owner
        place = scope.puzzle(param_hash)
        item: dict[str, str | int] = {
            **place,
            "param_hash": param_hash,
            "run_id": run_id,
            "sample_index": index,
        }
        return self._table.put(item, "attribute_not_exists(pk)")

    def _forget(self, scope: _Scope, run_id: str, first: str, owned: Sequence[str]) -> None:
        """Delete the puzzles of some names that are this run's, and then those names from its list."""
        for names in parts(owned, calls.WRITES_A_TRANSACTION - 1):
            for _ in calls.BACKOFF.rounds():
                try:
                    self._table.write(self._forgetting(scope, run_id, first, set(names)))
                except calls.ContestedError:
                    continue
                break
            else:
                raise calls.gave_up("Puzzles were not released", "others register the same ones")

    def _forgetting(
        self, scope: _Scope, run_id: str, first: str, names: set[str]
    ) -> list[TransactWriteItemTypeDef]:
        holders = self._holders(scope, {name.partition("#")[2] for name in names})
        deletes = [
            self._table.delete(
                scope.puzzle(param_hash),
                "run_id = :run_id AND sample_index = :index",
                {"run_id": run_id, "index": index},
            )
            for param_hash, (owner, index) in holders.items()
            if owner == run_id and f"{index}#{param_hash}" in names
        ]
        place = {"pk": scope.lists_of(run_id), "sk": first}
        return [*deletes, self._table.update(place, "DELETE owned :names", values={"names": names})]

    def _write_to_the_end(self, writes: Sequence[TransactWriteItemTypeDef]) -> None:
        for _ in calls.BACKOFF.rounds():
            try:
                self._table.write(writes)
            except calls.ContestedError:
                continue
            return
        raise calls.gave_up("Puzzles were not listed", "others write to the same list")


def _index_of(name: str) -> int:
    return int(name.partition("#")[0])


def _list_name(index: int) -> str:
    return f"{index // _INDICES_A_LIST * _INDICES_A_LIST:08d}"
