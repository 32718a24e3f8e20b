"""Looks into the queue, and empties it."""

from __future__ import annotations

from dataclasses import dataclass

from vbvr_cli.backends.ports import Backend, Message
from vbvr_cli.models import TaskState
from vbvr_cli.operations.submit import CHUNK, chunks

PEEK_LEASE_SECONDS = 30.0
SENT_ONCE = (TaskState.SENT, TaskState.WAITING, TaskState.CLAIMED)
"""States of a task that has a message in the queue."""


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


@dataclass(frozen=True, slots=True)
class Loss:
    """What a purge would delete. `by_hand`: messages of no run, which no submit sends again."""

    messages: int
    in_flight: int
    by_hand: int


def purge_loss(backend: Backend) -> Loss:
    """Count what a purge would delete, as exactly as the queue can."""
    depth = backend.queue.depth()
    messages = depth.waiting + depth.in_flight + depth.delayed
    known = sum(one.tasks.get(state, 0) for one in backend.ledger.progress() for state in SENT_ONCE)
    return Loss(messages, depth.in_flight, max(0, messages - known))


def purge(backend: Backend) -> int:
    """Delete every message that is not dead, and let the ledger know that its tasks are not sent.

    Tasks that a worker is at count as not sent too: their messages are gone, so if that worker fails,
    nobody else would get them. The worker stops at its next heartbeat.
    """
    deleted = backend.queue.purge()
    for run in backend.ledger.list_runs():
        lost = (record.task for record in backend.ledger.tasks(run.key, SENT_ONCE))
        for chunk in chunks(list(lost), CHUNK):
            backend.ledger.reopen(run.key, chunk)
    return deleted
