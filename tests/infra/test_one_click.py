"""The one-click template: it is current, needs nothing but an account, and makes a factory that works."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError
from emulators.ministack import ministack
from emulators.stack import REGION, session
from infra.templates import IMAGE, named, of_type, strings
from places import Vbvr, wait_until

import template

STACK = "vbvr"
VARIABLES = {
    "SQS_QUEUE_URL": "QueueUrl",
    "SQS_DLQ_URL": "DlqUrl",
    "OUTPUT_BUCKET": "BucketName",
    "LEDGER_TABLE_NAME": "LedgerTableName",
    "DEDUP_TABLE_NAME": "DedupTableName",
}
PARAMETERS = {
    "ImageUri": "",
    "Revision": "HEAD",
    "Architecture": "x86_64",
    "MaxConcurrency": 990,
    "MemoryMB": 3072,
    "EphemeralStorageMB": 4096,
    "BucketName": "",
    "ExistingData": "no",
    "AlarmEmail": "",
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(template.TEMPLATE.read_text())
    return found


def test_what_is_committed_is_what_would_be_written() -> None:
    assert template.TEMPLATE.read_text() == template.render(), (
        "run `make template`, and commit what it writes"
    )


def test_cloudformation_takes_it_as_it_is_without_a_bucket_or_the_cdk(document: dict[str, Any]) -> None:
    assert len(template.TEMPLATE.read_bytes()) <= 51_200
    assert "Transform" not in document
    assert set(document["Rules"]) == {"ImageOrRepository"}, "none that asks for a bootstrapped account"
    assert not [text for text in strings(document) if "cdk-hnb659fds" in text or "/cdk-bootstrap/" in text]


def test_every_parameter_has_a_default_and_says_what_it_is_for(document: dict[str, Any]) -> None:
    parameters = document["Parameters"]
    (groups,) = document["Metadata"]["AWS::CloudFormation::Interface"].values()
    grouped = [name for group in groups for name in group["Parameters"]]
    assert {name: one["Default"] for name, one in parameters.items()} == PARAMETERS | {"Repository": ""}
    assert all(one["Description"] for one in parameters.values())
    assert sorted(grouped) == sorted(parameters)


def test_the_same_factory_comes_of_it_as_of_the_app(document: dict[str, Any]) -> None:
    """Retention, queues and keys are held by the tests of the stack; here, that it is the same constructs."""
    worker = named(document, "AWS::Lambda::Function", "FunctionName", f"{STACK}-worker")
    queue = named(document, "AWS::SQS::Queue", "QueueName", f"{STACK}-queue")
    (source,) = of_type(document, "AWS::Lambda::EventSourceMapping").values()
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 10
    assert worker["MemorySize"] == {"Ref": "MemoryMB"}
    assert source["Properties"]["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "MaxConcurrency"}}
    for kind in ("AWS::S3::Bucket", "AWS::DynamoDB::Table"):
        for kept in of_type(document, kind).values():
            assert (kept["DeletionPolicy"], kept["Condition"]) == ("Retain", "DataIsNew")


class Account:
    """An account in which the template is launched."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session: boto3.Session = session()
        self.cloudformation = self.session.client("cloudformation", endpoint_url=url)

    def launch(self, **parameters: str) -> Mapping[str, Any]:
        """The stack once it has come to rest."""
        self.begin(**parameters)
        return self.at_rest()

    def begin(self, **parameters: str) -> None:
        self.cloudformation.create_stack(
            StackName=STACK,
            TemplateBody=template.TEMPLATE.read_text(),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
            ],
        )

    def at_rest(self) -> Mapping[str, Any]:
        def look() -> Mapping[str, Any] | None:
            (stack,) = self.cloudformation.describe_stacks(StackName=STACK)["Stacks"]
            return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

        found: Mapping[str, Any] = wait_until(look, "the stack")
        return found

    def remove(self) -> None:
        self.cloudformation.delete_stack(StackName=STACK)
        wait_until(self.is_gone, "the stack to go")

    def is_gone(self) -> bool:
        try:
            (stack,) = self.cloudformation.describe_stacks(StackName=STACK)["Stacks"]
        except ClientError:
            return True
        return stack["StackStatus"] == "DELETE_COMPLETE"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    folder = tmp_path / "emulator"
    folder.mkdir()
    with ministack(folder) as emulator:
        yield Account(emulator.url)


def test_a_factory_is_launched_with_an_image_and_used(account: Account, vbvr: Vbvr) -> None:
    stack = account.launch(ImageUri=IMAGE, MaxConcurrency="5", AlarmEmail="a@b.org")
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    functions = account.session.client("lambda", endpoint_url=account.url)
    (mapping,) = functions.list_event_source_mappings()["EventSourceMappings"]
    # No container runs here, so a worker of this machine takes the function's place.
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    vbvr.environment |= {
        "VBVR_TARGET": "aws",
        "AWS_ENDPOINT_URL": account.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        **{variable: outputs[name] for variable, name in VARIABLES.items()},
    }
    vbvr.add("good")
    vbvr.ok("doctor", "--json")
    sent = vbvr.ok("submit", "-g", "good", "-n", "3", "-b", "2", "--yes", "--json").json
    worked = vbvr.ok("worker", "--workers", "1", "--json").json
    [run] = vbvr.ok("status", sent["runs"][0]["run_id"], "--json").json
    vbvr.ok("download", "--dest", "results")

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert set(outputs) == {*VARIABLES.values(), "FunctionName", "SubmitFunctionName"}
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 5}
    assert (sent["tasks_sent"], worked["samples_done"], run["complete"]) == (2, 3, True)
    assert len(list(vbvr.folder.glob("results/questions/good/*_task/*/prompt.txt"))) == 3


def test_what_an_earlier_stack_has_left_is_taken_up_by_the_next(account: Account) -> None:
    first = account.launch(ImageUri=IMAGE)
    bucket = {one["OutputKey"]: one["OutputValue"] for one in first["Outputs"]}["BucketName"]
    s3 = account.session.client("s3", endpoint_url=account.url)
    s3.put_object(Bucket=bucket, Key="questions/kept", Body=b"kept")
    account.remove()
    refused = account.launch(ImageUri=IMAGE)
    account.remove()
    second = account.launch(ImageUri=IMAGE, ExistingData="yes")

    assert refused["StackStatus"] == "ROLLBACK_COMPLETE"
    assert second["StackStatus"] == "CREATE_COMPLETE"
    assert s3.get_object(Bucket=bucket, Key="questions/kept")["Body"].read() == b"kept"
    assert "SecureTransport" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    assert [one["OutputValue"] for one in second["Outputs"] if one["OutputKey"] == "BucketName"] == [bucket]


@pytest.mark.parametrize(
    "wrong",
    [
        {"MemoryMB": "64"},
        {"MaxConcurrency": "1001"},
        {"ImageUri": "docker.io/x"},
        {"BucketName": "No_Bucket"},
    ],
)
def test_a_parameter_that_cannot_be_is_refused_before_anything_is_made(
    account: Account, wrong: dict[str, str]
) -> None:
    with pytest.raises(ClientError) as caught:
        account.launch(**({"ImageUri": IMAGE} | wrong))
    assert "must be" in str(caught.value)
    assert account.is_gone()


def test_without_an_image_the_repository_must_be_named(document: dict[str, Any]) -> None:
    rule = document["Rules"]["ImageOrRepository"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "ImageUri"}, ""]}
    assert rule["Assertions"][0]["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Repository"}, ""]}]}
