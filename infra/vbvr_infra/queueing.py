"""The queue of tasks and its dead letters."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from vbvr_infra.names import Names

RECEIVE_LIMIT = 10
"""A backstop: attempts are counted in the ledger, and what fails is moved with its reason long before."""

VISIBILITY_MARGIN = Duration.minutes(1)
"""For how long a message stays hidden after the function's deadline: the claim has lapsed by then."""

RETENTION = Duration.days(7)
DEAD_RETENTION = Duration.days(14)


class Queueing(Construct):
    """Two queues, encrypted, only over TLS. What dies without a word, SQS moves to the dead letters."""

    def __init__(
        self, scope: Construct, construct_id: str, *, names: Names, function_timeout: Duration
    ) -> None:
        super().__init__(scope, construct_id)
        self.dlq = sqs.Queue(
            self,
            "DeadLetters",
            queue_name=names.dlq,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=DEAD_RETENTION,
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=names.queue,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=RETENTION,
            visibility_timeout=function_timeout.plus(VISIBILITY_MARGIN),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dlq, max_receive_count=RECEIVE_LIMIT),
        )
