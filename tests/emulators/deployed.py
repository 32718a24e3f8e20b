"""A stack as CloudFormation knows it: outputs, a worker function that the queue feeds, and a submit function.

The submit function is a real one that the emulator runs. All that it can do is to say what its image holds.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import boto3

from vbvr_cli.backends.aws.resources import Resources

DESCRIBE = """
import json
import pathlib

def handler(event, context):
    if event != {"describe": True}:
        raise ValueError(f"asked for {event}")
    return {"roster": json.loads(pathlib.Path(__file__).with_name("roster.json").read_text())}
"""
RAISES = "def handler(event, context):\n    raise RuntimeError('the image is broken')\n"


def deploy(
    using: boto3.Session,
    stack: Resources,
    *,
    name: str = "vbvr",
    endpoint_url: str | None = None,
    roster: str | None = None,
    code: str = DESCRIBE,
    memory_mb: int = 2048,
    max_workers: int = 40,
) -> Mapping[str, str]:
    """Make a CloudFormation stack with the outputs of ours; its functions are there if it has a `roster`.

    The queue feeds the worker function on paper only: it is disabled, so that nothing takes messages away.
    """
    outputs = {
        "QueueUrl": stack.queue_url,
        "DlqUrl": stack.dlq_url,
        "BucketName": stack.bucket,
        "DedupTableName": stack.dedup_table,
        "LedgerTableName": stack.ledger_table,
    }
    if roster is not None:
        outputs["FunctionName"], outputs["SubmitFunctionName"] = f"{name}-worker", f"{name}-submit-tasks"
        functions = using.client("lambda", endpoint_url=endpoint_url)
        _make_function(functions, outputs["FunctionName"], memory_mb, {"code.py": "def handler(*_): pass\n"})
        _make_function(
            functions, outputs["SubmitFunctionName"], 256, {"code.py": code, "roster.json": roster}
        )
        functions.create_event_source_mapping(
            FunctionName=outputs["FunctionName"],
            EventSourceArn=_queue_arn(using, stack.queue_url, endpoint_url),
            Enabled=False,
            ScalingConfig={"MaximumConcurrency": max_workers},
        )
    make_outputs(using, name, outputs, endpoint_url)
    return outputs


def make_outputs(
    using: boto3.Session, name: str, outputs: Mapping[str, str], endpoint_url: str | None = None
) -> None:
    """A stack that has these outputs and nothing else."""
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    client = using.client("cloudformation", endpoint_url=endpoint_url)
    client.create_stack(StackName=name, TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def _make_function(client: Any, name: str, memory_mb: int, files: Mapping[str, str]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    client.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/any",
        Handler="code.handler",
        Code={"ZipFile": packed.getvalue()},
        MemorySize=memory_mb,
        Timeout=60,
        Architectures=["arm64"],
    )


def _queue_arn(using: boto3.Session, url: str, endpoint_url: str | None) -> str:
    client = using.client("sqs", endpoint_url=endpoint_url)
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])
