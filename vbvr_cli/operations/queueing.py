"""Looks into the queue, and empties it."""

from __future__ import annotations

from vbvr_cli.backends.ports import Backend, Message
from vbvr_cli.models import TaskState
from vbvr_cli.operations.submit import CHUNK, chunks

PEEK_LEASE_SECONDS = 30.0


def peek(backend: Backend, max_messages: int) -> list[Message]:
    """Receive messages and give them back: for a moment nobody else sees them, and each counts a receive."""
    messages: list[Message] = []
    try:
        while len(messages) < max_messages:
            more = backend.queue.lease(min(10, max_messages - len(messages)), PEEK_LEASE_SECONDS)
            if not more:
                break
            messages += more
    finally:
        for message in messages:
            backend.queue.give_back(message)
    return messages


def purge(backend: Backend) -> int:
    """Delete every message that is not dead, and let the ledger know that its tasks are not sent."""
    deleted = backend.queue.purge()
    for run in backend.ledger.list_runs():
        lost = (record.task for record in backend.ledger.tasks(run.key, [TaskState.SENT, TaskState.WAITING]))
        for chunk in chunks(list(lost), CHUNK):
            backend.ledger.reopen(run.key, chunk)
    return deleted
