"""`vbvr deploy`: looks first, then lets the CDK deploy, and keeps what the stack answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from vbvr_cli.backends.aws.discovery import ask_stack, make_session
from vbvr_cli.backends.aws.outputs import OutputsFile
from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.config import AwsSettings
from vbvr_cli.errors import ConfigurationError, InterruptedWorkError, ServiceError
from vbvr_cli.operations.deploy import tools
from vbvr_cli.operations.deploy.account import BOOTSTRAP_STACK, Account
from vbvr_cli.operations.deploy.cdk import Cdk, install, is_installed
from vbvr_cli.operations.deploy.changes import (
    Change,
    Grant,
    Place,
    changes_between,
    fixed_costs,
    grants_between,
)
from vbvr_cli.operations.deploy.image import ImageUri, require_image
from vbvr_cli.operations.deploy.processes import last_lines
from vbvr_cli.operations.deploy.progress import Reader, Step, failure_in
from vbvr_cli.operations.deploy.source import Source, find_source, with_generators
from vbvr_cli.operations.deploy.stacks import StackState
from vbvr_cli.operations.deploy.synthesis import Assembly, synthesise

_OWN_KEYS = {"stackName": "--stack", "imageUri": "--image-uri"}


@dataclass(frozen=True, slots=True)
class DeployRequest:
    """What to deploy, and where. `context` as the CDK app takes it.

    Without an `image_uri` Docker builds one, of what `open_catalog` says was fetched.
    """

    aws: AwsSettings
    home: Path
    open_catalog: Callable[[], Catalog]
    image_uri: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a deployment would do. `bootstrap`: the account is made ready for the CDK first."""

    account: str
    state: StackState
    assembly: Assembly
    changes: tuple[Change, ...]
    grants: tuple[Grant, ...]
    bootstrap: bool
    monthly_usd: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deployed:
    """What came of it. `seconds` is wall time."""

    outputs: Mapping[str, str]
    seconds: float


class Watcher(Protocol):
    """Whom a deployment tells how far it is."""

    def phase(self, text: str) -> None:
        """Something begins."""

    def step(self, step: Step) -> None:
        """A resource's turn has ended."""


def parse_context(given: list[str]) -> dict[str, str]:
    """`key=value` by key. Raises ConfigurationError for what is none, and for keys that are options."""
    context = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ConfigurationError(
                f"--context {text} is not key=value.",
                hint="Write, for example, --context lambdaMemoryMB=4096.",
            )
        if option := _OWN_KEYS.get(key.strip()):
            raise ConfigurationError(
                f"--context {key.strip()} has an option of its own.", hint=f"Use {option}."
            )
        context[key.strip()] = value.strip()
    return context


