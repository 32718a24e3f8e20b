"""What the errors of AWS are said to be, and what they advise."""

from __future__ import annotations

import subprocess
import sys

import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError

from vbvr_cli.backends.aws import faults
from vbvr_cli.errors import ConfigurationError, ServiceError, VbvrError


def said_of(code: str, status: int = 400, message: str = "no") -> VbvrError | None:
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return faults.explain(ClientError(answer, "SendMessageBatch"), "queue vbvr-queue")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "what", "hint"),
    [
        ("ExpiredToken", "have expired", "aws sso login"),
        ("ExpiredTokenException", "have expired", "aws sso login"),
        ("InvalidClientTokenId", "does not know these credentials", "aws sts get-caller-identity"),
        ("SignatureDoesNotMatch", "does not know these credentials", "aws sts get-caller-identity"),
        ("RequestTimeTooSkewed", "signature of this machine", "clock"),
        ("AccessDenied", "SendMessageBatch is denied", "--profile"),
        ("AccessDeniedException", "use queue vbvr-queue", "sqs:SendMessage"),
        ("AWS.SimpleQueueService.NonExistentQueue", "There is no queue vbvr-queue", "vbvr deploy"),
        ("QueueDoesNotExist", "There is no queue vbvr-queue", "vbvr deploy"),
        ("ResourceNotFoundException", "There is no queue vbvr-queue", "--stack"),
        ("NoSuchBucket", "There is no queue vbvr-queue", "--stack"),
        ("NoSuchBucket", "There is no queue vbvr-queue", "SQS_QUEUE_URL"),
        ("PermanentRedirect", "Queue vbvr-queue is in another region", "--region"),
        ("InvalidAddress", "Queue vbvr-queue is in another region", "--region"),
    ],
)
def test_what_is_wrong_with_the_configuration_is_named_with_the_way_out(
    code: str, what: str, hint: str
) -> None:
    error = said_of(code)

    assert isinstance(error, ConfigurationError)
    assert what in error.what
    assert hint in (error.hint or "")
    assert error.why


@pytest.mark.parametrize(
    ("code", "status", "what"),
    [
        ("ThrottlingException", 400, "throttled to the end"),
        ("SlowDown", 503, "throttled to the end"),
        ("InternalError", 500, "AWS failed at SendMessageBatch"),
        ("ServiceUnavailable", 503, "AWS failed at SendMessageBatch"),
        ("SomethingNew", 502, "AWS failed at SendMessageBatch"),
        ("KMS.DisabledException", 400, "AWS refused SendMessageBatch"),
    ],
)
def test_what_is_wrong_with_the_service_may_be_tried_again(code: str, status: int, what: str) -> None:
    error = said_of(code, status)

    assert isinstance(error, ServiceError)
    assert what in error.what
    assert "again" in (error.hint or "")


@pytest.mark.parametrize(
    "message",
    [
        "The provided key element does not match the schema",
        "Query condition missed key schema element: id",
        "Query key condition not supported",
        "The number of conditions on the keys is invalid",
        "One or more parameter values were invalid: Missing the key id in the item",
        "One of the required keys was not given a value",
        "One or more parameter values were invalid: Type mismatch for key pk expected: N actual: S",
        "The table does not have the specified index: dead_tasks",
    ],
)
def test_a_table_with_other_keys_is_named(message: str) -> None:
    error = said_of("ValidationException", message=message)

    assert isinstance(error, ConfigurationError)
    assert error.why == message


@pytest.mark.parametrize("code", ["ConditionalCheckFailedException", "NoSuchKey", "ReceiptHandleIsInvalid"])
def test_answers_are_left_to_who_asked(code: str) -> None:
    assert said_of(code) is None


def test_a_mistake_of_our_own_is_left_as_it_is() -> None:
    assert said_of("ValidationException", message="Invalid UpdateExpression") is None
    assert faults.explain(TypeError("ours"), "queue") is None
    assert faults.explain(boto.ParamValidationError(report="Missing Key"), "queue") is None


@pytest.mark.parametrize(
    ("error", "kind", "hint"),
    [
        (boto.NoCredentialsError(), ConfigurationError, "aws configure sso"),
        (boto.ProfileNotFound(profile="x"), ConfigurationError, "list-profiles"),
        (boto.UnauthorizedSSOTokenError(), ConfigurationError, "aws sso login"),
        (boto.SSOTokenLoadError(error_msg="x"), ConfigurationError, "aws sso login"),
        (boto.TokenRetrievalError(provider="sso", error_msg="x"), ConfigurationError, "aws sso login"),
        (boto.InvalidRegionError(region_name="x y"), ConfigurationError, "--region"),
        (boto.ParamValidationError(report="Invalid bucket name 'A B'"), ConfigurationError, "OUTPUT_BUCKET"),
        (boto.EndpointConnectionError(endpoint_url="https://x"), ServiceError, "network"),
        (boto.ReadTimeoutError(endpoint_url="https://x"), ServiceError, "again"),
    ],
)
def test_what_fails_before_aws_is_explained_too(error: Exception, kind: type[VbvrError], hint: str) -> None:
    said = faults.explain(error, "queue vbvr-queue")

    assert isinstance(said, kind)
    assert hint in (said.hint or "")


def test_importing_the_package_loads_nothing_of_boto3() -> None:
    program = (
        "import sys, vbvr_cli.backends.aws, vbvr_cli.backends.aws.resources, vbvr_cli.backends.aws.schema; "
        "sys.exit(bool({'boto3', 'botocore'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
