"""The two functions: what they run, how much they may have, what they are told, and what they may do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from infra.templates import IMAGE, Synth, named, of_type, plain, strings

from vbvr_infra.permissions import On, Who, permissions_of

WORKER, SUBMIT = "vbvr-worker", "vbvr-submit-tasks"


def function(template: dict[str, Any], name: str) -> dict[str, Any]:
    return named(template, "AWS::Lambda::Function", "FunctionName", name)


def role(template: dict[str, Any], name: str) -> dict[str, Any]:
    logical_id = function(template, name)["Role"]["Fn::GetAtt"][0]
    found: dict[str, Any] = template["Resources"][logical_id]["Properties"]
    return found


def environment(template: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = plain(function(template, name)["Environment"]["Variables"])
    return found


@pytest.mark.parametrize(("name", "command"), [(WORKER, "handler.handler"), (SUBMIT, "handler.submit")])
def test_both_run_the_image_each_with_its_entry_point(
    template: dict[str, Any], name: str, command: str
) -> None:
    found = function(template, name)
    assert (found["PackageType"], found["Code"]) == ("Image", {"ImageUri": IMAGE})
    assert found["ImageConfig"] == {"Command": [command]}
    assert found["Architectures"] == ["x86_64"]


def test_the_worker_has_what_the_context_says(template: dict[str, Any]) -> None:
    worker = function(template, WORKER)
    assert (worker["MemorySize"], worker["Timeout"], worker["EphemeralStorage"]) == (
        3072,
        900,
        {"Size": 4096},
    )


def test_the_queue_gives_the_worker_one_task_at_a_time_and_hears_of_failures(
    template: dict[str, Any],
) -> None:
    (source,) = of_type(template, "AWS::Lambda::EventSourceMapping").values()
    properties = source["Properties"]
    queue = template["Resources"][properties["EventSourceArn"]["Fn::GetAtt"][0]]
    target = template["Resources"][properties["FunctionName"]["Ref"]]
    assert queue["Properties"]["QueueName"] == "vbvr-queue"
    assert plain(target["Properties"]["FunctionName"]) == WORKER
    assert properties["BatchSize"] == 1
    assert properties["ScalingConfig"] == {"MaximumConcurrency": 990}
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_submit_function_may_go_on_by_itself_for_as_long_as_it_takes(template: dict[str, Any]) -> None:
    assert function(template, SUBMIT)["Timeout"] == 900
    assert function(template, SUBMIT)["RecursiveLoop"] == "Allow"
    assert "RecursiveLoop" not in function(template, WORKER)


@pytest.mark.parametrize("name", [WORKER, SUBMIT])
def test_a_function_is_told_where_everything_is(template: dict[str, Any], name: str) -> None:
    told = environment(template, name)
    queues = {one["Ref"]: one for one in (told.pop("SQS_QUEUE_URL"), told.pop("SQS_DLQ_URL"))}
    assert [template["Resources"][one]["Properties"]["QueueName"] for one in queues] == [
        "vbvr-queue",
        "vbvr-dlq",
    ]
    bucket = template["Resources"][told.pop("OUTPUT_BUCKET")["Ref"]]
    tables = [template["Resources"][told.pop(f"{one}_TABLE_NAME")["Ref"]] for one in ("LEDGER", "DEDUP")]
    assert bucket["Type"] == "AWS::S3::Bucket"
    assert [table["Properties"]["TableName"] for table in tables] == ["vbvr-ledger", "vbvr-dedup"]
    assert told.pop("VBVR_FUNCTION_MEMORY_MB", "3072") == "3072"
    assert told == {
        "VBVR_TARGET": "aws",
        "VBVR_STACK": "vbvr",
        "VBVR_HOME": "/tmp/vbvr",
        "VBVR_EXTRA_BUCKETS": "other-data,third-data",
        "VBVR_METRICS_NAMESPACE": "vbvr",
    }


@pytest.mark.parametrize("name", [WORKER, SUBMIT])
def test_logs_end_after_a_month(template: dict[str, Any], name: str) -> None:
    log = named(template, "AWS::Logs::LogGroup", "LogGroupName", f"/aws/lambda/{name}")
    logging = function(template, name)["LoggingConfig"]
    assert log["RetentionInDays"] == 30
    assert template["Resources"][logging["LogGroup"]["Ref"]]["Properties"] == log


@pytest.mark.parametrize(("name", "who"), [(WORKER, Who.WORKER), (SUBMIT, Who.SUBMIT)])
def test_a_role_may_do_what_the_list_says_to_this_stack_s_things_and_nothing_else(
    template: dict[str, Any], name: str, who: Who
) -> None:
    found = role(template, name)
    assert "ManagedPolicyArns" not in found
    (policy,) = found["Policies"]
    statements = plain(policy["PolicyDocument"]["Statement"])
    granted = {
        (action, resource)
        for statement in statements
        for action in as_list(statement["Action"])
        for resource in map(str, as_list(statement["Resource"]))
    }
    arns = arns_of(name, template)
    wanted = {
        (action, arn) for on, actions in permissions_of(who).items() for action in actions for arn in arns[on]
    }
    assert {one["Effect"] for one in statements} == {"Allow"}
    assert granted == wanted


@pytest.mark.parametrize("name", [WORKER, SUBMIT])
def test_only_lambda_may_take_a_role(template: dict[str, Any], name: str) -> None:
    (statement,) = role(template, name)["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_wildcards_stand_only_for_the_objects_of_two_prefixes(template: dict[str, Any]) -> None:
    wild = {
        text
        for name in (WORKER, SUBMIT)
        for text in strings(plain(role(template, name)["Policies"]))
        if "*" in text
    }
    assert wild == {
        f"arn:aws:s3:::{bucket}/{prefix}/*"
        for bucket in ("vbvr-output-111122223333", "other-data", "third-data")
        for prefix in ("manifests", "questions")
    }


def test_every_size_comes_from_the_context(synth: Synth, tmp_path: Path) -> None:
    context = {
        "imageUri": IMAGE,
        "stackName": "Another",
        "bucketName": "my.own-bucket",
        "lambdaMemoryMB": "1769",
        "lambdaTimeoutMinutes": "3",
        "sqsMaxConcurrency": "2",
        "architecture": "arm64",
        "ephemeralStorageMB": "512",
    }
    finished = synth(context, tmp_path)
    assert finished.returncode == 0, finished.stderr
    template = json.loads((tmp_path / "Another.template.json").read_text())

    worker = function(template, "Another-worker")
    (source,) = of_type(template, "AWS::Lambda::EventSourceMapping").values()
    (bucket,) = of_type(template, "AWS::S3::Bucket").values()
    queue = named(template, "AWS::SQS::Queue", "QueueName", "Another-queue")
    assert (worker["MemorySize"], worker["Timeout"], worker["EphemeralStorage"]) == (1769, 180, {"Size": 512})
    assert worker["Architectures"] == ["arm64"]
    assert worker["Environment"]["Variables"]["VBVR_EXTRA_BUCKETS"] == ""
    assert source["Properties"]["ScalingConfig"] == {"MaximumConcurrency": 2}
    assert bucket["Properties"]["BucketName"] == "my.own-bucket"
    assert queue["VisibilityTimeout"] == 240
    assert not of_type(template, "AWS::SNS::Topic")


def test_without_an_image_the_repository_s_own_is_built_from_what_it_needs_alone(
    synth: Synth, tmp_path: Path
) -> None:
    finished = synth({"architecture": "arm64"}, tmp_path)
    assert finished.returncode == 0, finished.stderr
    assets = json.loads((tmp_path / "vbvr.assets.json").read_text())
    template = json.loads((tmp_path / "vbvr.template.json").read_text())
    ((digest, image),) = assets["dockerImages"].items()
    context = tmp_path / image["source"]["directory"]
    images = [
        plain(one["Properties"]["Code"])["ImageUri"]["Fn::Sub"]
        for one in of_type(template, "AWS::Lambda::Function").values()
    ]

    assert image["source"]["dockerFile"] == "lambda_image/Dockerfile"
    assert image["source"]["platform"] == "linux/arm64"
    assert len(images) == 2
    assert all(one.endswith(f":{digest}") for one in images)
    assert {"lambda_image", "vbvr_cli", "generators.yaml"} <= {one.name for one in context.iterdir()}
    assert not {".git", ".venv", "tests", "docs", "infra"} & {one.name for one in context.iterdir()}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def arns_of(name: str, template: dict[str, Any]) -> dict[On, list[str]]:
    """The ARNs of what permissions are about, written out by hand."""
    buckets = [f"arn:aws:s3:::{one}" for one in ("vbvr-output-111122223333", "other-data", "third-data")]
    here = "us-east-2:111122223333"
    (log,) = (
        logical_id
        for logical_id, one in of_type(template, "AWS::Logs::LogGroup").items()
        if plain(one["Properties"]["LogGroupName"]) == f"/aws/lambda/{name}"
    )
    return {
        On.QUEUE: [f"arn:aws:sqs:{here}:vbvr-queue"],
        On.DLQ: [f"arn:aws:sqs:{here}:vbvr-dlq"],
        On.BUCKET: buckets,
        On.MANIFESTS: [f"{bucket}/manifests/*" for bucket in buckets],
        On.QUESTIONS: [f"{bucket}/questions/*" for bucket in buckets],
        On.LEDGER: [f"arn:aws:dynamodb:{here}:table/vbvr-ledger"],
        On.DEDUP: [f"arn:aws:dynamodb:{here}:table/vbvr-dedup"],
        On.SELF: [f"arn:aws:lambda:{here}:function:{name}"],
        On.LOGS: [str({"Fn::GetAtt": [log, "Arn"]})],
    }
