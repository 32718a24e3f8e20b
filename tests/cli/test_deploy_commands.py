"""`vbvr deploy` and `destroy` before they reach AWS: what is said, and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from places import Vbvr

IMAGE = "000000000000.dkr.ecr.us-east-2.amazonaws.com/vbvr:1"


@pytest.fixture
def without_aws(vbvr: Vbvr) -> Vbvr:
    """A user without credentials; nobody is asked for them on the network."""
    vbvr.environment |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_REGION": "us-east-2"}
    put(vbvr, "npm", "exit 9")
    return vbvr


def put(vbvr: Vbvr, name: str, script: str) -> None:
    """A program that is found before all others."""
    folder = vbvr.folder / "programs"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    if not vbvr.environment["PATH"].startswith(str(folder)):
        vbvr.environment["PATH"] = f"{folder}:{vbvr.environment['PATH']}"


@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_where_nobody_can_answer_the_way_out_is_named_before_anything_is_done(
    vbvr: Vbvr, command: str
) -> None:
    refused = vbvr(command, "--stack", "trial", "--region", "eu-west-1")

    assert refused.exit_code == 2
    assert "stack trial in eu-west-1" in refused.stderr
    assert "Add --yes" in refused.stderr
    assert not vbvr.state.exists()


@pytest.mark.parametrize("command", ["deploy", "destroy"])
def test_without_credentials_that_is_said(without_aws: Vbvr, command: str) -> None:
    put(without_aws, "node", "echo v22.0.0")
    more = ["--image-uri", IMAGE] if command == "deploy" else []

    refused = without_aws(command, "--yes", *more)

    assert refused.exit_code == 3
    assert "No AWS credentials were found" in refused.stderr


def test_errors_are_json_where_the_result_would_have_been(without_aws: Vbvr) -> None:
    put(without_aws, "node", "echo v16.1.0")

    refused = without_aws("deploy", "--yes", "--json", "--image-uri", IMAGE)

    error = json.loads(refused.stderr)
    assert (refused.exit_code, error["exit_code"], refused.stdout) == (3, 3, "")
    assert "v16.1.0 is too old" in error["error"]


def test_neither_docker_nor_an_image_is_refused_and_so_is_having_no_generators(without_aws: Vbvr) -> None:
    put(without_aws, "node", "echo v22.0.0")
    put(without_aws, "docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1")

    refused = without_aws("deploy", "--yes")

    assert refused.exit_code == 3
    assert "Docker does not answer, and no --image-uri is given" in refused.stderr
    assert "No generators have been fetched" in refused.stderr
    assert "vbvr fetch-generators" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--context", "lambdaMemoryMB"], "--context lambdaMemoryMB is not key=value"),
        (["--context", "stackName=other"], "stackName has an option of its own"),
        (["--context", f"imageUri={IMAGE}"], "imageUri has an option of its own"),
        (["--image-uri", "vbvr:1"], "--image-uri vbvr:1 names no image in ECR"),
    ],
)
def test_options_that_cannot_be_are_refused_with_exit_code_3(
    without_aws: Vbvr, arguments: list[str], said: str
) -> None:
    refused = without_aws("deploy", "--yes", *arguments)

    assert (refused.exit_code, said in refused.stderr) == (3, True), refused.stderr


def test_help_names_what_an_operator_decides(vbvr: Vbvr) -> None:
    deploying, destroying = vbvr.ok("deploy", "--help").stdout, vbvr.ok("destroy", "--help").stdout

    for option in (
        "--yes",
        "--diff",
        "--json",
        "--image-uri",
        "--context",
        "--stack",
        "--profile",
        "--region",
    ):
        assert option in deploying
    assert "--drop-tasks" in destroying
    assert not Path(vbvr.state).exists()
