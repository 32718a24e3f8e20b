"""What a function is told by its environment, and the back end that it means."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import boto3

from lambda_image.record_queue import RecordQueue
from vbvr_cli.backends.aws import faults
from vbvr_cli.backends.aws.backend import AwsBackend
from vbvr_cli.backends.aws.resources import Resources
from vbvr_cli.catalog.roster import Roster
from vbvr_cli.errors import ConfigurationError

_NEEDED = {
    "region": "AWS_REGION",
    "queue_url": "SQS_QUEUE_URL",
    "dlq_url": "SQS_DLQ_URL",
    "bucket": "OUTPUT_BUCKET",
    "ledger_table": "LEDGER_TABLE_NAME",
    "dedup_table": "DEDUP_TABLE_NAME",
}


class Context(Protocol):
    """What Lambda says of an invocation."""

    aws_request_id: str
    function_name: str
    log_stream_name: str | None
    memory_limit_in_mb: str

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is killed."""


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """Where a function finds things. `tmp` is what each invocation leaves empty; none: only `home` is."""

    resources: Resources
    stack: str
    home: Path
    tmp: Path | None
    roster: Path
    metrics_namespace: str

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> FunctionSettings:
        """Read the environment. Raises ConfigurationError naming what is missing."""
        given = os.environ if environment is None else environment
        missing = [variable for variable in _NEEDED.values() if not given.get(variable)]
        if missing:
            raise ConfigurationError(
                f"The function's environment lacks {', '.join(missing)}.",
                hint="Deploy the stack again; it sets them.",
            )
        extra = given.get("VBVR_EXTRA_BUCKETS", "").split(",")
        stack = given.get("VBVR_STACK") or "vbvr"
        return cls(
            resources=Resources(
                **{name: given[variable] for name, variable in _NEEDED.items()},
                extra_buckets=tuple(bucket.strip() for bucket in extra if bucket.strip()),
                stack=stack,
                function=given.get("AWS_LAMBDA_FUNCTION_NAME"),
            ),
            stack=stack,
            home=Path(given.get("VBVR_HOME") or "/tmp/vbvr"),  # noqa: S108 - the one folder that Lambda can write to
            tmp=Path(given["VBVR_TMP"]) if given.get("VBVR_TMP") else None,
            roster=Path(given.get("LAMBDA_TASK_ROOT") or Path(__file__).parents[1]) / "roster.json",
            metrics_namespace=given.get("VBVR_METRICS_NAMESPACE") or "vbvr",
        )

    def read_roster(self) -> Roster:
        """What the image holds."""
        return Roster.read(self.roster)


class FunctionBackend(AwsBackend):
    """The stack's parts as a function uses them: messages reach it by themselves, see `RecordQueue`."""

    queue: RecordQueue

    def __init__(self, resources: Resources) -> None:
        super().__init__(resources, boto3.Session(region_name=resources.region))
        self.queue = RecordQueue(self._clients, resources.queue_url, resources.dlq_url, time.time)

    def warm_up(self) -> None:
        """Make the clients that every task needs, while the function starts."""
        _ = (self._clients.dynamodb, self._clients.s3)

    def invoke_later(self, function: str, event: Mapping[str, Any]) -> None:
        """Have a function invoked with an event, without waiting for it. Raises what AWS refuses."""
        with faults.explained(f"function {function}"):
            client = boto3.client("lambda", region_name=self.resources.region)
            client.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event).encode())

    def rest(self) -> None:
        """End the threads; the connections stay for the next invocation."""
        self._clients.rest()
