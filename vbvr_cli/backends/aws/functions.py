"""The functions of a stack: what they are, how many work, what their image holds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, cast

from botocore.exceptions import ClientError

from vbvr_cli.backends.aws.clients import Clients
from vbvr_cli.backends.aws.resources import Resources
from vbvr_cli.backends.ports import FleetTerms
from vbvr_cli.errors import ConfigurationError, ServiceError, VbvrError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient

MEMORY_MB, ARCHITECTURE, MAX_WORKERS = 3072, "x86_64", 990
"""What a stack is deployed with if nobody says otherwise."""
ASKING_SECONDS = 4.0
STARTING_SECONDS = 60.0
"""The submit function may have to be started from a large image before it answers."""
METRIC_MINUTES = 5
"""CloudWatch has a figure a minute, and that some two minutes late."""
_TERMS, _ROSTER = "function", "roster"


class Memory(Protocol):
    """Keeps answers for a while, such as `OutputsFile`."""

    def recall(self, name: str) -> Any:
        """What was kept under this name; None if that was too long ago."""

    def keep(self, name: str, value: Any) -> None:
        """Keep an answer, which JSON can hold."""


class Functions:
    """A Fleet of Lambda functions. `memory` keeps what hardly changes; none: it is asked each time."""

    def __init__(
        self,
        clients: Clients,
        resources: Resources,
        memory: Memory | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clients = clients
        self._resources = resources
        self._memory = memory
        self._clock = clock

    def terms(self) -> FleetTerms:
        """Memory, architecture and maximum concurrency of the worker function."""
        with suppress(TypeError):
            if self._memory and (kept := self._memory.recall(_TERMS)):
                return FleetTerms(**kept)
        try:
            terms = self.ask_terms()
        except (VbvrError, ClientError) as error:
            return FleetTerms(MEMORY_MB, ARCHITECTURE, MAX_WORKERS, assumed=str(error))
        if self._memory:
            self._memory.keep(_TERMS, asdict(terms))
        return terms

    def ask_terms(self) -> FleetTerms:
        """As `terms`, but asked now. Raises what keeps AWS from answering."""
        name = self._resources.function
        if name is None:
            raise ConfigurationError(
                "It is not known which function works here.",
                why="the queue was named by a setting, and no stack was asked",
                hint="Name the stack with --stack, and set no SQS_QUEUE_URL.",
            )
        found = self._lambda.get_function_configuration(FunctionName=name)
        mappings = self._lambda.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        limits = [one.get("ScalingConfig", {}).get("MaximumConcurrency") for one in mappings]
        return FleetTerms(
            memory_mb=found["MemorySize"],
            architecture=next(iter(found.get("Architectures", [])), ARCHITECTURE),
            max_workers=next((limit for limit in limits if limit), MAX_WORKERS),
        )

    def feeding(self) -> str | None:
        """Whether the queue feeds the worker function: the state of what connects them, None without it."""
        name = self._resources.function
        if name is None:
            return None
        queue = self._resources.queue_url.rpartition("/")[2]
        mappings = self._lambda.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        return next(
            (one["State"] for one in mappings if one.get("EventSourceArn", "").rpartition(":")[2] == queue),
            None,
        )

    def working(self) -> int | None:
        """The most that worked at once in the last minute that CloudWatch knows of."""
        if self._resources.function is None:
            return None
        now = datetime.fromtimestamp(self._clock(), UTC)
        try:
            answer = self._cloudwatch.get_metric_statistics(
                Namespace="AWS/Lambda",
                MetricName="ConcurrentExecutions",
                Dimensions=[{"Name": "FunctionName", "Value": self._resources.function}],
                StartTime=now - timedelta(minutes=METRIC_MINUTES),
                EndTime=now,
                Period=60,
                Statistics=["Maximum"],
            )
        except (VbvrError, ClientError):
            return None
        points = sorted(answer.get("Datapoints", []), key=lambda point: point["Timestamp"])
        return round(points[-1]["Maximum"]) if points else None

    def roster(self) -> str | None:
        """What the image holds, asked of the submit function at most once an hour; None without that one.

        Raises ConfigurationError or ServiceError where it does not say.
        """
        name = self._resources.submit_function
        if name is None:
            return None
        if self._memory and (kept := self._memory.recall(_ROSTER)):
            return str(kept)
        text = self._invoke(name)
        if self._memory:
            self._memory.keep(_ROSTER, text)
        return text

    def _invoke(self, name: str) -> str:
        client = cast("LambdaClient", self._clients.brief("lambda", STARTING_SECONDS))
        answer = client.invoke(FunctionName=name, Payload=b'{"describe": true}')
        payload = answer["Payload"].read()
        with suppress(ValueError, TypeError, KeyError):
            said = json.loads(payload)
            if answer.get("FunctionError"):
                raise _not_told(name, f"{said.get('errorType')}: {said.get('errorMessage')}")
            return json.dumps(said["roster"])
        raise _not_told(name, f"it answered {payload[:200].decode(errors='replace')!r}")

    @cached_property
    def _lambda(self) -> LambdaClient:
        return cast("LambdaClient", self._clients.brief("lambda", ASKING_SECONDS))

    @cached_property
    def _cloudwatch(self) -> CloudWatchClient:
        return cast("CloudWatchClient", self._clients.brief("cloudwatch", ASKING_SECONDS))


def _not_told(name: str, why: str) -> ServiceError:
    return ServiceError(
        f"The function {name} does not say which generators its image holds.",
        why=why,
        hint=f"See its log (`aws logs tail /aws/lambda/{name}`), or build the image anew with `vbvr deploy`.",
    )


def whoami(clients: Clients) -> dict[str, Any]:
    """`Account` and `Arn` of these credentials; anybody may ask."""
    return dict(clients.brief("sts", ASKING_SECONDS).get_caller_identity())
