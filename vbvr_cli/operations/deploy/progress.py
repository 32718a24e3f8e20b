"""What the CDK's command line says while it works, taken apart: what a person wants to know of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_EVENT = re.compile(
    r"\s*(?P<stack>\S+)\s*\|\s*(?:(?P<done>\d+)(?:/(?P<total>\d+))?\s*\|)?\s*[\d:]+ [AP]M\s*\|"
    r"\s*(?P<status>[A-Z_]+)\s*\|\s*(?P<kind>[A-Za-z0-9]+(?:::[A-Za-z0-9]+)+)\s*\|\s*(?P<what>.*)"
)
_PATH = re.compile(r"(?P<path>\S+)(?: \((?P<id>[A-Za-z0-9]+)\))?\s*(?P<reason>.*)")
_STACK = "AWS::CloudFormation::Stack"
_ENDED = {
    "CREATE_COMPLETE": "made",
    "UPDATE_COMPLETE": "changed",
    "DELETE_COMPLETE": "removed",
    "DELETE_SKIPPED": "kept",
    "IMPORT_COMPLETE": "taken up",
}
_PHASES = (
    (
        re.compile(r"start: Building (?!.*Template)"),
        "Building the image with Docker; it takes minutes.",
    ),
    (re.compile(r"start: Publishing (?!.*Template)"), "Pushing the image to ECR."),
    (re.compile(r"creating CloudFormation changeset"), "CloudFormation works out what to do."),
    (
        re.compile(r"has an ongoing operation in progress"),
        "Waiting: CloudFormation is still busy with the stack.",
    ),
)
_FAILURE = re.compile(r"❌|Failed to |\S+: fail: |\S*Error: ")
_NOISE = re.compile(r"Source Location|\(no user code|Could not fetch|\(node:|at .*\(")
_MOST_LINES = 4
KINDS = {
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::CloudWatch::Dashboard": "dashboard",
    "AWS::DynamoDB::Table": "table",
    "AWS::ECR::Repository": "image repository",
    "AWS::IAM::Policy": "policy",
    "AWS::IAM::Role": "role",
    "AWS::Lambda::EventSourceMapping": "queue's trigger",
    "AWS::Lambda::Function": "function",
    "AWS::Logs::LogGroup": "log",
    "AWS::S3::Bucket": "bucket",
    "AWS::S3::BucketPolicy": "bucket's policy",
    "AWS::SNS::Subscription": "e-mail subscription",
    "AWS::SNS::Topic": "topic",
    "AWS::SNS::TopicPolicy": "topic's policy",
    "AWS::SQS::Queue": "queue",
    "AWS::SQS::QueuePolicy": "queue's policy",
    "AWS::SSM::Parameter": "parameter",
}
"""What resources are called, by CloudFormation's types."""


def kind_in_words(kind: str) -> str:
    """What a resource of CloudFormation's type is called."""
    return KINDS.get(kind, kind.removeprefix("AWS::").replace("::", " "))


@dataclass(frozen=True, slots=True)
class Step:
    """One resource whose turn has ended. `failed` with its reason; the counts are CloudFormation's."""

    stack: str
    what: str
    kind: str
    name: str
    done: int | None = None
    total: int | None = None
    failed: bool = False
    reason: str = ""


class Reader:
    """Reads lines; each end of a resource goes to `on_step` once, each new phase to `on_phase`."""

    def __init__(self, on_step: Callable[[Step], None], on_phase: Callable[[str], None]) -> None:
        self._on_step = on_step
        self._on_phase = on_phase
        self._seen: set[tuple[str, str, str]] = set()

    def __call__(self, line: str) -> None:
        """Read one line."""
        if event := _EVENT.match(line):
            self._event(event)
            return
        for form, phase in _PHASES:
            if form.search(line):
                self._on_phase(phase)

    def _event(self, event: re.Match[str]) -> None:
        status, kind = event["status"], event["kind"]
        failed = status.endswith("_FAILED")
        parts = _PATH.fullmatch(event["what"].strip())
        if kind == _STACK or parts is None or not (failed or status in _ENDED):
            return
        key = (event["stack"], parts["id"] or parts["path"], status)
        if key in self._seen:
            return
        self._seen.add(key)
        self._on_step(
            Step(
                stack=event["stack"],
                what="failed" if failed else _ENDED[status],
                kind=kind_in_words(kind),
                name=parts["path"],
                done=int(event["done"]) if event["done"] else None,
                total=int(event["total"]) if event["total"] else None,
                failed=failed,
                reason=parts["reason"],
            )
        )


def failure_in(said: str) -> str | None:
    """What the command line calls the reason why it failed, on one line; none if it names none."""
    lines = [line.strip() for line in said.splitlines()]
    first = next((number for number, line in enumerate(lines) if _FAILURE.match(line)), None)
    if first is None:
        return None
    telling = [line for line in lines[first:] if line and not _NOISE.match(line)]
    return " ".join(telling[:_MOST_LINES])
