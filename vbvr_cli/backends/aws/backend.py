"""The aws target: the parts of a stack behind the ports."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import boto3

from vbvr_cli.backends.aws.buckets import AllowedBuckets
from vbvr_cli.backends.aws.clients import THREADS, Clients
from vbvr_cli.backends.aws.dedup import DynamoDedup
from vbvr_cli.backends.aws.discovery import find, make_session
from vbvr_cli.backends.aws.ledger import DynamoLedger
from vbvr_cli.backends.aws.queue import SqsQueue
from vbvr_cli.backends.aws.resources import Resources
from vbvr_cli.backends.aws.schema import DEDUP, LEDGER, require_schema
from vbvr_cli.backends.aws.store import S3Store
from vbvr_cli.config import AwsSettings
from vbvr_cli.errors import UnknownBucketError


class AwsBackend:
    """A Backend on SQS, S3 and DynamoDB. Nothing is asked of AWS before something is needed.

    `session` holds the credentials; `endpoint_url` is for emulators. `clock` gives seconds since the epoch.
    """

    target = "aws"

    def __init__(
        self,
        resources: Resources,
        session: boto3.Session,
        *,
        endpoint_url: str | None = None,
        threads: int = THREADS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.resources = resources
        self.description = f"aws, {resources.description}"
        self.default_bucket = resources.bucket
        self._clients = Clients(session, resources.region, endpoint_url=endpoint_url, threads=threads)
        self.queue = SqsQueue(self._clients, resources.queue_url, resources.dlq_url, clock)
        self.ledger = DynamoLedger(self._clients, resources.ledger_table, clock)
        self.dedup = DynamoDedup(self._clients, resources.dedup_table)
        self._buckets = AllowedBuckets(self._clients, resources)

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

    def check(self) -> None:
        """Raise what is wrong with the queues, the bucket or the tables; for `vbvr doctor`."""
        self.queue.depth()
        self._clients.s3.head_bucket(Bucket=self.default_bucket)
        require_schema(self._clients.dynamodb, self.resources.ledger_table, LEDGER)
        require_schema(self._clients.dynamodb, self.resources.dedup_table, DEDUP)

    def close(self) -> None:
        """End the threads and the connections."""
        self._clients.close()


def open_aws(settings: AwsSettings, home: Path) -> AwsBackend:
    """The back end that the settings mean. `home` keeps what the stack answered."""
    session = make_session(settings)
    return AwsBackend(find(settings, session, home).resources, session)
