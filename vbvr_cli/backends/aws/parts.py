"""The parts of a stack, each looked at by itself: how it is, or what is wrong with it and mends it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vbvr_cli.backends.aws.clients import Clients
from vbvr_cli.backends.aws.functions import Functions, whoami
from vbvr_cli.backends.aws.resources import Resources
from vbvr_cli.backends.aws.schema import DEDUP, LEDGER, TableSchema, require_schema
from vbvr_cli.backends.ports import Part
from vbvr_cli.errors import ConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_sqs.literals import QueueAttributeNameType


class StackParts:
    """Looks at queues, bucket, tables and functions. Nothing is changed."""

    def __init__(self, clients: Clients, resources: Resources, functions: Functions) -> None:
        self._clients = clients
        self._resources = resources
        self._functions = functions

    def __call__(self) -> Sequence[Part]:
        """All of them; the credentials, without which nothing else answers, first."""
        ledger, dedup = self._resources.ledger_table, self._resources.dedup_table
        parts = [
            Part("credentials", self._credentials),
            Part("queue", self._queue),
            Part("dead letters", self._dead_letters),
            Part("store", self._bucket),
            Part("ledger", lambda: self._table(ledger, LEDGER)),
            Part("dedup", lambda: self._table(dedup, DEDUP)),
        ]
        return [*parts, Part("function", self._function)] if self._resources.function else parts

    def _credentials(self) -> str:
        who = whoami(self._clients)
        return f"{who['Arn']}, account {who['Account']}"

    def _queue(self) -> str:
        url, dlq = self._resources.queue_url, _name(self._resources.dlq_url)
        found = self._attributes(url)
        policy = json.loads(found.get("RedrivePolicy") or "{}")
        if policy.get("deadLetterTargetArn", "").rpartition(":")[2] != dlq:
            raise ConfigurationError(
                f"The queue {_name(url)} does not give up messages to {dlq}.",
                why="its redrive policy names another queue or none: what keeps failing would stay for ever",
                hint="Run `vbvr deploy`, or name the queues of one stack (SQS_QUEUE_URL, SQS_DLQ_URL).",
            )
        waiting = int(found["ApproximateNumberOfMessages"])
        in_flight = int(found["ApproximateNumberOfMessagesNotVisible"])
        return f"{_name(url)}: {waiting:,} waiting, {in_flight:,} in flight"

    def _dead_letters(self) -> str:
        url = self._resources.dlq_url
        dead = int(self._attributes(url)["ApproximateNumberOfMessages"])
        return f"{_name(url)}: {dead:,} dead letters" + (" (see vbvr dlq list)" if dead else "")

    def _bucket(self) -> str:
        bucket = self._resources.bucket
        self._clients.s3.head_bucket(Bucket=bucket)
        return f"bucket {bucket}"

    def _table(self, name: str, schema: TableSchema) -> str:
        require_schema(self._clients.dynamodb, name, schema)
        return f"table {name}"

    def _function(self) -> str:
        terms, state = self._functions.ask_terms(), self._functions.feeding()
        name = self._resources.function
        if state != "Enabled":
            raise ConfigurationError(
                f"The queue does not feed the function {name}.",
                why=f"what connects them is {state}" if state else "nothing connects them",
                hint="Run `vbvr deploy`, or work with `vbvr worker --target aws` meanwhile.",
            )
        return (
            f"{name}: {terms.memory_mb:,} MB, {terms.architecture}, up to {terms.max_workers:,} at a time, "
            "fed by the queue"
        )

    def _attributes(self, url: str) -> Mapping[QueueAttributeNameType, str]:
        return self._clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def _name(url: str) -> str:
    return url.rpartition("/")[2]
