"""What the functions of a stack are, how many work and what they hold; and each part of a stack by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from emulators.interference import answer, fault
from emulators.place import Place, place
from emulators.stack import REGION

from vbvr_cli.backends.aws.backend import AwsBackend
from vbvr_cli.backends.aws.functions import ASKING_SECONDS, MAX_WORKERS, MEMORY_MB, Functions
from vbvr_cli.backends.aws.outputs import OutputsFile
from vbvr_cli.backends.ports import FleetTerms
from vbvr_cli.config import AwsSettings
from vbvr_cli.errors import ConfigurationError, ServiceError

TERMS = FleetTerms(memory_mb=1769, architecture="arm64", max_workers=250)
ROSTER = {"version": 1, "vbvr": "0.1.0", "architecture": "arm64", "generators": []}


class Stack:
    """A stack whose functions answer as a test says."""

    def __init__(self, at: Place, folder: Path) -> None:
        self.at = at
        self.memory = OutputsFile(folder, AwsSettings(stack="vbvr", region=REGION))
        at.wire.on("GetFunctionConfiguration", lambda _: answer(200, self.configuration))
        at.wire.on("ListEventSourceMappings", lambda _: answer(200, {"EventSourceMappings": self.mappings}))
        at.wire.on("Invoke", lambda _: self.invoked)
        self.configuration: dict[str, Any] = {"MemorySize": 1769, "Architectures": ["arm64"]}
        self.mappings: list[dict[str, Any]] = [
            {
                "State": "Enabled",
                "EventSourceArn": f"arn:aws:sqs:{REGION}:1:{self.queue}",
                "ScalingConfig": {"MaximumConcurrency": 250},
            }
        ]
        self.invoked = answer(200, {"roster": ROSTER})

    @property
    def queue(self) -> str:
        return self.at.backend.resources.queue_url.rpartition("/")[2]

    def backend(self, **resources: Any) -> AwsBackend:
        named = {"function": "worker", "submit_function": "submit", **resources}
        return AwsBackend(
            replace(self.at.backend.resources, **named), self.at.watched, threads=2, memory=self.memory
        )

    def functions(self, **resources: Any) -> Functions:
        return self.backend(**resources).fleet

    def measure(self, function: str, *figures: tuple[float, float]) -> None:
        """What CloudWatch knows: figures of so many seconds ago."""
        client = self.at.aws.client("cloudwatch", region_name=REGION)
        for seconds, value in figures:
            client.put_metric_data(
                Namespace="AWS/Lambda",
                MetricData=[
                    {
                        "MetricName": "ConcurrentExecutions",
                        "Dimensions": [{"Name": "FunctionName", "Value": function}],
                        "Timestamp": datetime.now(UTC) - timedelta(seconds=seconds),
                        "Value": value,
                    }
                ],
            )


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with place() as one:
        yield Stack(one, tmp_path)


def test_memory_architecture_and_concurrency_are_those_of_what_is_deployed(stack: Stack) -> None:
    assert stack.functions().terms() == TERMS


def test_they_are_asked_once_an_hour(stack: Stack) -> None:
    assert stack.functions().terms() == stack.functions().terms() == TERMS
    assert stack.at.wire.requests["GetFunctionConfiguration"] == 1


def test_without_a_limit_there_is_that_of_the_stack(stack: Stack) -> None:
    stack.mappings = []

    assert stack.functions().terms().max_workers == MAX_WORKERS


def test_what_cannot_be_asked_is_assumed_said_to_be_and_asked_again(stack: Stack) -> None:
    stack.at.wire.on("GetFunctionConfiguration", lambda _: fault("AccessDeniedException", 403))

    assumed = stack.functions().terms()

    assert (assumed.memory_mb, assumed.architecture) == (MEMORY_MB, "x86_64")
    assert "GetFunctionConfiguration is denied" in str(assumed.assumed)
    stack.at.wire.on("GetFunctionConfiguration", lambda _: answer(200, stack.configuration))
    assert stack.functions().terms() == TERMS


def test_without_a_stack_everything_is_assumed_and_nothing_asked(stack: Stack) -> None:
    alone = stack.functions(function=None, submit_function=None)

    assert alone.terms().assumed
    assert (alone.working(), alone.roster()) == (None, None)
    assert not stack.at.wire.requests


def test_the_latest_minute_counts(stack: Stack) -> None:
    stack.measure("worker", (140, 900.0), (70, 412.0), (200, 3.0), (900, 800.0))
    stack.measure("another", (10, 5.0))

    assert stack.functions().working() == 412


def test_where_nothing_was_measured_or_may_be_read_nobody_says_how_many_work(stack: Stack) -> None:
    assert stack.functions().working() is None

    stack.at.wire.on("GetMetricStatistics", lambda _: fault("AccessDenied", 403))
    assert stack.functions().working() is None


def test_a_silent_cloudwatch_is_waited_for_but_shortly(stack: Stack) -> None:
    functions = stack.functions()

    config = functions._cloudwatch._client.meta.config  # type: ignore[attr-defined]
    assert config.read_timeout == ASKING_SECONDS
    assert config.retries["total_max_attempts"] == 2


def test_the_image_is_asked_what_it_holds_once_an_hour(stack: Stack) -> None:
    asked = []
    stack.at.wire.on("Invoke", lambda request: asked.append(request.body) or stack.invoked)

    first, again = stack.functions().roster(), stack.functions().roster()

    assert json.loads(str(first)) == json.loads(str(again)) == ROSTER
    assert [json.loads(body) for body in asked] == [{"describe": True}]
    assert stack.at.wire.requests["Invoke"] == 1


@pytest.mark.parametrize(
    ("body", "headers", "said"),
    [
        (
            {"errorType": "ConfigurationError", "errorMessage": "no roster"},
            True,
            "ConfigurationError: no roster",
        ),
        ({"something": "else"}, False, "something"),
        (b"<html>", False, "<html>"),
        ([1], False, "[1]"),
    ],
)
def test_an_image_that_does_not_say_what_it_holds_is_an_error_with_why(
    stack: Stack, body: Any, headers: bool, said: str
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    stack.invoked = answer(200, data, {"X-Amz-Function-Error": "Unhandled"} if headers else {})

    with pytest.raises(ServiceError, match="does not say which generators") as error:
        stack.functions().roster()

    assert said in str(error.value.why)
    assert "/aws/lambda/submit" in str(error.value.hint)


def looks(backend: AwsBackend) -> dict[str, str]:
    return {part.name: part.look() for part in backend.parts()}


def wrong_with(backend: AwsBackend, name: str) -> str:
    (part,) = [part for part in backend.parts() if part.name == name]
    with pytest.raises(ConfigurationError) as error:
        part.look()
    return f"{error.value} {error.value.why} {error.value.hint}"


def test_every_part_says_how_it_is(stack: Stack) -> None:
    seen = looks(stack.backend())

    resources = stack.at.backend.resources
    assert list(seen) == ["credentials", "queue", "dead letters", "store", "ledger", "dedup", "function"]
    assert "account 123456789012" in seen["credentials"]
    assert seen["queue"] == f"{stack.queue}: 0 waiting, 0 in flight"
    assert seen["store"] == f"bucket {resources.bucket}"
    assert "1,769 MB, arm64, up to 250 at a time" in seen["function"]


@pytest.mark.parametrize(
    ("part", "resources", "said"),
    [
        ("queue", {"queue_url": "https://sqs.us-east-2.amazonaws.com/1/gone"}, "There is no queue gone"),
        (
            "queue",
            {"dlq_url": "https://sqs.us-east-2.amazonaws.com/1/other"},
            "does not give up messages to other",
        ),
        ("dead letters", {"dlq_url": "https://sqs.us-east-2.amazonaws.com/1/gone"}, "There is no queue gone"),
        ("store", {"bucket": "nobodys-bucket"}, "There is no bucket nobodys-bucket"),
        ("ledger", {"ledger_table": "gone"}, "There is no table gone"),
    ],
)
def test_what_is_gone_is_named_with_what_mends_it(
    stack: Stack, part: str, resources: dict[str, str], said: str
) -> None:
    told = wrong_with(stack.backend(**resources), part)

    assert said in told
    assert "vbvr deploy" in told


def test_a_table_of_another_schema_is_no_ledger(stack: Stack) -> None:
    resources = stack.at.backend.resources

    told = wrong_with(stack.backend(ledger_table=resources.dedup_table), "ledger")

    assert "is no table of this vbvr" in told


@pytest.mark.parametrize("state", ["Disabled", "Enabling", None])
def test_a_function_that_the_queue_does_not_feed_is_no_worker(stack: Stack, state: str | None) -> None:
    if state is None:
        stack.mappings = [{"State": "Enabled", "EventSourceArn": "arn:aws:sqs:us-east-2:1:another"}]
    else:
        stack.mappings[0]["State"] = state

    told = wrong_with(stack.backend(), "function")

    assert "does not feed the function worker" in told
    assert (state or "nothing connects them") in told


def test_an_expired_login_is_said_to_be_one(stack: Stack) -> None:
    body = b"<ErrorResponse><Error><Code>ExpiredToken</Code><Message>old</Message></Error></ErrorResponse>"
    stack.at.wire.on("GetCallerIdentity", lambda _: answer(403, body))

    assert "aws sso login" in wrong_with(stack.backend(), "credentials")
