"""The context: what is wrong with it is said before anything is deployed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from infra.templates import IMAGE, Synth

from vbvr_cli.errors import ConfigurationError
from vbvr_infra.settings import read_context, settings_of

ROOT = Path(__file__).parents[2]
WRONG = [
    ("lambdaMemoryMB", "64", "a whole number from 128 to 10240"),
    ("lambdaMemoryMB", "3 GB", "a whole number from 128 to 10240"),
    ("lambdaMemoryMB", True, "a whole number"),
    ("lambdaTimeoutMinutes", "16", "from 1 to 15"),
    ("lambdaTimeoutMinutes", 0, "from 1 to 15"),
    ("lambdaTimeoutMinutes", 1.5, "a whole number"),
    ("sqsMaxConcurrency", 1, "from 2 to 1000"),
    ("sqsMaxConcurrency", 1001, "from 2 to 1000"),
    ("ephemeralStorageMB", 511, "from 512 to 10240"),
    ("architecture", "x86", "x86_64 or arm64"),
    ("imageUri", "docker.io/library/python:3.12", "an image in ECR"),
    ("imageUri", "111122223333.dkr.ecr.us-east-2.amazonaws.com/vbvr", "an image in ECR"),
    ("extraBuckets", "good-one,s3://Bad_One/path", "3 to 63 small letters"),
    ("extraBuckets", {"a": 1}, "a list of buckets"),
    ("bucketName", "Capital", "3 to 63 small letters"),
    ("bucketName", "a..b", "3 to 63 small letters"),
    ("stackName", "1st", "a letter, then"),
    ("stackName", "s" * 44, "up to 42"),
    ("stackName", "", "needs a name"),
    ("alarmEmail", "nobody", "one address"),
]


def settings(**context: Any) -> Any:
    return settings_of({**read_context({}), **context})


def test_cdk_json_alone_is_a_valid_context() -> None:
    found = settings()
    assert (found.stack_name, found.memory_mb, found.timeout_minutes) == ("vbvr", 3072, 15)
    assert (found.max_concurrency, found.architecture) == (990, "x86_64")
    assert (found.bucket_name, found.image_uri, found.alarm_email, found.extra_buckets) == (
        None,
        None,
        None,
        (),
    )


@pytest.mark.parametrize(("key", "value", "why"), WRONG)
def test_what_is_wrong_is_named_with_the_rule_and_the_way_out(key: str, value: Any, why: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(**{key: value})
    error = caught.value
    assert error.what.startswith(f"{key} is ")
    assert why in (error.why or "")
    assert f"--context {key}=" in (error.hint or "")


@pytest.mark.parametrize(
    "value", [["a-bucket", "arn:aws:s3:::other"], "a-bucket, arn:aws:s3:::other,a-bucket"]
)
def test_buckets_are_taken_as_a_list_or_as_text_by_name_or_arn(value: Any) -> None:
    assert settings(extraBuckets=value).extra_buckets == ("a-bucket", "other")


@pytest.mark.parametrize("uri", [IMAGE, f"{IMAGE.partition(':')[0]}@sha256:{'0' * 64}"])
def test_an_image_is_named_by_tag_or_by_digest(uri: str) -> None:
    assert settings(imageUri=uri).image_uri == uri


def test_a_key_that_is_none_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings(lambdaMemoryMb=2048)
    assert "lambdaMemoryMb" in caught.value.what
    assert "lambdaMemoryMB" in (caught.value.hint or "")


def test_the_cdk_s_own_keys_are_left_alone() -> None:
    assert settings(**{"aws:cdk:bundling-stacks": ["**"], "@aws-cdk/core:checkSecretUsage": True})


def test_the_longest_stack_name_still_gives_a_bucket_name_that_s3_takes() -> None:
    assert len(f"{settings(stackName='s' * 43).stack_name}-output-111122223333") == 63


def test_the_app_says_what_is_wrong_and_ends_with_3_before_it_loads_the_cdk(
    synth: Synth, tmp_path: Path
) -> None:
    finished = synth({"lambdaMemoryMB": "64"}, tmp_path)
    assert finished.returncode == 3
    assert finished.stderr.splitlines()[0] == "error: lambdaMemoryMB is '64'."
    assert [line.partition(":")[0] for line in finished.stderr.splitlines()] == ["error", "why", "hint"]
    assert not list(tmp_path.iterdir())


def test_settings_are_checked_without_the_cdk_and_the_stack_knows_no_back_end() -> None:
    """The infrastructure shares words with vbvr (keys, prefixes, errors), and loads nothing that runs."""
    program = (
        "import sys, json\n"
        "import vbvr_infra.settings\n"
        "early = sorted(sys.modules)\n"
        "import vbvr_infra.policies, vbvr_infra.tables\n"
        "print(json.dumps([early, sorted(sys.modules)]))\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": f"{ROOT / 'infra'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    early, late = json.loads(finished.stdout)
    assert not [name for name in early if name.startswith("aws_cdk")]
    assert not [name for name in late if name.partition(".")[0] in {"boto3", "botocore", "typer", "rich"}]
    ours = {name for name in late if name.startswith("vbvr_cli.")}
    assert ours <= {
        "vbvr_cli.backends",
        "vbvr_cli.backends.aws",
        "vbvr_cli.backends.aws.schema",
        "vbvr_cli.errors",
        "vbvr_cli.manifest",
        "vbvr_cli.models",
        "vbvr_cli.seeds",
    }
