"""Cuts messages into batches that SQS takes, sends them, and says of each whether it is in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vbvr_cli.backends.aws import calls
from vbvr_cli.backends.aws.letters import MOST_BYTES
from vbvr_cli.errors import VbvrError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

AT_ONCE = 10


def batches(bodies: Sequence[str]) -> Iterator[range]:
    """The positions of what goes together: up to ten messages, and 256 KB over all."""
    start = size = 0
    for position, body in enumerate(bodies):
        # A character is up to four bytes; only long bodies are worth encoding to know.
        length = len(body) * 4 if len(body) < 4096 else len(body.encode())
        if position > start and (position - start == AT_ONCE or size + length > MOST_BYTES):
            yield range(start, position)
            start, size = position, 0
        size += length
    if start < len(bodies):
        yield range(start, len(bodies))


def send_batch(
    client: SQSClient, url: str, bodies: Sequence[str], batch: range
) -> dict[int, str | VbvrError]:
    """Send one batch, what fails for a passing reason again; why each position failed that did in the end."""
    pending = list(batch)
    failed: dict[int, str | VbvrError] = {}
    why: dict[int, str] = {}
    for _ in calls.BACKOFF.rounds():
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(position), "MessageBody": bodies[position]} for position in pending
        ]
        try:
            answer = client.send_message_batch(QueueUrl=url, Entries=entries)
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
