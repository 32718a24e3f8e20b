"""What the tests of the functions have in common: the tree's generators, and a stack that serves them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulators.function_host import Answer, Function, FunctionHost
from emulators.ministack import Ministack
from emulators.stack import make_stack, session
from generators.layout import lay_out

from vbvr_cli.backends.aws.backend import AwsBackend
from vbvr_cli.backends.ports import DeadLetter
from vbvr_cli.manifest import ManifestLine, manifest_key, parse_manifest
from vbvr_cli.models import Run, Task, TaskMessage, TaskRecord
from vbvr_cli.planning import tasks_of
from vbvr_cli.worker.admission import task_of

GENERATORS = (
    "good",
    "always_fails",
    "allocates_too_much",
    "hangs",
    "kills_itself",
    "leaves_files",
    "leaves_processes",
    "writes_into_its_own_folder",
)
ESCAPES, GATED = "escapes", "gated"
FETCHED, OLD_NEEDS = "fetched", "old_needs"
"""One from a repository, and one from a folder whose needs exclude those of the other."""
STARTER = "G-object_trajectory_data-generator"
WORK, SUBMIT = "work", "submit-tasks"

_ESCAPES = '''"""Leaves a daemon that nothing connects with it any more, and a file in the function's /tmp."""

import os
import subprocess
from pathlib import Path

from sample import read_arguments, write_all

workspace = Path(os.environ["VBVR_WORKSPACE"])
tmp = next(folder for folder in workspace.parents if folder.name == "vbvr").parent
(tmp / "left-behind").mkdir()
(tmp / "left-behind" / "file").write_text("x")
(tmp / "left-behind").chmod(0)
(tmp / "link").symlink_to("/nowhere")
subprocess.run(["sh", "-c", "cd / && exec env -i setsid sleep 1000 >/dev/null 2>&1 &"], check=True)
write_all(read_arguments())
'''
_GATED = '''"""Waits for a file in the folder of its options, and says that it does."""

import sys
import time
from pathlib import Path

gate = Path(sys.argv.pop().partition("=")[2])
from sample import read_arguments, write_all

(gate / "waiting").touch()
while not (gate / "go").exists():
    time.sleep(0.01)
