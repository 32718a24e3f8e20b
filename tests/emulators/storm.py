"""Weather on the wire: a part of all requests fails as AWS fails when it has too much to do."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable

from emulators.faulty_wire import Answer, Asked, fault

_FAULTS = {
    "sqs": [("RequestThrottled", 403), ("ThrottlingException", 400), ("InternalError", 500)],
    "s3": [("SlowDown", 503), ("InternalError", 500), ("ServiceUnavailable", 503)],
    "dynamodb": [
        ("ProvisionedThroughputExceededException", 400),
        ("ThrottlingException", 400),
        ("RequestLimitExceeded", 400),
        ("InternalServerError", 500),
    ],
}
_MOST_IN_A_ROW = 4  # fewer than the tries of every client


class Storm:
    """Fails `part` of the requests of every kind, seldom often in a row. `failed` counts them by operation.

    A batch call fails in parts, within an answer that says that all is well. A request to S3 or SQS may also
    be done without its answer coming back.
    """

    def __init__(self, part: float, seed: int) -> None:
        self.failed: Counter[str] = Counter()
        self._part = part
        self._chance = random.Random(seed)
        self._in_a_row: Counter[str] = Counter()

    def before(self, asked: Asked) -> Answer | None:
        """Fail some requests that never arrive."""
        if not self._strikes(asked, self._part):
            return None
        if asked.operation == "TransactWriteItems" and self._chance.random() < 0.5:
            return cancelled(asked, self._chance.choice(["ThrottlingError", "TransactionConflict"]))
        in_parts = _IN_PARTS.get(asked.operation)
        if in_parts and self._chance.random() < 0.5:
            return Answer.of(in_parts(asked))
        return fault(asked, *self._chance.choice(_FAULTS[asked.service]))

    def after(self, asked: Asked) -> Answer | None:
        """Lose some answers."""
        lost = asked.service in {"s3", "sqs"} and self._strikes(asked, self._part / 4)
        return fault(asked, "InternalError", 500) if lost else None

    def _strikes(self, asked: Asked, part: float) -> bool:
        key = f"{asked.operation} {asked.path}"
        if asked.service in _FAULTS and self._chance.random() < part and self._in_a_row[key] < _MOST_IN_A_ROW:
            self._in_a_row[key] += 1
            self.failed[asked.operation] += 1
            return True
        self._in_a_row[key] = 0
        return False


def _entries_failed(asked: Asked) -> dict[str, object]:
    failed = [
        {"Id": entry["Id"], "Code": "InternalError", "SenderFault": False, "Message": "says the test"}
        for entry in asked.json["Entries"]
    ]
    return {"Successful": [], "Failed": failed}


def _keys_unprocessed(asked: Asked) -> dict[str, object]:
    return {
        "Responses": dict.fromkeys(asked.json["RequestItems"], ()),
        "UnprocessedKeys": asked.json["RequestItems"],
    }


def _items_unprocessed(asked: Asked) -> dict[str, object]:
    return {"UnprocessedItems": asked.json["RequestItems"]}


_IN_PARTS: dict[str, Callable[[Asked], dict[str, object]]] = {
    "SendMessageBatch": _entries_failed,
    "DeleteMessageBatch": _entries_failed,
    "ChangeMessageVisibilityBatch": _entries_failed,
    "BatchGetItem": _keys_unprocessed,
    "BatchWriteItem": _items_unprocessed,
}


def cancelled(asked: Asked, code: str) -> Answer:
    """A transaction that was not done, for the same reason in each of its parts."""
    body = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled",
        "CancellationReasons": [{"Code": code, "Message": code} for _ in asked.json["TransactItems"]],
    }
    return Answer(400, json.dumps(body).encode(), {"Content-Type": "application/x-amz-json-1.0"})
