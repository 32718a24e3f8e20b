"""The task queue on SQS, and its dead letters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from vbvr_cli.backends.aws import faults
from vbvr_cli.backends.aws.clients import Clients
from vbvr_cli.backends.aws.leases import Leases
from vbvr_cli.backends.aws.letters import attributes_of, letter_of
from vbvr_cli.backends.aws.receipts import delete_all, show_all
from vbvr_cli.backends.aws.sending import AT_ONCE, Patience, Refused, batches, send_batch, send_fast
from vbvr_cli.backends.ports import DeadLetter, Depth, Message, SendReport
from vbvr_cli.errors import ServiceError, VbvrError
from vbvr_cli.models import Reason

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

MOST_SECONDS = 43_200  # SQS hides no message for longer than 12 hours
DEAD_WAIT_SECONDS = 1
"""A receive that waits asks all of SQS's servers, and finds what is there; one that does not asks a few."""
_NOT_OURS = frozenset({"ReceiptHandleIsInvalid", "MessageNotInflight", "InvalidParameterValue"})


class SqsQueue:
    """A TaskQueue on SQS. Depths are approximate, order is none, and a lease may find less than there is.

    A receipt can outlive its lease on SQS; here one whose lease has ended by `clock` counts as another's.
    """

    def __init__(self, clients: Clients, url: str, dlq_url: str, clock: Callable[[], float]) -> None:
        self._clients = clients
        self._url = url
        self._dlq_url = dlq_url
        self._leases = Leases(clock)
        self._dead_leases = Leases(clock)
        self._carriers: dict[str, str] = {}

    def send(self, bodies: Sequence[str]) -> SendReport:
        """Put messages into the queue, in batches at once.

        Raises what is wrong where no message at all could be sent; otherwise all that failed is reported.
        """
        client, poster = self._clients.sqs, self._clients.sqs_poster
        taken = send_fast(poster, self._url, bodies) if poster and len(bodies) > 1 else set()
        left = (position for position in range(len(bodies)) if position not in taken)
        patience = Patience()
        parts = self._clients.at_once(
            lambda batch: send_batch(client, self._url, bodies, batch, patience), batches(bodies, left)
        )
        failed = {position: why for part in parts for position, why in part.items()}
        faults_met = [why for why in failed.values() if isinstance(why, VbvrError)]
        refused = any(isinstance(why, Refused) for why in failed.values())
        if faults_met and len(failed) == len(bodies):
            raise faults_met[0]
        return SendReport(
            sent=len(bodies) - len(failed),
            failed={position: str(failed[position]) for position in sorted(failed)},
            fault=faults_met[0] if faults_met else None,
            for_good=refused,
        )

    def lease(self, max_messages: int, lease_seconds: float) -> list[Message]:
        """Take messages; fewer than there are may be found."""
        received = self._receive(self._url, max_messages, lease_seconds, self._leases)
        return [
            Message(
                id=one["MessageId"],
                body=one["Body"],
                receipt=one["ReceiptHandle"],
                receive_count=int(one["Attributes"]["ApproximateReceiveCount"]),
            )
            for one in received
        ]

    def extend(self, message: Message, lease_seconds: float) -> bool:
        """Let the lease end `lease_seconds` from now, at most 12 hours after it began."""
        if not self._leases.holds(message.receipt):
            return False
        shown = self._show(message.receipt, lease_seconds)
        if shown:
            self._leases.add(message.receipt, lease_seconds)
        return shown

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Delete messages for good."""
        receipts = [message.receipt for message in messages if self._leases.holds(message.receipt)]
        delete_all(self._clients, self._url, receipts)
        self._leases.forget(receipts)

    def give_back(self, message: Message, delay_seconds: float = 0.0) -> None:
        """End the lease: the message can be leased again after the delay, of at most 12 hours."""
        if self._leases.holds(message.receipt):
            self._show(message.receipt, delay_seconds)
            self._leases.forget([message.receipt])

    def dead_letter(self, message: Message, reason: Reason) -> None:
        """Send a copy with the reason to the dead letters, then delete the message.

        Who is killed in between leaves both; the next delivery makes another copy; `lease_dead` keeps one.
        """
        if not self.extend(message, 60):
            return
        self._clients.sqs.send_message(
            QueueUrl=self._dlq_url,
            MessageBody=message.body,
            MessageAttributes=attributes_of(message, reason),
        )
        self.acknowledge([message])

    def depth(self) -> Depth:
        """Count the messages, as far as SQS knows."""
        (waiting, in_flight, delayed), dead = self._clients.at_once(self._count, [self._url, self._dlq_url])
        return Depth(waiting, in_flight, delayed, sum(dead))

    def lease_dead(self, max_messages: int, lease_seconds: float) -> list[DeadLetter]:
        """Take dead letters. Further copies of one that this queue has given out are deleted."""
        letters: list[DeadLetter] = []
        while len(letters) < max_messages:
            received = self._receive(
                self._dlq_url,
                max_messages - len(letters),
                lease_seconds,
                self._dead_leases,
                DEAD_WAIT_SECONDS,
            )
            copies = []
            for one in received:
                letter = letter_of(one)
                if self._carriers.setdefault(letter.id, one["MessageId"]) == one["MessageId"]:
                    letters.append(letter)
                else:
                    copies.append(letter)
            self.delete_dead(copies)
            if not copies:
                break
        return letters

    def peek_dead(self) -> Iterator[DeadLetter] | None:
        """SQS cannot be looked into."""
        return None

    def delete_dead(self, letters: Sequence[DeadLetter]) -> None:
        """Delete dead letters for good."""
        receipts = [letter.receipt for letter in letters if self._dead_leases.holds(letter.receipt)]
        delete_all(self._clients, self._dlq_url, receipts)
        self._dead_leases.forget(receipts)

    def give_back_dead(self, letters: Sequence[DeadLetter]) -> None:
        """End the leases: the dead letters can be leased again at once."""
        receipts = [letter.receipt for letter in letters if self._dead_leases.holds(letter.receipt)]
        show_all(self._clients, self._dlq_url, receipts)
        self._dead_leases.forget(receipts)

    def purge(self) -> int:
        """Delete all messages that are not dead; about how many there were."""
        count = sum(self._count(self._url))
        try:
            self._clients.sqs.purge_queue(QueueUrl=self._url)
        except ClientError as error:
            raise ServiceError(
                "The queue was purged less than 60 seconds ago.",
                why=faults.code_of(error),
                hint="SQS allows one purge a minute: wait and run the same command again.",
            ) from error
        return count

    def _receive(
        self, url: str, max_messages: int, lease_seconds: float, leases: Leases, wait_seconds: int = 0
    ) -> list[MessageTypeDef]:
        """Receive until there are enough or nothing more is found; wait for the first ones only."""
        received: list[MessageTypeDef] = []
        seconds = _whole(lease_seconds)
        while len(received) < max_messages:
            try:
                wanted = max_messages - len(received)
                more = self._receive_batch(url, wanted, seconds, 0 if received else wait_seconds)
            except VbvrError:
                if not received:
                    raise
                break  # what is leased already must not be lost sight of
            if not more:
                break
            for one in more:
                leases.add(one["ReceiptHandle"], seconds)
            received += more
        return received

    def _receive_batch(
        self, url: str, max_messages: int, seconds: int, wait_seconds: int
    ) -> list[MessageTypeDef]:
        return self._clients.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(AT_ONCE, max_messages),
            VisibilityTimeout=seconds,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])

    def _show(self, receipt: str, seconds: float) -> bool:
        """Let a message show after so many seconds; False for one whose lease is no longer this one."""
        try:
            self._clients.sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=_whole(seconds)
            )
        except ClientError as error:
            if faults.code_of(error) in _NOT_OURS:
                return False
            raise
        return True

    def _count(self, url: str) -> tuple[int, int, int]:
        names = ("", "NotVisible", "Delayed")
        found = self._clients.sqs.get_queue_attributes(
            QueueUrl=url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesDelayed",
            ],
        )["Attributes"]
        waiting, in_flight, delayed = (int(found[f"ApproximateNumberOfMessages{name}"]) for name in names)  # type: ignore[index]
        return waiting, in_flight, delayed


def _whole(seconds: float) -> int:
    return min(MOST_SECONDS, max(0, math.ceil(seconds)))
