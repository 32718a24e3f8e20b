"""Runs the CDK app: from context to a template, before anything is asked of AWS."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vbvr_cli.errors import ConfigurationError, VbvrError
from vbvr_cli.operations.deploy.processes import last_lines, run_aloud
from vbvr_cli.operations.deploy.source import Source

_STACK = "aws:cloudformation:stack"
_PATHS = "aws:cdk:enable-path-metadata"
"""Lets the template say which construct a resource is of."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """What the app came to: a folder for the CDK's command line, and the template in it."""

    folder: Path
    template: Mapping[str, Any]
    bootstrap_version: int
    """The least version of the account's bootstrap stack that can deploy it."""

    def properties(self, kind: str) -> list[Mapping[str, Any]]:
        """The properties of each resource of a kind such as AWS::S3::Bucket."""
        resources = self.template["Resources"].values()
        return [one.get("Properties", {}) for one in resources if one["Type"] == kind]

    def names(self, kind: str, key: str) -> tuple[str, ...]:
        """The literal names of the resources of a kind; what only CloudFormation knows is left out."""
        found = (properties.get(key) for properties in self.properties(kind))
        return tuple(name for name in found if isinstance(name, str))

    @property
    def bucket(self) -> str | None:
        """The bucket of the datasets; none if only CloudFormation knows it."""
        return next(iter(self.names("AWS::S3::Bucket", "BucketName")), None)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of the ledger and of the registry of duplicates."""
        return self.names("AWS::DynamoDB::Table", "TableName")

    @property
    def concurrency(self) -> int:
        """How many invocations the queue may have at once."""
        return max(
            (
                int(one["ScalingConfig"]["MaximumConcurrency"])
                for one in self.properties("AWS::Lambda::EventSourceMapping")
            ),
            default=0,
        )

    @property
    def architecture(self) -> str:
        """x86_64 or arm64: what the functions run on."""
        (architecture,) = {
            architecture
            for one in self.properties("AWS::Lambda::Function")
            for architecture in one.get("Architectures", ["x86_64"])
        }
        return str(architecture)


def synthesise(
    source: Source,
    *,
    stack: str,
    context: Mapping[str, str],
    account: str,
    region: str,
    node: Path,
    folder: Path,
    log: Path,
) -> Assembly:
    """Run the app into `folder`, which is emptied first. Raises ConfigurationError for wrong context."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    said: list[str] = []
    code = run_aloud(
        [sys.executable, source.app],
        folder=source.app.parent,
        environment={
            "CDK_OUTDIR": str(folder.absolute()),
            "CDK_CONTEXT_JSON": json.dumps({**context, "stackName": stack, _PATHS: True}),
            "CDK_DEFAULT_ACCOUNT": account,
            "CDK_DEFAULT_REGION": region,
            "JSII_NODE": str(node),
        },
        log=log.absolute(),
        on_line=said.append,
    )
    if code:
        raise _explain(code, said, log)
    return _read(folder, stack)


def _read(folder: Path, stack: str) -> Assembly:
    artifacts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    properties = next(
        one["properties"]
        for name, one in artifacts.items()
        if one["type"] == _STACK and one["properties"].get("stackName", name) == stack
    )
    template = json.loads((folder / properties["templateFile"]).read_text(encoding="utf-8"))
    return Assembly(folder, template, int(properties.get("requiresBootstrapStackVersion", 0)))


def _explain(code: int, said: list[str], log: Path) -> VbvrError:
    """What the app said of itself, if it did; else that it broke."""
    parts = {
        label: next((line.removeprefix(f"{label}: ") for line in said if line.startswith(f"{label}: ")), None)
        for label in ("error", "why", "hint")
    }
    if parts["error"] and code == ConfigurationError.exit_code:
        return ConfigurationError(parts["error"], why=parts["why"], hint=parts["hint"])
    return ConfigurationError(
        "The CDK app could not be run.",
        why=last_lines(log, 1),
        hint=f"All that it said is in {log}. If it names a package, `pip install 'vbvr[deploy]'`.",
    )
