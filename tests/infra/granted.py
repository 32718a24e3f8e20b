"""A stack in an emulator that enforces IAM, and its two functions at work on nothing but their roles."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import boto3
from emulators.stack import REGION, session
from generators.layout import lay_out
from infra.templates import IMAGE
from places import EMPTY_CATALOG, wait_until

import template
from lambda_image.environment import FunctionBackend, FunctionSettings
from lambda_image.logs import JsonLines
from lambda_image.submit_function import SubmitFunction
from vbvr_cli.backends.aws.backend import AwsBackend
from vbvr_cli.backends.aws.resources import Resources
from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.catalog.generator import Generator
from vbvr_cli.catalog.roster import Roster
from vbvr_cli.operations.submit import Submitter
from vbvr_cli.planning import Request
from vbvr_cli.worker.worker import Pace, Worker
from vbvr_cli.worker.workspace import Workspace
from vbvr_infra.permissions import On, Who

STACK = "vbvr"
FUNCTIONS = {Who.WORKER: "FunctionName", Who.SUBMIT: "SubmitFunctionName"}
_numbers = count(1)


@dataclass
class Context:
    """What Lambda says of an invocation."""

    function_name: str
    seconds: float = 900.0
    aws_request_id: str = "request"
    log_stream_name: str | None = "stream"
    memory_limit_in_mb: str = "3072"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class Said(logging.Handler):
    """The warnings of vbvr's modules."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Stack:
    """The deployed stack, seen with the account's own credentials."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.root: boto3.Session = session()
        self.outputs = self._launch()
        self.resources = Resources(
            region=REGION,
            queue_url=self.outputs["QueueUrl"],
            dlq_url=self.outputs["DlqUrl"],
            bucket=self.outputs["BucketName"],
            ledger_table=self.outputs["LedgerTableName"],
            dedup_table=self.outputs["DedupTableName"],
            stack=STACK,
        )
        self._iam = self.root.client("iam", endpoint_url=url)
        self._roles = {who: self._role_of(self.outputs[name]) for who, name in FUNCTIONS.items()}

    def _launch(self) -> dict[str, str]:
        cloudformation = self.root.client("cloudformation", endpoint_url=self.url)
        cloudformation.create_stack(
            StackName=STACK,
            TemplateBody=template.TEMPLATE.read_text(),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": "ImageUri", "ParameterValue": IMAGE}],
        )

        def done() -> dict[str, str] | None:
            (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
            assert stack["StackStatus"] in {"CREATE_IN_PROGRESS", "CREATE_COMPLETE"}
            return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

        outputs: dict[str, str] = wait_until(done, "the stack")
        functions = self.root.client("lambda", endpoint_url=self.url)
        (mapping,) = functions.list_event_source_mappings()["EventSourceMappings"]
        # No container runs here; the test takes messages from the queue, as Lambda would.
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        return outputs

    def _role_of(self, function: str) -> tuple[str, str, dict[str, Any]]:
        functions = self.root.client("lambda", endpoint_url=self.url)
        arn = functions.get_function_configuration(FunctionName=function)["Role"]
        name = arn.rpartition("/")[2]
        policy = self._iam.get_role_policy(RoleName=name, PolicyName="vbvr")["PolicyDocument"]
        return arn, name, json.loads(policy) if isinstance(policy, str) else policy

    def session_of(self, who: Who) -> boto3.Session:
        """The credentials that the function has."""
        sts = self.root.client("sts", endpoint_url=self.url)
        given = sts.assume_role(RoleArn=self._roles[who][0], RoleSessionName="test")["Credentials"]
        return boto3.Session(
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            region_name=REGION,
        )

    @contextmanager
    def without(self, who: Who, action: str, on: On) -> Iterator[None]:
        """The role without one of its permissions."""
        _, name, policy = self._roles[who]
        reduced = copy.deepcopy(policy)
        (statement,) = (one for one in reduced["Statement"] if one["Sid"] == on.name.title())
        actions = [one for one in _listed(statement["Action"]) if one != action]
        assert len(actions) == len(_listed(statement["Action"])) - 1
        statement["Action"] = actions
        reduced["Statement"] = [one for one in reduced["Statement"] if one["Action"]]
        self._put(name, reduced)
        try:
            yield
        finally:
            self._put(name, policy)

    def _put(self, role: str, policy: dict[str, Any]) -> None:
        self._iam.put_role_policy(RoleName=role, PolicyName="vbvr", PolicyDocument=json.dumps(policy))


class Scene:
    """One generator with a name of its own, and the functions at work on it."""

    def __init__(self, stack: Stack, monkeypatch: Any) -> None:
        self.stack = stack
        self._patch = monkeypatch
        self._folder = stack.folder / f"scene-{next(_numbers)}"
        (self._folder / "generators").mkdir(parents=True)
        (self._folder / "generators.yaml").write_text(EMPTY_CATALOG)

    def generator(self, kind: str) -> str:
        """The name of a new generator of that kind."""
        name = f"{kind}-{next(_numbers)}"
        lay_out(self._folder, kind).rename(self._folder / "generators" / name)
        return name

    @property
    def catalog(self) -> Catalog:
        return Catalog.load(self._folder / "generators.yaml", [self._folder / "generators"])

    def as_root(self) -> AwsBackend:
        """The back end with the account's own credentials."""
        return AwsBackend(self.stack.resources, self.stack.root, endpoint_url=self.stack.url, threads=4)

    def submit(self, name: str, samples: int, *, dedup: bool = False) -> None:
        """Send a run's tasks, as the operator."""
        with closing(self.as_root()) as backend:
            submitter = Submitter(backend, self.catalog)
            request = Request(samples=samples, batch_size=samples, dedup=dedup)
            submitter.carry_out(submitter.plans([self.catalog.get(name)], request))

    def complete(self, name: str, samples: int, *, dedup: bool = False) -> None:
        """Have a run made, as the operator."""
        self.submit(name, samples, dedup=dedup)
        with closing(self.as_root()) as backend, Workspace(self._folder / "work") as workspace:
            Worker(backend, self._find, workspace, name="root", pace=Pace(idle=0.01)).work(until_empty=True)

    def send(self, body: str) -> None:
        """Send a message by hand."""
        self.stack.root.client("sqs", endpoint_url=self.stack.url).send_message(
            QueueUrl=self.stack.resources.queue_url, MessageBody=body
        )

    def receive(self) -> dict[str, Any]:
        """Take the one message that waits, as Lambda's event source passes it on."""
        sqs = self.stack.root.client("sqs", endpoint_url=self.stack.url)
        (message,) = wait_until(
            lambda: sqs.receive_message(
                QueueUrl=self.stack.resources.queue_url, MessageSystemAttributeNames=["All"]
            ).get("Messages"),
            "the message",
        )
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
        }

    def work(self) -> str:
        """The worker function at the message that waits; what went wrong, as it says it."""
        record = self.receive()
        said = Said()
        logging.getLogger("lambda_image").addHandler(said)
        try:
            with (
                closing(self._function_backend(Who.WORKER)) as backend,
                Workspace(self._folder / "work") as workspace,
            ):
                (message,) = backend.queue.take([record])
                worker = Worker(
                    backend,
                    self._find,
                    workspace,
                    name="worker",
                    pace=Pace(lease=60, heartbeat=20, backoff=5),
                )
                handled = worker.handle(message)
        except Exception as error:  # noqa: BLE001 - whatever it was, the test says what it has to be
            return str(error)
        finally:
            logging.getLogger("lambda_image").removeHandler(said)
        return str(handled.reason or "".join(said.lines))

    def ask(self, seconds: float = 900.0, **event: Any) -> str:
        """The submit function's answer to an event; what went wrong, as it says it."""
        try:
            with closing(self._function_backend(Who.SUBMIT)) as backend:
                settings = FunctionSettings.read(self._environment)
                function = SubmitFunction(settings, backend, self._roster(), JsonLines())
                answer = function(event, Context(self.stack.outputs["SubmitFunctionName"], seconds))
        except Exception as error:  # noqa: BLE001 - as above
            return str(error)
        wanted = "continued" if seconds < 1 else "complete"
        return "" if answer["status"] == wanted else json.dumps(answer)

    def client(self, who: Who, service: str) -> Any:
        """A client with the function's credentials, for what Lambda does in its name."""
        return self.stack.session_of(who).client(service, endpoint_url=self.stack.url)

    def _find(self, name: str) -> Generator:
        return self.catalog.get(name)

    @property
    def _environment(self) -> dict[str, str]:
        resources = self.stack.resources
        return {
            "AWS_REGION": REGION,
            "SQS_QUEUE_URL": resources.queue_url,
            "SQS_DLQ_URL": resources.dlq_url,
            "OUTPUT_BUCKET": resources.bucket,
            "LEDGER_TABLE_NAME": resources.ledger_table,
            "DEDUP_TABLE_NAME": resources.dedup_table,
        }

    def _function_backend(self, who: Who) -> FunctionBackend:
        given = self.stack.session_of(who).get_credentials().get_frozen_credentials()
        for name, value in {
            "AWS_ENDPOINT_URL": self.stack.url,
            "AWS_ACCESS_KEY_ID": given.access_key,
            "AWS_SECRET_ACCESS_KEY": given.secret_key,
            "AWS_SESSION_TOKEN": given.token,
        }.items():
            self._patch.setenv(name, value)
        return FunctionBackend(self.stack.resources)

    def _roster(self) -> Roster:
        """What an image with these generators would hold."""
        inside = [
            replace(one, environment=replace(one.environment, python=self._folder / "bin" / "python"))
            for one in self.catalog
        ]
        return Roster.of(inside, root=self._folder, architecture="x86_64")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
