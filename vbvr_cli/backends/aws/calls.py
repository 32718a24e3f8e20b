"""Calls that come back in parts: every answer is read, and what was not done is sent again."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from vbvr_cli.backends.aws import attributes, faults
from vbvr_cli.backends.aws.codes import means_other_schema
from vbvr_cli.backends.aws.schema import other_schema
from vbvr_cli.errors import ServiceError, VbvrError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef, WriteRequestTypeDef

KEYS_A_READ = 100
WRITES_A_BATCH = 25
WRITES_A_TRANSACTION = 100

_CONTESTED = frozenset({"ConditionalCheckFailed", "TransactionConflict", "DuplicateItem"})
_PASSING = frozenset({"ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"})


@dataclass(frozen=True, slots=True)
class Backoff:
    """How to try again: `tries` in all, up to `first` seconds after the first, twice as long each time."""

    tries: int = 12
    first: float = 0.05
    most: float = 5.0

    def rounds(self) -> Iterator[int]:
        """Count the tries, waiting before each but the first for a random part of its pause."""
        for number in range(self.tries):
            if number:
                time.sleep(random.uniform(0, min(self.most, self.first * 2 ** (number - 1))))  # noqa: S311
            yield number


BACKOFF = Backoff()


def gave_up(what: str, why: str) -> ServiceError:
    """Something was tried to the end."""
    return ServiceError(
        f"{what}: AWS did not do it in {BACKOFF.tries} tries.",
        why=why,
        hint="Run the same command again in a minute: what was done is kept.",
    )


class ContestedError(Exception):
    """A transaction was not done: a condition did not hold, or others write the same items. Read anew."""


def batch_get(client: DynamoDBClient, table: str, keys: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Those items, of up to 100 different keys, that exist; as of now."""
    pending: Any = [attributes.encode_all(key) for key in keys]
    found: list[dict[str, Any]] = []
    for _ in BACKOFF.rounds():
        if not pending:
            return found
        answer = client.batch_get_item(RequestItems={table: {"Keys": pending, "ConsistentRead": True}})
        found += [attributes.decode_all(item) for item in answer["Responses"].get(table, [])]
        left = answer["UnprocessedKeys"]
        pending = left[table]["Keys"] if table in left else []
    if not pending:
        return found
    raise gave_up(f"{len(pending)} items of table {table} were not read", "UnprocessedKeys")


def batch_delete(client: DynamoDBClient, table: str, keys: Sequence[Mapping[str, str]]) -> None:
    """Delete up to 25 items, unconditionally."""
    pending: Any = [{"DeleteRequest": {"Key": attributes.encode_all(key)}} for key in keys]
    for _ in BACKOFF.rounds():
        if not pending:
            return
        requests: list[WriteRequestTypeDef] = pending
        pending = client.batch_write_item(RequestItems={table: requests})["UnprocessedItems"].get(table, [])
    if pending:
        raise gave_up(f"{len(pending)} items of table {table} were not deleted", "UnprocessedItems")


def query(client: DynamoDBClient, **parameters: Any) -> Iterator[list[dict[str, Any]]]:
    """The pages of a query."""
    while True:
        answer = client.query(**parameters)
        yield [attributes.decode_all(item) for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            return
        parameters["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def transact(client: DynamoDBClient, writes: Sequence[TransactWriteItemTypeDef]) -> None:
    """Do up to 100 writes together or not at all. Raises ContestedError for the latter.

    botocore gives each call a token of its own: what it sends again after a lost answer is done once.
    """
    for _ in BACKOFF.rounds():
        try:
            client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            reasons = error.response.get("CancellationReasons", [])
            codes = {*(reason.get("Code") for reason in reasons), faults.code_of(error)}
            if codes & _CONTESTED:
                raise ContestedError from error
            if not codes & (_PASSING | {"TransactionInProgressException"}):
                said = [reason["Message"] for reason in reasons if reason.get("Message")]
                raise _refused(writes, said[0] if said else str(error)) from error
            continue
        return
    raise gave_up("A change in DynamoDB was not made", "it was throttled to the end")


def _refused(writes: Sequence[TransactWriteItemTypeDef], why: str) -> VbvrError:
    """A transaction that nobody contested, and that AWS would refuse again."""
    changes: Any = [change for write in writes for change in write.values()]
    table = changes[0]["TableName"]
    if means_other_schema(why):
        return other_schema(table, why)
    return ServiceError(
        f"AWS refused TransactWriteItems on table {table}.",
        why=why,
        hint="Mend what AWS names, and run the same command again: what was done is kept.",
    )
