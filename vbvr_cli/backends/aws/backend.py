"""The aws target: the parts of a stack behind the ports."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import boto3

from vbvr_cli.backends.aws.buckets import AllowedBuckets
from vbvr_cli.backends.aws.clients import THREADS, Clients
from vbvr_cli.backends.aws.dedup import DynamoDedup
from vbvr_cli.backends.aws.ledger import DynamoLedger
from vbvr_cli.backends.aws.queue import SqsQueue
from vbvr_cli.backends.aws.resources import Resources
from vbvr_cli.backends.aws.store import S3Store
from vbvr_cli.errors import UnknownBucketError

if TYPE_CHECKING:
    from vbvr_cli.backends.aws.functions import Functions, Memory
    from vbvr_cli.backends.ports import Part


class AwsBackend:
    """A Backend on SQS, S3 and DynamoDB. Nothing is asked of AWS before something is needed.

    `session` holds the credentials; `endpoint_url` is for emulators. `clock` gives seconds since the epoch.
    `fast` false: boto3 does all of it, for what stands in for AWS within boto3.
    `memory` keeps what the stack's functions answered; `discovered` is what the stack told of the settings.
    """

    target = "aws"
    lanes = 8

    def __init__(
        self,
        resources: Resources,
        session: boto3.Session,
        *,
        endpoint_url: str | None = None,
        threads: int = THREADS,
        clock: Callable[[], float] = time.time,
        memory: Memory | None = None,
        discovered: Mapping[str, str] | None = None,
        fast: bool = True,
    ) -> None:
        self.resources = resources
        self.description = f"aws, {resources.description}"
        self.default_bucket = resources.bucket
        self._clients = Clients(
            session,
            resources.region,
            endpoint_url=endpoint_url,
            threads=threads,
            fast=fast,
        )
        self.queue = SqsQueue(self._clients, resources.queue_url, resources.dlq_url, clock)
        self.ledger = DynamoLedger(self._clients, resources.ledger_table, clock)
        self.dedup = DynamoDedup(self._clients, resources.dedup_table)
        self.discovered: Mapping[str, str] = discovered or {}
        self._memory = memory
        self._clock = clock
        self._buckets = AllowedBuckets(self._clients, resources)

    # What follows is not for the functions themselves: they start the faster without it.
    @cached_property
    def fleet(self) -> Functions:
        """The stack's functions."""
        from vbvr_cli.backends.aws.functions import Functions  # noqa: PLC0415

        return Functions(self._clients, self.resources, self._memory, self._clock)

    def parts(self) -> Sequence[Part]:
        """The credentials, the queues, the bucket, the tables, and the function where one is known."""
        from vbvr_cli.backends.aws.parts import StackParts  # noqa: PLC0415

        return StackParts(self._clients, self.resources, self.fleet)()

    def store(self, bucket: str) -> S3Store:
        """The store of a bucket. Raises UnknownBucketError for one not allowed."""
        if not self._buckets.allows(bucket):
            raise UnknownBucketError(
                f"Nobody allowed samples to be written to {bucket!r}.",
                why="What a message names is written to only if the operator allowed it.",
                hint=f"Use {self.default_bucket}, or name the bucket in a submit of your own.",
            )
        return S3Store(self._clients, bucket)

    def allow_bucket(self, bucket: str) -> None:
        """Let samples be written to a bucket that exists and that these credentials may use."""
        self._buckets.allow(bucket)

    def close(self) -> None:
        """End the threads and the connections."""
        self._clients.close()
