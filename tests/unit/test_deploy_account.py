"""What an account says before anything is deployed to it: an emulated one that checks its callers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.exceptions import WaiterError
from emulators.ministack import Ministack, ministack
from emulators.stack import REGION

from vbvr_cli.backends.aws.schema import LEDGER, create_arguments
from vbvr_cli.config import AwsSettings
from vbvr_cli.errors import ConfigurationError
from vbvr_cli.operations.deploy.account import Account
from vbvr_cli.operations.deploy.image import ImageUri, require_image

QUOTA = 100
Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    folder = tmp_path_factory.mktemp("emulator")
    with ministack(folder, AUTH="true", LAMBDA_ACCOUNT_CONCURRENCY=str(QUOTA)) as running:
        yield running


@pytest.fixture
def aws(emulator: Ministack, monkeypatch: pytest.MonkeyPatch) -> Client:
    """boto3's clients; the environment names the emulated account."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    use(monkeypatch, AWS_ENDPOINT_URL=emulator.url, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
    # A session of its own: boto3's default one keeps the keys of the first test that used it.
    return lambda service: boto3.Session(region_name=REGION).client(service)  # type: ignore[call-overload]


def use(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def account(region: str = REGION) -> Account:
    return Account(AwsSettings(stack="vbvr", region=region))


def test_the_account_is_known_by_its_number(aws: Client) -> None:
    assert account().id == "000000000000"


def test_expired_credentials_are_called_that(
    aws: Client, emulator: Ministack, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = aws("sts").get_session_token(DurationSeconds=900)["Credentials"]
    use(monkeypatch, AWS_ACCESS_KEY_ID=found["AccessKeyId"], AWS_SECRET_ACCESS_KEY=found["SecretAccessKey"])
    use(monkeypatch, AWS_SESSION_TOKEN=found["SessionToken"])
    emulator.advance(1000)

    with pytest.raises(ConfigurationError, match="have expired") as refused:
        _ = account().id
    assert "aws sso login" in (refused.value.hint or "")


def test_a_missing_profile_is_called_that(aws: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="profile does not exist"):
        Account(AwsSettings(stack="vbvr", region=REGION, profile="nobodys"))


def test_more_at_once_than_the_quota_is_refused_with_what_fits(aws: Client) -> None:
    account().require_concurrency(QUOTA)

    with pytest.raises(ConfigurationError, match=f"may have {QUOTA} invocations") as refused:
        account().require_concurrency(990)
    assert "--context sqsMaxConcurrency=90" in (refused.value.hint or "")


def test_what_may_not_be_asked_is_noted_and_let_pass(aws: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    iam = aws("iam")
    iam.create_user(UserName="limited")
    key = iam.create_access_key(UserName="limited")["AccessKey"]
    use(monkeypatch, AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"])
    limited = account()

    assert not limited.has_table("some-ledger")
    assert limited.notes == ["Not checked: the table some-ledger (DescribeTable is denied)."]


def test_a_bucket_is_free_ours_or_taken(aws: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    aws("s3").create_bucket(Bucket="ours-already", CreateBucketConfiguration={"LocationConstraint": REGION})
    assert account().has_bucket("ours-already")
    assert not account().has_bucket("nobodys-yet")

    use(monkeypatch, AWS_ACCESS_KEY_ID="111122223333", AWS_SECRET_ACCESS_KEY="test")
    with pytest.raises(ConfigurationError, match="bucket name ours-already is taken") as refused:
        account().has_bucket("ours-already")
    assert "--context bucketName" in (refused.value.hint or "")


def test_a_table_that_an_earlier_stack_left_is_known_and_another_is_refused(aws: Client) -> None:
    dynamodb = aws("dynamodb")
    dynamodb.create_table(**create_arguments("left-ledger", LEDGER))
    dynamodb.create_table(
        TableName="other-ledger",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )

    assert account().has_table("left-ledger")
    assert not account().has_table("no-ledger")
    with pytest.raises(ConfigurationError, match="no table of this vbvr"):
        account().has_table("other-ledger")


def test_the_first_failure_of_a_stack_is_found_under_those_that_followed(aws: Client) -> None:
    aws("s3").create_bucket(Bucket="taken-1", CreateBucketConfiguration={"LocationConstraint": REGION})
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "taken-1"}, "DependsOn": "Topic"}
    resources = {"Topic": {"Type": "AWS::SNS::Topic"}, "Bucket": bucket}
    cloudformation = aws("cloudformation")
    cloudformation.create_stack(StackName="doomed", TemplateBody=json.dumps({"Resources": resources}))
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName="doomed", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )

    reason = account().first_failure("doomed") or ""

    assert reason.startswith("Bucket (AWS::S3::Bucket): ")
    assert "already exists" in reason
    assert account().stack("doomed").is_stillborn


def test_there_is_no_bootstrap_in_a_new_account(aws: Client) -> None:
    assert account().bootstrap_version() is None


class Blobs:
    """Serves an image's description, as ECR's download address does."""

    def __init__(self, description: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(description)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def push(aws: Client) -> Iterator[Callable[[str, Any], ImageUri]]:
    """Pushes a manifest under a tag."""
    ecr = aws("ecr")
    ecr.create_repository(repositoryName="images")

    def do(tag: str, manifest: Any) -> ImageUri:
        ecr.put_image(repositoryName="images", imageManifest=json.dumps(manifest), imageTag=tag)
        return ImageUri.parse(f"000000000000.dkr.ecr.{REGION}.amazonaws.com/images:{tag}")

    yield do
    ecr.delete_repository(repositoryName="images", force=True)


MANIFEST = {"schemaVersion": 2, "config": {"digest": f"sha256:{0:064}"}, "layers": []}


@pytest.mark.parametrize(
    ("image", "function", "fits"),
    [("amd64", "x86_64", True), ("arm64", "arm64", True), ("arm64", "x86_64", False)],
)
def test_an_image_must_be_for_the_functions_architecture(
    push: Callable[[str, Any], ImageUri], image: str, function: str, fits: bool
) -> None:
    uri, asking = push("one", MANIFEST), account()
    blobs = Blobs(json.dumps({"architecture": image, "os": "linux"}).encode())
    client = asking.client("ecr")
    # The emulator keeps no layers; AWS's answer is a presigned address, which this one stands for.
    client.get_download_url_for_layer = lambda **_: {"downloadUrl": blobs.url}
    with mock.patch.object(asking, "client", return_value=client):
        if fits:
            require_image(asking, uri, function)
        else:
            with pytest.raises(
                ConfigurationError, match="image is for arm64, the functions are for x86_64"
            ) as no:
                require_image(asking, uri, function)
            assert "--platform linux/amd64" in (no.value.hint or "")
            assert "--context architecture=arm64" in (no.value.hint or "")
    blobs.close()
    assert asking.notes == []


def test_an_image_that_is_not_there_is_refused(push: Callable[[str, Any], ImageUri]) -> None:
    push("one", MANIFEST)
    for text in ("images:two", "nothing:one"):
        uri = ImageUri.parse(f"000000000000.dkr.ecr.{REGION}.amazonaws.com/{text}")
        with pytest.raises(ConfigurationError, match="There is no image"):
            require_image(account(), uri, "x86_64")


def test_a_list_of_images_is_refused_since_lambda_refuses_it(push: Callable[[str, Any], ImageUri]) -> None:
    uri = push("many", {"schemaVersion": 2, "manifests": []})

    with pytest.raises(ConfigurationError, match="several platforms") as refused:
        require_image(account(), uri, "x86_64")
    assert "--provenance=false" in (refused.value.hint or "")


def test_an_image_of_another_region_is_refused(push: Callable[[str, Any], ImageUri]) -> None:
    with pytest.raises(ConfigurationError, match="image is in us-east-2, the stack in eu-west-1"):
        require_image(account("eu-west-1"), push("one", MANIFEST), "x86_64")


@pytest.mark.parametrize(
    "text",
    [
        "vbvr",
        "docker.io/me/vbvr:1",
        f"1.dkr.ecr.{REGION}.amazonaws.com/vbvr:1",
        f"000000000000.dkr.ecr.{REGION}.amazonaws.com/vbvr",
    ],
)
def test_what_lambda_cannot_run_is_no_image(text: str) -> None:
    with pytest.raises(ConfigurationError, match="names no image in ECR"):
        ImageUri.parse(text)
