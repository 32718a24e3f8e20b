"""Which buckets samples may be written to."""

from __future__ import annotations

import re

from vbvr_cli.backends.aws import attributes, keys
from vbvr_cli.backends.aws.clients import Clients
from vbvr_cli.backends.aws.resources import Resources
from vbvr_cli.backends.aws.table import Table
from vbvr_cli.errors import InvalidRequestError

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class AllowedBuckets:
    """The stack's own bucket, those that it was deployed with, and those that the operator named since.

    The latter are in the ledger, for every worker to see. IAM has the last word all the same.
    """

    def __init__(self, clients: Clients, resources: Resources) -> None:
        self._clients = clients
        self._known = {resources.bucket, *resources.extra_buckets}
        self._table = Table(clients, resources.ledger_table)

    def allow(self, bucket: str) -> None:
        """Remember a bucket. Raises ConfigurationError for one that is not there or not ours to use."""
        if bucket in self._known:
            return
        if not _NAME.fullmatch(bucket):
            raise InvalidRequestError(
                f"{bucket!r} is not the name of a bucket.",
                why="S3 takes 3 to 63 small letters, digits, dots and hyphens.",
                hint="Give the bucket's plain name, without s3:// and without a path.",
            )
        self._clients.s3.head_bucket(Bucket=bucket)
        self._clients.dynamodb.put_item(
            TableName=self._table.name, Item=attributes.encode_all(keys.allowed_bucket(bucket))
        )
        self._known.add(bucket)

    def allows(self, bucket: str) -> bool:
        """Whether the bucket was allowed."""
        if bucket not in self._known and _NAME.fullmatch(bucket):
            if self._table.get(keys.allowed_bucket(bucket)) is None:
                return False
            self._known.add(bucket)
        return bucket in self._known
