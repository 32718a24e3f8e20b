"""Finds where things are: what the settings name, and for the rest the outputs of the stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from vbvr_cli.backends.aws import faults
from vbvr_cli.backends.aws.access import open_client
from vbvr_cli.backends.aws.outputs import OutputsFile
from vbvr_cli.backends.aws.resources import Resources
from vbvr_cli.config import VARIABLES, AwsSettings
from vbvr_cli.errors import ConfigurationError

OUTPUTS = {
    "queue_url": "QueueUrl",
    "dlq_url": "DlqUrl",
    "bucket": "BucketName",
    "dedup_table": "DedupTableName",
    "ledger_table": "LedgerTableName",
}
"""What must be known, by the settings' names, and the stack's output that says it."""

FUNCTION, SUBMIT_FUNCTION = "FunctionName", "SubmitFunctionName"

_READY = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    """Where things are. `discovered` is what the stack told of `OUTPUTS`; the others are settings."""

    resources: Resources
    discovered: Mapping[str, str]


def make_session(settings: AwsSettings) -> boto3.Session:
    """The credentials that the settings name. Raises ConfigurationError for a profile that is not there."""
    with faults.explained("AWS"):
        return boto3.Session(profile_name=settings.profile, region_name=settings.region)


def find(settings: AwsSettings, session: boto3.Session, home: Path) -> Found:
    """Where things are. The stack is asked only where a setting is missing, and at most once an hour.

    `home` keeps what it answered. Raises ConfigurationError where the stack is absent, broken or not ours.
    """
    named = {name: value for name in OUTPUTS if (value := getattr(settings, name))}
    outputs: Mapping[str, str] = {}
    if len(named) < len(OUTPUTS):
        file = OutputsFile(home, settings)
        outputs = file.read() or file.write(ask_stack(settings, session))
    missing = [name for name in OUTPUTS if name not in named and OUTPUTS[name] not in outputs]
    if missing:
        raise _lacking(settings, missing)
    places = {name: named.get(name) or outputs[OUTPUTS[name]] for name in OUTPUTS}
    return Found(
        Resources(
            region=settings.region,
            queue_url=places["queue_url"],
            dlq_url=places["dlq_url"],
            bucket=places["bucket"],
            ledger_table=places["ledger_table"],
            dedup_table=places["dedup_table"],
            stack=settings.stack if outputs else None,
            function=outputs.get(FUNCTION),
            submit_function=outputs.get(SUBMIT_FUNCTION),
        ),
        {name: places[name] for name in OUTPUTS if name not in named},
    )


def ask_stack(settings: AwsSettings, session: boto3.Session) -> Mapping[str, str]:
    """The outputs of the stack. Raises ConfigurationError where there is none that is ready."""
    with faults.explained(f"stack {settings.stack}"):
        config = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard"})
        client = open_client(session, "cloudformation", settings.region, config)
        try:
            (stack,) = client.describe_stacks(StackName=settings.stack)["Stacks"]
        except ClientError as error:
            if faults.code_of(error) == "ValidationError":
                raise _absent(settings) from error
            if faults.code_of(error) in {"AccessDenied", "AccessDeniedException"}:
                raise _denied(settings, str(error)) from error
            raise
    if stack["StackStatus"] not in _READY:
        raise ConfigurationError(
            f"The stack {settings.stack} in {settings.region} is not ready: it is {stack['StackStatus']}.",
            why=stack.get("StackStatusReason"),
            hint=f"Wait if it is in progress; else run `vbvr deploy --stack {settings.stack}`.",
        )
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}


def _absent(settings: AwsSettings) -> ConfigurationError:
    return ConfigurationError(
        f"There is no stack {settings.stack} in {settings.region}"
        f"{f' for profile {settings.profile}' if settings.profile else ''}.",
        why="nothing was deployed there under that name",
        hint=f"Run `vbvr deploy --stack {settings.stack} --region {settings.region}`, name another with "
        f"--stack, --region or --profile, or work on this machine with --target local.",
    )


def _denied(settings: AwsSettings, why: str) -> ConfigurationError:
    variables = ", ".join(VARIABLES[name] for name in OUTPUTS)
    return ConfigurationError(
        f"AWS does not let you look at the stack {settings.stack}: DescribeStacks is denied.",
        why=why,
        hint=f"Have cloudformation:DescribeStacks allowed, choose another --profile, or set {variables}.",
    )


def _lacking(settings: AwsSettings, missing: list[str]) -> ConfigurationError:
    return ConfigurationError(
        f"The stack {settings.stack} in {settings.region} does not say where its "
        f"{', '.join(name.replace('_', ' ') for name in missing)} is.",
        why=f"it has no output {', '.join(OUTPUTS[name] for name in missing)}: it is no stack of this vbvr",
        hint=f"Run `vbvr deploy --stack {settings.stack}`, or set "
        f"{', '.join(VARIABLES[name] for name in missing)}.",
    )