class Deployment:
    """One deployment: `plan` changes nothing, `carry_out` does what was planned."""

    def __init__(self, request: DeployRequest, watcher: Watcher) -> None:
        self._request = request
        self._watcher = watcher
        folder = request.home.absolute() / "deploy" / f"{request.aws.stack}-{request.aws.region}"
        self.log = folder.with_suffix(".log")
        """All that the programs said which were run; begun anew with each deployment."""
        self._assembly = folder / "assembly"
        self._account = Account(request.aws)
        self._source: Source | None = None

    def plan(self) -> Plan:
        """Check all that could go wrong, and find what would change. Raises what stands in the way."""
        request = self._request
        image = ImageUri.parse(request.image_uri) if request.image_uri else None
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("", encoding="utf-8")
        self._source = find_source(request.home)
        node = self._require_tools(self._source, builds=image is None)
        account = self._account.id
        self._watcher.phase(f"Working out what stack {request.aws.stack} needs.")
        assembly = synthesise(
            self._source,
            stack=request.aws.stack,
            context={**request.context, **({"imageUri": image.text} if image else {})},
            account=account,
            region=request.aws.region,
            node=node,
            folder=self._assembly,
            log=self.log,
        )
        state = self._account.stack()
        state.require_deployable()
        self._account.require_concurrency(assembly.concurrency)
        if image:
            require_image(self._account, image, assembly.architecture)
        left = frozenset() if state.exists else self._left_by_an_earlier_stack(assembly)
        version = self._account.bootstrap_version()
        old = self._account.template() if state.exists else None
        return Plan(
            account=account,
            state=state,
            assembly=assembly,
            changes=tuple(changes_between(old, assembly.template, left)),
            grants=tuple(grants_between(old, assembly.template, Place(account, request.aws.region))),
            bootstrap=version is None or version < assembly.bootstrap_version,
            monthly_usd=fixed_costs(assembly.template),
            notes=tuple(self._account.notes),
        )

    def carry_out(self, plan: Plan) -> Deployed:
        """Deploy. Raises ServiceError with the reason that CloudFormation gives."""
        begun = time.monotonic()
        cdk = self._cdk()
        request = self._request
        try:
            if plan.bootstrap:
                self._watcher.phase(
                    f"Making account {plan.account} ready for the CDK (stack {BOOTSTRAP_STACK})."
                )
                where = f"aws://{plan.account}/{request.aws.region}"
                self._run(cdk, BOOTSTRAP_STACK, ["bootstrap", where])
            self._watcher.phase(f"Deploying stack {request.aws.stack}.")
            arguments: list[str | Path] = ["deploy", request.aws.stack, "--app", plan.assembly.folder]
            arguments += ["--require-approval", "never", "--import-existing-resources"]
            self._run(cdk, request.aws.stack, [*arguments, "--progress", "events"])
        except KeyboardInterrupt:
            raise interrupted(request.aws, "deploy") from None
        outputs = ask_stack(request.aws, make_session(request.aws))
        file = OutputsFile(request.home, request.aws)
        file.forget()
        return Deployed(file.write(outputs), time.monotonic() - begun)

    def make_ready(self) -> None:
        """Fetch the CDK's command line, if it is not there yet."""
        self._cdk()

    def _cdk(self) -> Cdk:
        source = self._source or find_source(self._request.home)
        folder = install(source, self._request.home, self.log, self._watcher.phase)
        aws = self._request.aws
        return Cdk(tools.find_node(), folder, self.log, aws.region, aws.profile)

    def _run(self, cdk: Cdk, stack: str, arguments: list[str | Path]) -> None:
        if cdk.run(arguments, Reader(self._watcher.step, self._watcher.phase)):
            raise ServiceError(
                f"Stack {stack} could not be deployed.",
                why=why_it_failed(self._account, stack, self.log),
                hint="CloudFormation has put the stack back as it was, where it could. Mend what it names, "
                f"and run the same command again. All that was said is in {self.log}.",
            )

    def _require_tools(self, source: Source, *, builds: bool) -> Path:
        """The Node to run. Raises what is missing on this machine, all of it at once."""
        checks: list[Callable[[], object]] = [tools.find_node, tools.require_cdk_library]
        if not is_installed(source, self._request.home):
            checks.append(tools.find_npm)
        if builds:
            checks += [tools.require_docker, self._take_generators]
        tools.require_all(*checks)
        return tools.find_node()

    def _take_generators(self) -> None:
        catalog = self._request.open_catalog()
        self._source = with_generators(find_source(self._request.home), self._request.home, catalog)
        if missing := catalog.unavailable:
            self._account.notes.append(
                f"The image will lack {len(missing)} generators of the catalog, which cannot run here; "
                f"{missing[0].name}: {missing[0].reason}"
            )

    def _left_by_an_earlier_stack(self, assembly: Assembly) -> frozenset[str]:
        """The bucket and the tables of the stack that are there already."""
        left = {name for name in assembly.tables if self._account.has_table(name)}
        if assembly.bucket and self._account.has_bucket(assembly.bucket):
            left.add(assembly.bucket)
        return frozenset(left)


def why_it_failed(account: Account, stack: str, log: Path) -> str:
    """CloudFormation's reason, or the command line's where it did not come as far as to change anything."""
    said = failure_in(log.read_text(encoding="utf-8"))
    if said and "change set" in said:
        return said
    return account.first_failure(stack) or said or last_lines(log)


def interrupted(aws: AwsSettings, command: str) -> InterruptedWorkError:
    return InterruptedWorkError(
        f"Stopped. CloudFormation goes on with what it had begun for stack {aws.stack} in {aws.region}.",
        hint=f"See it with `aws cloudformation describe-stack-events --stack-name {aws.stack} --region "
        f"{aws.region}`. When it has ended, `vbvr {command}` again takes it from there.",
    )
