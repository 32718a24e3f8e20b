"""Cuts messages into batches that SQS takes, sends them, and says of each whether it is in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from vbvr_cli.backends.aws import calls
from vbvr_cli.backends.aws.letters import MOST_BYTES
from vbvr_cli.errors import VbvrError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

    from vbvr_cli.backends.aws.posting import Poster

AT_ONCE = 10


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
    requests = (
        json.dumps({"QueueUrl": url, "Entries": _entries(bodies, batch)}).encode()
        for batch in batches(bodies, range(len(bodies)))
    )
    taken: set[int] = set()
    for answer in poster.post_all(_OPERATION, requests):
        if answer is not None:
            with suppress(ValueError, KeyError, TypeError):
                taken.update(int(entry["Id"]) for entry in json.loads(answer)["Successful"])
    return taken


def send_batch(
    client: SQSClient, url: str, bodies: Sequence[str], batch: Sequence[int]
) -> dict[int, str | VbvrError]:
    """Send one batch, what fails for a passing reason again; why each position failed that did in the end."""
    pending = list(batch)
    failed: dict[int, str | VbvrError] = {}
    why: dict[int, str] = {}
    for _ in calls.BACKOFF.rounds():
        try:
            answer = client.send_message_batch(QueueUrl=url, Entries=_entries(bodies, pending))
        except VbvrError as error:
            return failed | dict.fromkeys(pending, error)
        taken = {int(entry["Id"]) for entry in answer.get("Successful", [])}
        for entry in answer.get("Failed", []):
            position = int(entry["Id"])
            why[position] = f"{entry['Code']}: {entry.get('Message', '')}"
            if entry["SenderFault"]:
                failed[position] = why[position]
        pending = [position for position in pending if position not in taken and position not in failed]
        if not pending:
            return failed
    return failed | {position: why.get(position, "SQS did not answer for it") for position in pending}


def _entries(bodies: Sequence[str], batch: Sequence[int]) -> list[SendMessageBatchRequestEntryTypeDef]:
    return [{"Id": str(position), "MessageBody": bodies[position]} for position in batch]
