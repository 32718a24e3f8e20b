"""Deletes and shows many messages at once, reading every answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vbvr_cli.backends.aws import calls
from vbvr_cli.backends.aws.clients import Clients
from vbvr_cli.backends.aws.sending import AT_ONCE

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import BatchResultErrorEntryTypeDef


def delete_all(clients: Clients, url: str, receipts: Sequence[str]) -> None:
    """Delete messages. A receipt that no longer counts is no error; raises ServiceError for all others."""

    def delete(batch: Sequence[str]) -> None:
        _each(batch, lambda entries: clients.sqs.delete_message_batch(QueueUrl=url, Entries=entries))

    clients.at_once(delete, _batches(receipts))


def show_all(clients: Clients, url: str, receipts: Sequence[str]) -> None:
    """Let messages show at once. A receipt that no longer counts is no error."""

    def show(batch: Sequence[str]) -> None:
        _each(
            batch,
            lambda entries: clients.sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries),
            VisibilityTimeout=0,
        )

    clients.at_once(show, _batches(receipts))


def _each(receipts: Sequence[str], call: Callable[[list[Any]], Any], **more: Any) -> None:
    """Call for up to ten receipts, and again for those that failed for a passing reason."""
    pending = dict(enumerate(receipts))
    failed: list[BatchResultErrorEntryTypeDef] = []
    for _ in calls.BACKOFF.rounds():
        entries = [{"Id": str(n), "ReceiptHandle": receipt, **more} for n, receipt in pending.items()]
        answer = call(entries)
        failed = answer.get("Failed", [])
        pending = {n: pending[n] for n in (int(one["Id"]) for one in failed if not one["SenderFault"])}
        if not pending:
            return
    raise calls.gave_up(f"{len(pending)} messages of the queue were not changed", str(failed[0].get("Code")))


def _batches(receipts: Sequence[str]) -> list[Sequence[str]]:
    return [receipts[start : start + AT_ONCE] for start in range(0, len(receipts), AT_ONCE)]
