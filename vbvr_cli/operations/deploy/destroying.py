"""`vbvr destroy`: what goes, what stays, and what would be lost, before the stack is deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from vbvr_cli.backends.aws import faults
from vbvr_cli.backends.aws.outputs import OutputsFile
from vbvr_cli.config import AwsSettings
from vbvr_cli.errors import InvalidRequestError, ServiceError
from vbvr_cli.operations.deploy import tools
from vbvr_cli.operations.deploy.account import Account
from vbvr_cli.operations.deploy.cdk import Cdk, install, is_installed
from vbvr_cli.operations.deploy.deploying import Watcher, interrupted, why_it_failed
from vbvr_cli.operations.deploy.progress import Reader
from vbvr_cli.operations.deploy.source import find_source
from vbvr_cli.operations.deploy.stacks import StackState
from vbvr_cli.operations.deploy.synthesis import synthesise

_NO_IMAGE = "{account}.dkr.ecr.{region}.amazonaws.com/none:none"
"""An address that nothing is fetched from: the CDK needs a template to delete a stack, but not an image."""
_NOT_KNOWN = "not known"
_NO_QUEUE = frozenset({"NonExistentQueue", "QueueDoesNotExist"})
_DEPTHS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that outlives the stack. `holds`: how much is in it, as far as that is known."""

    kind: str
    name: str
    holds: str
    removal: str
    """The command that removes it."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """What destroying a stack means: `kept` stays, messages go; how many is none where nobody may say."""

    account: str
    state: StackState
    kept: tuple[Kept, ...]
    waiting: int | None
    dead: int | None


class Destruction:
    """One stack's end: `look` changes nothing, `carry_out` deletes it and forgets where it was."""

    def __init__(self, aws: AwsSettings, home: Path, watcher: Watcher) -> None:
        self._aws = aws
        self._home = home
        self._watcher = watcher
        folder = home.absolute() / "deploy" / f"{aws.stack}-{aws.region}"
        self.log = folder.with_suffix(".log")
        self._assembly = folder / "assembly"
        self._account = Account(aws)

    def look(self) -> Farewell:
        """What goes and what stays. Raises what keeps the stack from being destroyed."""
        source = find_source(self._home)
        checks = [tools.find_node, tools.require_cdk_library]
        tools.require_all(*checks, *(() if is_installed(source, self._home) else (tools.find_npm,)))
        account = self._account.id
        state = self._account.stack()
        state.require_destroyable()
        outputs = state.outputs
        return Farewell(
            account=account,
            state=state,
            kept=tuple(self._kept(outputs, account)),
            waiting=self._messages(outputs.get("QueueUrl")),
            dead=self._messages(outputs.get("DlqUrl")),
        )

    def carry_out(self, farewell: Farewell) -> float:
        """Delete the stack; the seconds that it took. Raises ServiceError with CloudFormation's reason."""
        begun = time.monotonic()
        aws = self._aws
        source = find_source(self._home)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("", encoding="utf-8")
        node = tools.find_node()
        cdk = Cdk(
            node,
            install(source, self._home, self.log, self._watcher.phase),
            self.log,
            aws.region,
            aws.profile,
        )
        self._watcher.phase(f"Working out what stack {aws.stack} has.")
        assembly = synthesise(
            source,
            stack=aws.stack,
            context={"imageUri": _NO_IMAGE.format(account=farewell.account, region=aws.region)},
            account=farewell.account,
            region=aws.region,
            node=node,
            folder=self._assembly,
            log=self.log,
        )
        self._watcher.phase(f"Deleting stack {aws.stack}.")
        try:
            code = cdk.run(
                ["destroy", aws.stack, "--app", assembly.folder, "--force", "--progress", "events"],
                Reader(self._watcher.step, self._watcher.phase),
            )
        except KeyboardInterrupt:
            raise interrupted(aws, "destroy") from None
        finally:
            OutputsFile(self._home, aws).forget()
        if code:
            raise ServiceError(
                f"Stack {aws.stack} could not be deleted.",
                why=why_it_failed(self._account, aws.stack, self.log),
                hint=f"Mend what it names, and run the same command again. All was written to {self.log}.",
            )
        return time.monotonic() - begun

    def _kept(self, outputs: Mapping[str, str], account: str) -> list[Kept]:
        """What stays. A stack whose creation failed has no outputs: then what bears the usual names."""
        stack, region = self._aws.stack, self._aws.region
        bucket = outputs.get("BucketName", f"{stack.lower()}-output-{account}")
        found = [Kept("bucket", bucket, self._objects(bucket), f"aws s3 rb s3://{bucket} --force")]
        for key, table in (("LedgerTableName", f"{stack}-ledger"), ("DedupTableName", f"{stack}-dedup")):
            name = outputs.get(key, table)
            removal = f"aws dynamodb delete-table --table-name {name} --region {region}"
            found.append(Kept("table", name, self._items(name), removal))
        return [one for one in found if outputs or one.holds != _NOT_KNOWN]

    def _objects(self, bucket: str) -> str:
        page = self._ask(lambda: self._account.client("s3").list_objects_v2(Bucket=bucket))
        if page is None:
            return _NOT_KNOWN
        number = page["KeyCount"]
        return f"more than {number:,} objects" if page.get("IsTruncated") else f"{number:,} objects"

    def _items(self, table: str) -> str:
        answer = self._ask(lambda: self._account.client("dynamodb").describe_table(TableName=table))
        return _NOT_KNOWN if answer is None else f"about {answer['Table'].get('ItemCount', 0):,} items"

    def _messages(self, url: str | None) -> int | None:
        """How many messages a queue holds; none if that may not be asked."""
        if url is None:
            return 0
        with faults.explained("the stack's queues"):
            try:
                answer = self._account.client("sqs").get_queue_attributes(
                    QueueUrl=url, AttributeNames=list(_DEPTHS)
                )
            except ClientError as error:
                return 0 if faults.code_of(error) in _NO_QUEUE else None
        return sum(map(int, answer["Attributes"].values()))

    @staticmethod
    def _ask(question: Callable[[], Any]) -> Any:
        """An answer; none where the thing is gone or may not be looked at."""
        with faults.explained("the stack's parts"):
            try:
                return question()
            except ClientError:
                return None


def require_nothing_waits(farewell: Farewell, *, drop_tasks: bool) -> None:
    """Raise InvalidRequestError where messages would be lost that nobody said may be."""
    if farewell.waiting != 0 and not drop_tasks:
        number = "It is not known how many" if farewell.waiting is None else f"{farewell.waiting:,}"
        raise InvalidRequestError(
            f"{number} messages wait or are being worked on in stack {farewell.state.name}.",
            why="destroying it deletes its queues; the ledger would still count their tasks as sent",
            hint="Wait until `vbvr monitor` shows an empty queue, or add --drop-tasks; after the next "
            "deploy, `vbvr submit ... --resend` sends them again.",
        )
