"""Finding where things are on AWS: settings first, then the stack, which is asked once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from emulators.interference import Interference, answer
from emulators.place import Place, place
from emulators.stack import REGION

from vbvr_cli.backends.aws.discovery import OUTPUTS, Found, find, make_session
from vbvr_cli.backends.aws.outputs import SECONDS, OutputsFile
from vbvr_cli.config import AwsSettings
from vbvr_cli.errors import ConfigurationError

SETTINGS = AwsSettings(stack="vbvr", region=REGION)
NAMED = replace(
    SETTINGS, queue_url="q", dlq_url="d", bucket="b", dedup_table="puzzles", ledger_table="ledger"
)
ALL = {**{output: f"the-{name}" for name, output in OUTPUTS.items()}, "FunctionName": "the-function"}


@dataclass
class Cloud:
    """CloudFormation on moto."""

    home: Path
    place: Place

    @property
    def wire(self) -> Interference:
        """What is between it and who asks."""
        return self.place.wire

    def deploy(self, outputs: dict[str, str]) -> None:
        """Make the stack anew, with these outputs."""
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
        client = self.place.aws.client("cloudformation", region_name=REGION)
        client.delete_stack(StackName="vbvr")
        client.create_stack(StackName="vbvr", TemplateBody=json.dumps(template))

    def find(self, settings: AwsSettings = SETTINGS) -> Found:
        """Where things are."""
        return find(settings, self.place.watched, self.home)

    def answer_with(self, status: int, code: str) -> None:
        """Let CloudFormation fail."""
        body = f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
        self.wire.on("DescribeStacks", lambda _: answer(status, body.encode()))


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    with place() as one:
        yield Cloud(tmp_path, one)


def refusal(cloud: Cloud, settings: AwsSettings = SETTINGS) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as raised:
        cloud.find(settings)
    return raised.value


def test_the_stack_says_where_things_are(cloud: Cloud) -> None:
    cloud.deploy(ALL)

    found = cloud.find()

    resources = found.resources
    assert (resources.queue_url, resources.ledger_table) == ("the-queue_url", "the-ledger_table")
    assert (resources.function, resources.submit_function) == ("the-function", None)
    assert (resources.stack, resources.region) == ("vbvr", REGION)
    assert found.discovered["ledger_table"] == "the-ledger_table"
    assert set(found.discovered) == set(OUTPUTS)


def test_settings_win_over_the_stack(cloud: Cloud) -> None:
    cloud.deploy(ALL)

    found = cloud.find(replace(SETTINGS, bucket="mine"))

    assert (found.resources.bucket, found.resources.queue_url) == ("mine", "the-queue_url")
    assert "bucket" not in found.discovered


def test_the_stack_is_not_asked_where_everything_is_named(cloud: Cloud) -> None:
    found = cloud.find(NAMED)

    assert (found.resources.queue_url, found.resources.stack, dict(found.discovered)) == ("q", None, {})
    assert not cloud.wire.requests


def test_the_stack_is_asked_once(cloud: Cloud) -> None:
    cloud.deploy(ALL)

    assert cloud.find() == cloud.find()
    assert cloud.wire.requests["DescribeStacks"] == 1


def test_what_the_stack_said_is_asked_again_after_an_hour(tmp_path: Path) -> None:
    OutputsFile(tmp_path, SETTINGS, clock=lambda: 1000.0).write(ALL)

    assert OutputsFile(tmp_path, SETTINGS, clock=lambda: 1000.0 + SECONDS - 1).read() == ALL
    assert OutputsFile(tmp_path, SETTINGS, clock=lambda: 1000.0 + SECONDS).read() == {}


def test_a_stack_stays_deployed_for_longer_than_what_it_said_is_believed(tmp_path: Path) -> None:
    file = OutputsFile(tmp_path, SETTINGS, clock=lambda: 1000.0)
    later = OutputsFile(tmp_path, SETTINGS, clock=lambda: 1000.0 + 100 * SECONDS)
    assert not file.deployed

    file.write(ALL)

    assert (later.deployed, later.read()) == (True, {})
    later.forget()
    assert not file.deployed


def test_a_stack_without_outputs_is_not_deployed(tmp_path: Path) -> None:
    file = OutputsFile(tmp_path, SETTINGS)

    file.write({})

    assert not file.deployed


def test_what_the_parts_of_a_stack_said_is_kept_as_long_and_goes_with_it(tmp_path: Path) -> None:
    now = [1000.0]
    file = OutputsFile(tmp_path, SETTINGS, clock=lambda: now[0])
    file.write(ALL)
    file.keep("function", {"memory_mb": 1024})

    assert file.recall("function") == {"memory_mb": 1024}
    assert OutputsFile(tmp_path, replace(SETTINGS, stack="b")).recall("function") is None
    now[0] += SECONDS
    assert file.recall("function") is None
    file.keep("function", {"memory_mb": 2048})
    file.write(ALL)
    assert file.recall("function") is None
    file.keep("function", {"memory_mb": 2048})
    file.forget()
    assert (file.recall("function"), list((tmp_path / "stacks").iterdir())) == (None, [])


@pytest.mark.parametrize("other", [{"stack": "b"}, {"region": "eu-west-1"}, {"profile": "p"}])
def test_each_stack_region_and_profile_is_remembered_apart(tmp_path: Path, other: dict[str, str]) -> None:
    OutputsFile(tmp_path, SETTINGS).write(ALL)

    assert OutputsFile(tmp_path, replace(SETTINGS, **other)).read() == {}


def test_a_deployment_can_make_it_forget(cloud: Cloud) -> None:
    cloud.deploy(ALL)
    cloud.find()
    cloud.deploy({**ALL, "BucketName": "another"})

    OutputsFile(cloud.home, SETTINGS).forget()

    assert cloud.find().resources.bucket == "another"


def test_a_damaged_memory_is_as_none(cloud: Cloud) -> None:
    cloud.deploy(ALL)
    cloud.find()
    (file,) = (cloud.home / "stacks").iterdir()
    file.write_text("{")

    assert cloud.find().resources.bucket == "the-bucket"


def test_an_absent_stack_is_named_with_the_command_that_makes_it(cloud: Cloud) -> None:
    error = refusal(cloud)

    assert "There is no stack vbvr in us-east-2" in str(error)
    assert "vbvr deploy --stack vbvr --region us-east-2" in (error.hint or "")


def test_a_stack_that_lacks_outputs_says_which(cloud: Cloud) -> None:
    cloud.deploy({name: value for name, value in ALL.items() if name != "LedgerTableName"})

    error = refusal(cloud)

    assert "ledger table" in str(error)
    assert "LEDGER_TABLE_NAME" in (error.hint or "")


def test_a_stack_that_failed_says_how_it_is(cloud: Cloud) -> None:
    body = (
        b"<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>vbvr</StackName>"
        b"<StackStatus>ROLLBACK_COMPLETE</StackStatus><StackStatusReason>Taken</StackStatusReason>"
        b"<CreationTime>2026-01-01T00:00:00Z</CreationTime></member></Stacks></DescribeStacksResult>"
        b"</DescribeStacksResponse>"
    )
    cloud.wire.on("DescribeStacks", lambda _: answer(200, body))

    error = refusal(cloud)

    assert "ROLLBACK_COMPLETE" in str(error)
    assert error.why == "Taken"


def test_a_denied_look_at_the_stack_names_the_variables_that_spare_it(cloud: Cloud) -> None:
    cloud.answer_with(403, "AccessDenied")

    error = refusal(cloud)

    assert "DescribeStacks is denied" in str(error)
    assert "SQS_QUEUE_URL" in (error.hint or "")


def test_an_expired_login_is_said_to_be_one(cloud: Cloud) -> None:
    cloud.answer_with(403, "ExpiredToken")

    assert "aws sso login" in (refusal(cloud).hint or "")


def test_a_profile_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigurationError) as raised:
        make_session(replace(SETTINGS, profile="nobody"))

    assert "nobody" in (raised.value.why or "")
