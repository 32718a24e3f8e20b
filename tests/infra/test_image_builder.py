"""Building the image in the account: what CloudFormation asks for, what CodeBuild does, what is answered."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from emulators.ministack import ministack
from infra.templates import of_type
from infra.test_one_click import Account
from places import wait_until

import template

BUILDER = Path(__file__).parents[2] / "infra" / "vbvr_infra" / "builder"
DIGEST = f"vbvr-images@sha256:{'1' * 64}"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    folder = tmp_path / "emulator"
    folder.mkdir()
    with ministack(folder) as emulator:
        yield Account(emulator.url)


class Aws:
    """CodeBuild and CloudFormation as the answering function sees them: over HTTP, with its real client."""

    def __init__(self, build: dict[str, Any] | None, *, refuses: bool = False) -> None:
        self.started: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []
        aws = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                operation = self.headers["X-Amz-Target"].rpartition(".")[2]
                if operation == "StartBuild":
                    aws.started.append(body)
                    refusal = {"__type": "AccountLimitExceededException", "message": "too many builds"}
                    self._say(400 if refuses else 200, refusal if refuses else {"build": {}})
                else:
                    self._say(200, {"builds": [build]})

            def do_PUT(self) -> None:
                aws.answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._say(200, {})

            def _say(self, status: int, body: Any) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Lets the function handle an event as Lambda would, with AWS as the test has it."""
    from vbvr_infra.builder import answering

    running: list[Aws] = []

    def run(event: dict[str, Any], build: dict[str, Any] | None = None, *, refuses: bool = False) -> Aws:
        aws = Aws(build, refuses=refuses)
        running.append(aws)
        for name, value in {
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-2",
            "PROJECT": "the-project",
        }.items():
            monkeypatch.setenv(name, value)
        here = f"{aws.url}/answer"
        if "RequestType" in event:
            event = {**event, "ResponseURL": here}
        elif build and build["environment"]["environmentVariables"]:
            build["environment"]["environmentVariables"][0]["value"] = here
        answering.handler(event, None)
        return aws

    yield run
    for aws in running:
        aws.close()


ASKED = {
    "RequestType": "Create",
    "StackId": "the-stack",
    "RequestId": "the-request",
    "LogicalResourceId": "BuilderImage",
    "ResourceProperties": {"Repository": "https://example.org/vbvr", "Revision": "v1"},
}


def ended(status: str) -> dict[str, Any]:
    return {
        "detail-type": "CodeBuild Build State Change",
        "detail": {"build-id": "b", "build-status": status},
    }


def build(*, image: bool = True) -> dict[str, Any]:
    told = {
        "ResponseURL": "",
        "StackId": "the-stack",
        "RequestId": "the-request",
        "LogicalResourceId": "BuilderImage",
    }
    return {
        "environment": {
            "environmentVariables": [{"name": name, "value": value} for name, value in told.items()]
        },
        "exportedEnvironmentVariables": [{"name": "IMAGE_URI", "value": DIGEST}] if image else [],
        "logs": {"deepLink": "https://example.org/log"},
    }


def test_a_build_is_started_that_knows_what_to_build_and_whom_to_answer(handle: Any) -> None:
    aws = handle(ASKED)
    (started,) = aws.started
    told = {one["name"]: one["value"] for one in started["environmentVariablesOverride"]}
    assert started["projectName"] == "the-project"
    assert told["ResponseURL"] == f"{aws.url}/answer"
    assert (told["REPOSITORY"], told["REVISION"]) == ("https://example.org/vbvr", "v1")
    assert (told["StackId"], told["RequestId"]) == ("the-stack", "the-request")
    assert not aws.answers  # CloudFormation waits for the end of the build


def test_the_end_of_a_build_is_answered_with_the_image(handle: Any) -> None:
    (answer,) = handle(ended("SUCCEEDED"), build()).answers
    assert answer["Status"] == "SUCCESS"
    assert answer["Data"] == {"ImageUri": DIGEST}
    assert (answer["StackId"], answer["RequestId"], answer["LogicalResourceId"]) == (
        "the-stack",
        "the-request",
        "BuilderImage",
    )


@pytest.mark.parametrize("status", ["FAILED", "FAULT", "STOPPED", "TIMED_OUT"])
def test_a_build_that_did_not_succeed_fails_the_stack_with_its_log(handle: Any, status: str) -> None:
    (answer,) = handle(ended(status), build(image=False)).answers
    assert answer["Status"] == "FAILED"
    assert status in answer["Reason"]
    assert "https://example.org/log" in answer["Reason"]


def test_a_build_that_cannot_be_started_fails_at_once_instead_of_after_an_hour(handle: Any) -> None:
    (answer,) = handle(ASKED, refuses=True).answers
    assert answer["Status"] == "FAILED"
    assert "too many builds" in answer["Reason"]


def test_removing_the_stack_waits_for_no_build(handle: Any) -> None:
    aws = handle({**ASKED, "RequestType": "Delete", "PhysicalResourceId": "image"})
    assert [one["Status"] for one in aws.answers] == ["SUCCESS"]
    assert not aws.started


