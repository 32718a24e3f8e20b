"""A DynamoDB table: reads and writes of items as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vbvr_cli.backends.aws import attributes, calls
from vbvr_cli.backends.aws.attributes import Value
from vbvr_cli.backends.aws.clients import Clients

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

Key = Mapping[str, str]
Item = dict[str, Any]


class Table:
    """One table. What it reads is as of now, not eventually so, indexes aside."""

    def __init__(self, clients: Clients, name: str) -> None:
        self.name = name
        self._clients = clients

    def get(self, key: Key) -> Item | None:
        """One item."""
        answer = self._clients.dynamodb.get_item(
            TableName=self.name, Key=attributes.encode_all(key), ConsistentRead=True
        )
        return attributes.decode_all(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[Key]) -> dict[tuple[str, str], Item]:
        """Items by (pk, sk), those that exist, a hundred a request and several requests at once."""
        unique = list({(key["pk"], key["sk"]): key for key in keys}.values())
        pages = self._clients.at_once(
            lambda part: calls.batch_get(self._clients.dynamodb, self.name, part),
            parts(unique, calls.KEYS_A_READ),
        )
        return {(item["pk"], item["sk"]): item for page in pages for item in page}

    def query(
        self,
        condition: str,
        values: Mapping[str, Value],
        *,
        index: str | None = None,
        where: str | None = None,
        names: Mapping[str, str] | None = None,
        keys_only: bool = False,
    ) -> Iterator[list[Item]]:
        """The pages of what a key condition and, of that, a filter selects, in the order of sort keys."""
        parameters: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": attributes.encode_all(values),
        }
        if index:
            parameters["IndexName"] = index
        else:
            parameters["ConsistentRead"] = True
        if where:
            parameters["FilterExpression"] = where
        if names:
            parameters["ExpressionAttributeNames"] = names
        if keys_only:
            parameters["ProjectionExpression"] = "pk, sk"
        return calls.query(self._clients.dynamodb, **parameters)

    def write(self, writes: Sequence[TransactWriteItemTypeDef]) -> None:
        """Do all writes or none. Raises ContestedError for none."""
        calls.transact(self._clients.dynamodb, writes)

    def delete_partition(self, pk: str) -> None:
        """Delete all items of a partition key, a page at a time."""
        for page in self.query("pk = :pk", {":pk": pk}, keys_only=True):
            self.delete_many(page)

    def delete_many(self, keys: Sequence[Key]) -> None:
        """Delete items, whether they exist or not."""
        self._clients.at_once(
            lambda part: calls.batch_delete(self._clients.dynamodb, self.name, part),
            parts(keys, calls.WRITES_A_BATCH),
        )

    def put(
        self,
        item: Mapping[str, Value | None],
        condition: str | None = None,
        values: Mapping[str, Value] | None = None,
    ) -> TransactWriteItemTypeDef:
        """The write of a whole item. `values` are those that the condition names, each as `:name`."""
        put: Any = {"TableName": self.name, "Item": attributes.encode_all(item)}
        return {"Put": _with_condition(put, condition, values)}

    def update(
        self,
        key: Key,
        expression: str,
        condition: str | None = None,
        values: Mapping[str, Value] | None = None,
    ) -> TransactWriteItemTypeDef:
        """The write of some attributes. `values` are those that the expressions name, each as `:name`."""
        update: Any = {
            "TableName": self.name,
            "Key": attributes.encode_all(key),
            "UpdateExpression": expression,
        }
        return {"Update": _with_condition(update, condition, values)}

    def delete(
        self, key: Key, condition: str | None = None, values: Mapping[str, Value] | None = None
    ) -> TransactWriteItemTypeDef:
        """The deletion of an item."""
        delete: Any = {"TableName": self.name, "Key": attributes.encode_all(key)}
        return {"Delete": _with_condition(delete, condition, values)}


def parts(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Cut a sequence into parts of up to `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def _with_condition(write: Any, condition: str | None, values: Mapping[str, Value] | None) -> Any:
    if condition:
        write["ConditionExpression"] = condition
    if values:
        write["ExpressionAttributeValues"] = attributes.encode_all(
            {f":{name}": value for name, value in values.items()}
        )
    return write
