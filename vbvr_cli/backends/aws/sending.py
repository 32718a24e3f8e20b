"""Cuts messages into batches that SQS takes, sends them, and says of each whether it is in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from vbvr_cli.backends.aws import calls
from vbvr_cli.backends.aws.letters import MOST_BYTES
from vbvr_cli.errors import ServiceError, VbvrError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

    from vbvr_cli.backends.aws.posting import Poster

AT_ONCE = 10
PATIENCE_SECONDS = 15.0


_OPERATION = "AmazonSQS.SendMessageBatch"


def batches(bodies: Sequence[str], positions: Iterable[int]) -> Iterator[list[int]]:
    """The positions of what goes together: up to ten messages, and 256 KB over all."""
    batch: list[int] = []
    size = 0
    for position in positions:
        body = bodies[position]
        # A character is up to four bytes; only long bodies are worth encoding to know.
        length = len(body) * 4 if len(body) < 4096 else len(body.encode())
        if batch and (len(batch) == AT_ONCE or size + length > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(position)
        size += length
    if batch:
        yield batch


def send_fast(poster: Poster, url: str, bodies: Sequence[str]) -> set[int]:
    """Send messages once, without a word of what fails: the positions of those that are in."""
    sent: list[list[int]] = []

    def requests() -> Iterator[bytes]:
        for batch in batches(bodies, range(len(bodies))):
            sent.append(batch)
            yield json.dumps({"QueueUrl": url, "Entries": _entries(bodies, batch)}).encode()

    answers = poster.post_all(_OPERATION, requests())
    return {
        position
        for batch, answer in zip(sent, answers, strict=True)
        if answer is not None
        for position in _taken(answer).intersection(batch)
    }


def _taken(answer: bytes) -> set[int]:
    """The positions that an answer says are in; none if it makes no sense."""
    try:
        return {int(entry["Id"]) for entry in json.loads(answer)["Successful"]}
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return set()


class Refused(str):
    """Why SQS will never take a message."""

    __slots__ = ()


class Patience:
    """How long the batches of one send bear that nothing goes well.

    botocore itself gives up after half a second where many requests fail at once.
    """

    def __init__(self) -> None:
        self._until = time.monotonic() + PATIENCE_SECONDS
        self._fault: ServiceError | None = None

    @property
    def lost(self) -> ServiceError | None:
        """The fault that has lasted too long; there is no use in asking again."""
        return self._fault if time.monotonic() > self._until else None

    def go_well(self) -> None:
        """Something was done."""
        self._until = time.monotonic() + PATIENCE_SECONDS
        self._fault = None

    def bear(self, fault: ServiceError) -> None:
        """The service failed, or could not be reached."""
        self._fault = fault


def send_batch(
    client: SQSClient, url: str, bodies: Sequence[str], batch: Sequence[int], patience: Patience
) -> dict[int, str | VbvrError]:
    """Send one batch, what fails for a passing reason again; why each position failed that did in the end."""
    pending = list(batch)
    failed: dict[int, str | VbvrError] = {}
    why: dict[int, str | VbvrError] = {}
    for _ in calls.BACKOFF.rounds():
        if lost := patience.lost:
            return failed | dict.fromkeys(pending, lost)
        try:
            answer = client.send_message_batch(QueueUrl=url, Entries=_entries(bodies, pending))
        except ServiceError as error:
            patience.bear(error)
            why = dict.fromkeys(pending, error)
            continue
        except VbvrError as error:
            return failed | dict.fromkeys(pending, error)
        patience.go_well()
        taken = {int(entry["Id"]) for entry in answer.get("Successful", [])}
        for entry in answer.get("Failed", []):
            position = int(entry["Id"])
            why[position] = f"{entry['Code']}: {entry.get('Message', '')}"
            if entry["SenderFault"]:
                failed[position] = Refused(why[position])
        pending = [position for position in pending if position not in taken and position not in failed]
        if not pending:
            return failed
    return failed | {position: why.get(position, "SQS did not answer for it") for position in pending}


def _entries(bodies: Sequence[str], batch: Sequence[int]) -> list[SendMessageBatchRequestEntryTypeDef]:
    return [{"Id": str(position), "MessageBody": bodies[position]} for position in batch]
