"""The queue as a function sees it that SQS's event source calls with messages."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from vbvr_cli.backends.aws.queue import SqsQueue
from vbvr_cli.backends.ports import Message
from vbvr_cli.errors import VbvrError

logger = logging.getLogger(__name__)


class RecordQueue(SqsQueue):
    """A TaskQueue whose messages the event source leased, and deletes unless they are reported as failed.

    So acknowledging is remembered and nothing else; giving back also says when the message shows again. A
    lease cannot be extended: it is the queue's visibility timeout, which outlasts the function's.
    """

    _acknowledged: set[str]

    def take(self, records: Iterable[dict[str, Any]]) -> list[Message]:
        """The messages of an invocation. Raises KeyError, TypeError, ValueError for what is no SQS record."""
        self._acknowledged = set()
        return [
            Message(
                id=record["messageId"],
                body=record["body"],
                receipt=record["receiptHandle"],
                receive_count=int(record["attributes"]["ApproximateReceiveCount"]),
            )
            for record in records
        ]

    def is_acknowledged(self, message: Message) -> bool:
        """Whether the message may be deleted."""
        return message.id in self._acknowledged

    def extend(self, message: Message, lease_seconds: float) -> bool:  # noqa: ARG002 - of the protocol
        """Nothing: the lease lasts as long as the function may run."""
        return True

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Let the event source delete messages."""
        self._acknowledged.update(message.id for message in messages)

    def give_back(self, message: Message, delay_seconds: float = 0.0) -> None:
        """Let the message show again after the delay; where SQS refuses, after the visibility timeout."""
        try:
            super().give_back(message, delay_seconds)
        except VbvrError as error:
            logger.warning("The message shows again only after its visibility timeout: %s", error)
