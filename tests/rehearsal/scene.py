"""Where the rehearsal plays: an operator with a terminal, an emulated account, and the image's very tree."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from emulators.function_host import Function, FunctionHost, make_writable
from emulators.ministack import Ministack, ministack
from emulators.stack import REGION
from places import Finished, Vbvr

ROOT = Path(__file__).parents[2]
STACK = "vbvr"
WORKER, SUBMIT = f"{STACK}-worker", f"{STACK}-submit-tasks"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
REPOSITORY, TAG = "vbvr", "rehearsal"
PATIENCE_SECONDS = 300.0
RUNTIMES = 2
DEPTHS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]


class Steps:
    """Says what is being done and how long it took, for whoever reads along."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begun = time.monotonic()

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.seconds[what] = time.monotonic() - begun
        self.say(f"{self.seconds[what]:6.1f} s  {what}")

    def total(self) -> None:
        """Say how long all of it took."""
        self.say(f"{time.monotonic() - self._begun:6.1f} s  in all")

    @staticmethod
    def say(text: str) -> None:
        """A line on the terminal."""
        print(text, file=sys.stderr, flush=True)


class Operator(Vbvr):
    """The command as an operator runs it who is patient: a first deployment fetches the CDK."""

    def finish(self, process: subprocess.Popen[str], stdin: str = "") -> Finished:
        stdout, stderr = process.communicate(stdin, timeout=PATIENCE_SECONDS)
        return Finished(process.returncode, stdout, stderr)


def client_of(emulator: Ministack, service: str, credentials: Mapping[str, str] | None = None) -> Any:
    """boto3's client of an emulated account, as its owner or with other credentials."""
    keys = credentials or KEYS
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=emulator.url,
        region_name=REGION,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys.get("AWS_SESSION_TOKEN"),
    )


@dataclass
class Scene:
    """All that plays a part."""

    vbvr: Operator
    emulator: Ministack
    host: FunctionHost
    image_uri: str
    steps: Steps = field(default_factory=Steps)

    def client(self, service: str, credentials: Mapping[str, str] | None = None) -> Any:
        """boto3's client of the emulated account, as its owner or with the credentials of a role."""
        return client_of(self.emulator, service, credentials)

    def credentials_of(self, function: str) -> dict[str, str]:
        """What Lambda gives a function: the credentials of its role."""
        role = self.client("lambda").get_function_configuration(FunctionName=function)["Role"]
        found = self.client("sts").assume_role(RoleArn=role, RoleSessionName=function)["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
            "AWS_SESSION_TOKEN": found["SessionToken"],
        }

    def serve(self, function: str, handler: str, runtimes: int) -> None:
        """Run a function as it was deployed: its environment, memory and time, and its role's credentials."""
        deployed = self.client("lambda").get_function_configuration(FunctionName=function)
        self.host.add(
            Function(
                function,
                handler,
                environment={
                    **deployed["Environment"]["Variables"],
                    **self.credentials_of(function),
                    "AWS_REGION": REGION,
                    "AWS_ENDPOINT_URL": self.emulator.url,
                },
                timeout=deployed["Timeout"],
                memory_mb=deployed["MemorySize"],
                concurrency=runtimes,
            )
        )

    def serve_both(self) -> None:
        """Run the worker and the submit function of the stack."""
        self.serve(WORKER, "handler.handler", RUNTIMES)
        self.serve(SUBMIT, "handler.submit", 1)

    def invoke_submit(self, event: Mapping[str, Any]) -> Any:
        """What the submit function answers when somebody invokes it."""
        answer = self.client("lambda").invoke(FunctionName=SUBMIT, Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload

    def await_that(self, condition: Callable[[], Any], what: str) -> Any:
        """What a condition gives once it is true."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if result := condition():
                return result
            time.sleep(0.25)
        logs = [line for line in self.host.log(WORKER) if line.get("level") in {"ERROR", "WARNING"}]
        raise AssertionError(f"waited in vain for {what}; the worker said {logs[-5:]}")

    def depth(self, queue: str) -> int:
        """How many messages a queue of the stack holds, whatever their state."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=f"{STACK}-{queue}")["QueueUrl"]
        return sum(
            map(int, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=DEPTHS)["Attributes"].values())
        )

    def drained(self) -> int:
        """How many dead letters there are once nothing waits and nothing is being worked on."""
        self.await_that(lambda: not self.depth("queue"), "an empty queue")
        return self.depth("dlq")


def push_image(scene_client: Callable[[str], Any]) -> None:
    """Put an image into ECR; what it holds is served by the function host."""
    ecr = scene_client("ecr")
    ecr.create_repository(repositoryName=REPOSITORY)
    kind = "application/vnd.oci.image.manifest.v1+json"
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{0:064}", "size": 2}
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}
    ecr.put_image(
        repositoryName=REPOSITORY,
        imageManifest=json.dumps(manifest),
        imageTag=TAG,
        imageManifestMediaType=kind,
    )


def build_tree(tree: Path, vbvr: Vbvr) -> None:
    """Lay out what the image holds, with the operator's generators."""
    subprocess.run(
        [ROOT / "lambda_image" / "build.sh", "--target", tree, "--generators-path", vbvr.generators,
         "--catalog", ROOT / "generators.yaml", "--home", vbvr.state],
        env={**os.environ, "BUILD_PYTHON": sys.executable},
        check=True,
        capture_output=True,
    )  # fmt: skip


@contextmanager
def scene(folder: Path, *generators: str) -> Iterator[Scene]:
    """Build the tree with these test generators, and begin with an account that nothing was deployed to."""
    steps = Steps()
    vbvr = Operator(folder / "operator")
    vbvr.add(*generators)
    tree = folder / "tree"
    with steps("the tree of the image is built"):
        build_tree(tree, vbvr)
    emulator_folder = folder / "emulator"
    emulator_folder.mkdir()
    with contextlib.ExitStack() as stack:
        stack.callback(make_writable, tree)
        host = stack.enter_context(FunctionHost(tree, folder / "functions"))
        variables = {f"MINISTACK_LAMBDA_PROXY_{name}": host.url for name in (WORKER, SUBMIT)}
        emulator = stack.enter_context(
            ministack(emulator_folder, AUTH="true", LAMBDA_ACCOUNT_CONCURRENCY="1000", **variables)
        )
        vbvr.environment |= {**KEYS, "AWS_ENDPOINT_URL": emulator.url}
        account = "000000000000"
        uri = f"{account}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}:{TAG}"
        playing = Scene(vbvr, emulator, host, uri, steps)
        push_image(playing.client)
        yield playing
        steps.total()
