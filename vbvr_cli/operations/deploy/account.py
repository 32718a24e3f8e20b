"""What an AWS account says before anything is deployed to it. Nothing is changed by asking."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

from botocore.config import Config
from botocore.exceptions import ClientError

from vbvr_cli.backends.aws import faults
from vbvr_cli.backends.aws.access import open_client
from vbvr_cli.backends.aws.discovery import make_session
from vbvr_cli.backends.aws.schema import DEDUP, LEDGER, require_schema
from vbvr_cli.config import AwsSettings
from vbvr_cli.errors import ConfigurationError
from vbvr_cli.operations.deploy.stacks import StackState

BOOTSTRAP_STACK = "CDKToolkit"
_BEGINNINGS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403"})
Answer = TypeVar("Answer")


class Account:
    """The account of the credentials, in one region. `notes` collects what could not be asked."""

    def __init__(self, settings: AwsSettings) -> None:
        self.region = settings.region
        self.notes: list[str] = []
        self._stack = settings.stack
        self._session = make_session(settings)

    @cached_property
    def id(self) -> str:
        """The account's number. Raises ConfigurationError for credentials that are none or have expired."""
        with faults.explained("the account"):
            return str(self.client("sts").get_caller_identity()["Account"])

    def client(self, service: str) -> Any:
        """boto3's client of a service in the region."""
        config = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard"})
        return open_client(self._session, service, self.region, config)

    def stack(self, name: str | None = None) -> StackState:
        """How a stack stands; without a name, the one that the settings mean."""
        name = name or self._stack
        with faults.explained(f"stack {name}"):
            try:
                (stack,) = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
            except ClientError as error:
                if faults.code_of(error) == "ValidationError":
                    return StackState(name, self.region)
                raise
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
        reason = stack.get("StackStatusReason")
        return StackState(name, self.region, stack["StackStatus"], reason, outputs)

    def template(self) -> Mapping[str, Any] | None:
        """The template that the stack was last deployed with; none if that may not be read."""

        def ask() -> Mapping[str, Any]:
            body = self.client("cloudformation").get_template(StackName=self._stack)["TemplateBody"]
            found: Mapping[str, Any] = json.loads(body) if isinstance(body, str) else body
            return found

        return self._if_allowed("what the stack has now", ask)

    def first_failure(self, stack: str) -> str | None:
        """Which resource made a stack's last change fail, and why; none if CloudFormation does not say."""

        def ask() -> str | None:
            reason = None
            pages = self.client("cloudformation").get_paginator("describe_stack_events")
            for page in pages.paginate(StackName=stack):
                for event in page["StackEvents"]:  # the newest comes first
                    if _begins_a_change(event, stack):
                        return reason
                    said = event.get("ResourceStatusReason", "")
                    if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in said:
                        reason = f"{event['LogicalResourceId']} ({event['ResourceType']}): {said}"
            return reason

        def ask_for_details() -> str | None:
            client = self.client("cloudformation")
            events = client.describe_events(StackName=stack, Filters={"FailedEvents": True})[
                "OperationEvents"
            ]
            said = (event.get("ValidationStatusReason") for event in events)
            return next((reason for reason in said if reason), None)

        with faults.explained(f"stack {stack}"):
            reason = self._if_allowed("why it failed", ask)
            if reason and "DescribeEvents" in reason:  # it failed before any resource was touched
                return self._if_allowed("why it failed", ask_for_details) or reason
            return reason

    def bootstrap_version(self) -> int | None:
        """The version of the account's bootstrap for the CDK in this region; none without one."""
        toolkit = self.stack(BOOTSTRAP_STACK)
        return int(toolkit.outputs.get("BootstrapVersion", 0)) if toolkit.exists else None

    def has_bucket(self, name: str) -> bool:
        """Whether the account has a bucket. Raises ConfigurationError for one that is another's."""
        with faults.explained(f"bucket {name}"):
            try:
                self.client("s3").head_bucket(Bucket=name)
            except ClientError as error:
                if faults.code_of(error) in {"404", "NoSuchBucket"}:
                    return False
                if faults.code_of(error) in _DENIED:
                    raise _taken(name) from error
                raise
        return True

    def has_table(self, name: str) -> bool:
        """Whether there is a table of vbvr's. Raises ConfigurationError for one that is keyed otherwise."""
        schema = LEDGER if name.endswith("-ledger") else DEDUP

        def ask() -> bool:
            try:
                require_schema(self.client("dynamodb"), name, schema)
            except ClientError as error:
                if faults.code_of(error) == "ResourceNotFoundException":
                    return False
                raise
            return True

        with faults.explained(f"table {name}"):
            return bool(self._if_allowed(f"the table {name}", ask))

    def require_concurrency(self, wanted: int) -> None:
        """Raise ConfigurationError where Lambda does not allow the account so many invocations at once."""

        def ask() -> int:
            limits = self.client("lambda").get_account_settings()["AccountLimit"]
            return int(limits["ConcurrentExecutions"])

        with faults.explained("Lambda"):
            quota = self._if_allowed("the quota of concurrent invocations", ask)
        if quota is not None and wanted > quota:
            raise ConfigurationError(
                f"sqsMaxConcurrency is {wanted}, but this account may have {quota} invocations at once in "
                f"{self.region}.",
                why="Lambda would refuse what is above that, all functions of the account together",
                hint=f"Deploy with `--context sqsMaxConcurrency={max(2, quota - 10)}`, or have the quota "
                "`Concurrent executions` of Lambda raised (AWS console, Service Quotas).",
            )

    def _if_allowed(self, what: str, ask: Callable[[], Answer]) -> Answer | None:
        try:
            return ask()
        except ClientError as error:
            if faults.code_of(error) not in _DENIED:
                raise
            self.notes.append(f"Not checked: {what} ({error.operation_name} is denied).")
            return None


def _begins_a_change(event: Mapping[str, Any], stack: str) -> bool:
    of_the_stack = event["LogicalResourceId"] == stack and event["ResourceType"].endswith("::Stack")
    return of_the_stack and event["ResourceStatus"] in _BEGINNINGS


def _taken(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"The bucket name {name} is taken.",
        why="it belongs to another account (or these credentials may not look at it: s3:ListBucket)",
        hint="Choose another with `--context bucketName=NAME`: bucket names are shared by all of AWS.",
    )