write_all(read_arguments())  # --output
'''


def git(folder: Path, *arguments: str) -> str:
    person = {
        f"GIT_{role}_{field}": "a@example.org"
        for role in ("AUTHOR", "COMMITTER")
        for field in ("NAME", "EMAIL")
    }
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **person},
    ).stdout.strip()


def lay_out_catalog(folder: Path) -> Path:
    """Generators below `folder`, and the catalog that lists them and a starter."""
    gate = folder / "gate"
    gate.mkdir(mode=0o777)
    for name in GENERATORS:
        lay_out(folder / "generators", name)
    for name, program in ((ESCAPES, _ESCAPES), (GATED, _GATED)):
        shutil.copytree(folder / "generators" / "good", folder / "generators" / name)
        (folder / "generators" / name / "examples" / "generate.py").write_text(program)
    for name, version in ((FETCHED, "1.16.0"), (OLD_NEEDS, "1.15.0")):
        program = shutil.copytree(folder / "generators" / "good", folder / "generators" / name)
        (program / "requirements.txt").write_text(f"six=={version}\n")
        with (program / "examples" / "generate.py").open("a") as file:
            file.write(f"import six\nassert six.__version__ == {version!r}\n")
    repository = folder / "generators" / FETCHED
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        git(repository, *arguments)
    entries: list[dict[str, Any]] = [
        {"name": name, "source": {"path": f"generators/{name}"}, "category": "test"}
        for name in (*GENERATORS, ESCAPES, GATED)
    ]
    entries[-1]["options"] = [f"--gate={gate}"]
    entries += [
        {"name": FETCHED, "source": {"git": f"file://{repository}"}},
        {"name": "not_fetched", "source": {"git": f"file://{folder}/nowhere"}},
        {"name": OLD_NEEDS, "source": {"path": f"generators/{OLD_NEEDS}"}},
        {"name": STARTER, "source": {"starter": STARTER}, "role": "train"},
        {"name": "absent", "source": {"path": "generators/absent"}, "category": "test"},
        {
            "name": "needs_a_library",
            "source": {"path": "generators/good"},
            "system_packages": ["libnobodyknows1"],
        },
    ]
    catalog = folder / "generators.yaml"
    catalog.write_text(json.dumps({"version": 1, "generators": entries}))
    return catalog


@dataclass(frozen=True)
class Delivery:
    """One delivery by the event source: what the function answered, and the messages that it left."""

    answer: Answer
    failed: list[str]
    messages: list[dict[str, Any]]


class Served:
    """A stack on the emulator and its functions. The queue's event source is played by `deliver`."""

    def __init__(self, tree: Path, emulator: Ministack, folder: Path, **terms: Any) -> None:
        self.aws = session()
        self.emulator = emulator
        self.resources = make_stack(self.aws, emulator.url, extra_buckets=1)
        self.backend = AwsBackend(self.resources, self.aws, endpoint_url=emulator.url, threads=4)
        self.sqs = self.aws.client("sqs", endpoint_url=emulator.url)
        self.name = self.resources.queue_url.rpartition("/")[2].removesuffix("-queue")
        self.work, self.submit_tasks = f"{self.name}-{WORK}", f"{self.name}-{SUBMIT}"
        self.environment = {
            "AWS_REGION": self.resources.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": emulator.url,
            "SQS_QUEUE_URL": self.resources.queue_url,
            "SQS_DLQ_URL": self.resources.dlq_url,
            "OUTPUT_BUCKET": self.resources.bucket,
            "LEDGER_TABLE_NAME": self.resources.ledger_table,
            "DEDUP_TABLE_NAME": self.resources.dedup_table,
            "VBVR_STACK": "test-stack",
        }
        self.host = FunctionHost(tree, folder / self.name)
        self.serve(**terms)

    def serve(self, **terms: Any) -> None:
        """Deploy both functions, anew if they are there."""
        environment = {**self.environment, **terms.pop("environment", {})}
        self.host.add(Function(self.work, "handler.handler", environment, **terms))
        self.host.add(Function(self.submit_tasks, "handler.submit", environment, **terms))

    def register(self, name: str, timeout: int = 60) -> None:
        """Let the emulator know a function, which it forwards to the host."""
        self.aws.client("lambda", endpoint_url=self.emulator.url).create_function(
            FunctionName=name,
            Role="arn:aws:iam::000000000000:role/function",
            PackageType="Image",
            Code={"ImageUri": "000000000000.dkr.ecr.us-east-2.amazonaws.com/vbvr:latest"},
            Timeout=timeout,
            Environment={"Variables": {"MINISTACK_LAMBDA_PROXY_URL": self.host.url}},
        )

    def send(self, *messages: TaskMessage | str) -> None:
        """Put messages into the queue as somebody writes them."""
        for message in messages:
            body = message if isinstance(message, str) else message.to_json()
            self.sqs.send_message(QueueUrl=self.resources.queue_url, MessageBody=body)

    def receive(self, most: int = 1, visibility: int = 120) -> list[dict[str, Any]]:
        """Take messages as the event source does."""
        taken: list[dict[str, Any]] = []
        while len(taken) < most:
            more = self.sqs.receive_message(
                QueueUrl=self.resources.queue_url,
                MaxNumberOfMessages=most - len(taken),
                VisibilityTimeout=visibility,
                AttributeNames=["All"],
            ).get("Messages", [])
            if not more:
                break
            taken += more
        return taken

    def deliver(self, most: int = 1, visibility: int = 120) -> Delivery:
        """Invoke the function with messages, and delete those that it does not report as failed."""
        return self.invoke(self.receive(most, visibility))

    def invoke(self, messages: list[dict[str, Any]]) -> Delivery:
        answer = self.host.invoke(self.work, event_of(messages))
        failed = [message["MessageId"] for message in messages]
        if not answer.failed:
            failed = [one["itemIdentifier"] for one in answer.payload["batchItemFailures"]]
        for message in messages:
            if message["MessageId"] not in failed:
                self.sqs.delete_message(
                    QueueUrl=self.resources.queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
        return Delivery(answer, failed, messages)

    def ask(self, event: Any) -> Answer:
        """Invoke the submit function."""
        return self.host.invoke(self.submit_tasks, event)

    def task(self, message: TaskMessage) -> Task:
        return task_of(message, self.resources.bucket)

    def record(self, message: TaskMessage) -> TaskRecord:
        record = self.backend.ledger.get_task(self.task(message))
        assert record
        return record

    def run(self, generator: str) -> Run:
        (run,) = self.backend.ledger.list_runs(self.resources.bucket, generator)
        return run

    def lines(self, *tasks: Task) -> list[ManifestLine]:
        """What the manifests of tasks name."""
        store = self.backend.store(self.resources.bucket)
        keys = [manifest_key(task) for task in tasks]
        return [line for key in keys for line in parse_manifest(key, store.get(key))]

    def tasks(self, generator: str) -> list[Task]:
        return list(tasks_of(self.run(generator)))

    def letters(self) -> list[DeadLetter]:
        return self.backend.queue.lease_dead(10, 60)

    def depth(self) -> int:
        """All messages that are not dead."""
        depth = self.backend.queue.depth()
        return depth.waiting + depth.in_flight + depth.delayed

    def log(self) -> list[dict[str, Any]]:
        return self.host.log(self.work)

    def wait_for(self, file: Path) -> None:
        deadline = time.monotonic() + 60
        while not file.exists():
            assert time.monotonic() < deadline, f"waited in vain for {file}"
            time.sleep(0.01)

    def close(self) -> None:
        self.host.close()
        self.backend.close()


def event_of(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Messages as the event source hands them over."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-2:000000000000:queue",
                "awsRegion": "us-east-2",
            }
            for message in messages
        ]
    }