def test_a_build_that_somebody_started_by_hand_is_answered_to_nobody(handle: Any) -> None:
    mine = build()
    mine["environment"]["environmentVariables"] = []
    assert not handle(ended("SUCCEEDED"), mine).answers


def test_the_stack_starts_a_build_and_waits_for_it(account: Account) -> None:
    """Its function runs in the emulator, whose builds forget their variables: this is as far as it goes."""
    builds = account.session.client("codebuild", endpoint_url=account.url)
    account.begin(Repository="https://example.org/vbvr")
    (build_id,) = wait_until(lambda: builds.list_builds()["ids"], "a build")
    (record,) = builds.batch_get_builds(ids=[build_id])["builds"]
    (stack,) = account.cloudformation.describe_stacks(StackName="vbvr")["Stacks"]
    (project,) = builds.batch_get_projects(names=[record["projectName"]])["projects"]
    made = {
        one["ResourceType"]
        for one in account.cloudformation.list_stack_resources(StackName="vbvr")["StackResourceSummaries"]
    }
    assert stack["StackStatus"] == "CREATE_IN_PROGRESS"
    assert project["environment"]["type"] == "LINUX_CONTAINER"
    assert project["environment"]["privilegedMode"] is True
    assert "AWS::ECR::Repository" in made


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """docker, aws and make that write down how they were called."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("docker", "aws", "make"):
        program = folder / name
        program.write_text(f'#!/bin/bash\necho "{name} $*" >> "$CALLS"\n{ANSWERS.get(name, "")}')
        program.chmod(0o755)
    return folder


ANSWERS = {
    "docker": f'[ "$1" != inspect ] || echo "{DIGEST}"\n[ "$1" != login ] || cat > /dev/null\n',
    "make": 'mkdir -p "$2/.venv/bin"; printf "#!/bin/bash\\necho vbvr \\$* in \\$PWD >> $CALLS\\n" '
    '> "$2/.venv/bin/vbvr"; chmod +x "$2/.venv/bin/vbvr"\n',
    "aws": "echo password\n",
}


def run_build(tmp_path: Path, programs: Path, revision: str) -> subprocess.CompletedProcess[str]:
    """The commands of the buildspec, as the template has them, in an empty folder."""
    document = yaml.safe_load(template.TEMPLATE.read_text())
    (project,) = of_type(document, "AWS::CodeBuild::Project").values()
    spec = yaml.safe_load(project["Properties"]["Source"]["BuildSpec"])
    work = tmp_path / "build"
    work.mkdir()
    script = "\n".join(["set -e", *spec["phases"]["build"]["commands"], 'echo "$IMAGE_URI"'])
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "CALLS": str(tmp_path / "calls"),
        "REPOSITORY": str(tmp_path / "repository"),
        "REVISION": revision,
        "REGISTRY": "registry",
        "IMAGE": "registry/images",
        "CODEBUILD_BUILD_NUMBER": "7",
    }
    return subprocess.run(
        ["bash", "-c", script], cwd=work, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def repository(tmp_path: Path) -> str:
    """A git repository; its first commit."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(folder)]
    for command in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    first = subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    (folder / "lambda_image").mkdir()
    (folder / "lambda_image" / "Dockerfile").write_text("FROM scratch\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "second"], check=True)
    subprocess.run([*git, "config", "uploadpack.allowAnySHA1InWant", "true"], check=True)
    return first


def test_the_build_fetches_the_revision_builds_it_and_pushes_it(
    tmp_path: Path, programs: Path, repository: str
) -> None:
    finished = run_build(tmp_path, programs, "HEAD")
    calls = (tmp_path / "calls").read_text().splitlines()
    source = tmp_path / "build" / "source"
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines()[-1] == DIGEST
    assert (source / "lambda_image" / "Dockerfile").exists()
    assert f"vbvr fetch-generators -g all in {source}" in calls
    assert [call for call in calls if call.startswith("docker")] == [
        "docker login --username AWS --password-stdin registry",
        "docker build --file source/lambda_image/Dockerfile --tag registry/images:build-7 source",
        "docker push registry/images:build-7",
        "docker inspect --format {{index .RepoDigests 0}} registry/images:build-7",
    ]


def test_an_older_commit_is_built_when_it_is_asked_for(
    tmp_path: Path, programs: Path, repository: str
) -> None:
    run_build(tmp_path, programs, repository)
    assert not (tmp_path / "build" / "source" / "lambda_image").exists()


def test_a_revision_that_is_not_there_fails_the_build_before_anything_is_pushed(
    tmp_path: Path, programs: Path, repository: str
) -> None:
    finished = run_build(tmp_path, programs, "no-such-branch")
    assert finished.returncode != 0
    assert not (tmp_path / "calls").exists()


def test_the_function_fits_into_the_template() -> None:
    assert len((BUILDER / "answering.py").read_text()) <= 4096
