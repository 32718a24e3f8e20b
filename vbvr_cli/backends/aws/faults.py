"""What AWS and the way there report, said in words that name the resource and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from vbvr_cli.backends.aws import codes, misconfigured
from vbvr_cli.backends.aws.schema import other_schema
from vbvr_cli.errors import ConfigurationError, ServiceError, VbvrError

ANSWERS = frozenset(
    {
        "ConditionalCheckFailedException",
        "ConditionalRequestConflict",
        "InvalidParameterValue",
        "MessageNotInflight",
        "NoSuchKey",
        "PreconditionFailed",
        "PurgeQueueInProgress",
        "ReceiptHandleIsInvalid",
        "TransactionCanceledException",
        "TransactionInProgressException",
    }
)
"""Codes that are answers to a question rather than faults; whoever asks knows what they mean."""

_NAMED_BY = {
    "queue": "SQS_QUEUE_URL, SQS_DLQ_URL",
    "bucket": "--bucket, OUTPUT_BUCKET",
    "table": "LEDGER_TABLE_NAME, DEDUP_TABLE_NAME",
}
_PROCESS = "custom-process"  # botocore's name of the provider that runs a credential_process
_LOGIN = (
    "Run `aws sso login` (with --profile NAME if you use one), or set fresh credentials; "
    "then run the same command again."
)


def code_of(error: ClientError) -> str:
    """The error code that AWS gave, without the prefixes of older protocols."""
    code = error.response.get("Error", {}).get("Code", "")
    return code.removeprefix("AWS.SimpleQueueService.").rpartition("#")[2]


def explain(error: Exception, resource: str) -> VbvrError | None:
    """What an error about `resource` means to the user; None for an answer or a mistake of our own."""
    if isinstance(error, ClientError):
        return _of_client_error(error, resource)
    if isinstance(error, (BotoCoreError, HTTPError)):
        return _of_the_way_there(error, resource)
    return None


@contextmanager
def explained(resource: str) -> Iterator[None]:
    """Raise what a fault about `resource` means to the user."""
    try:
        yield
    except (ClientError, BotoCoreError, HTTPError) as error:
        meaning = explain(error, resource)
        if meaning is None:
            raise
        raise meaning from error


def _of_client_error(error: ClientError, resource: str) -> VbvrError | None:
    code = code_of(error)
    if code in ANSWERS:
        return None
    return (
        _of_credentials(error, code)
        or _of_permission(error, code, resource)
        or _of_absence(error, code, resource)
        or _of_schema(error, code, resource)
        or _of_service(error, code, resource)
    )


def _of_credentials(error: ClientError, code: str) -> VbvrError | None:
    if code in codes.EXPIRED:
        return ConfigurationError("The AWS credentials have expired.", why=_message(error), hint=_LOGIN)
    if code in codes.NOT_KNOWN:
        return ConfigurationError(
            "AWS does not know these credentials.",
            why=_message(error),
            hint="Check them with `aws sts get-caller-identity`, and choose others with --profile NAME.",
        )
    if code in codes.CLOCK:
        return ConfigurationError(
            "AWS does not accept the signature of this machine.",
            why=_message(error),
            hint="Set the machine's clock, and check the secret key; then run the same command again.",
        )
    return None


def _of_permission(error: ClientError, code: str, resource: str) -> VbvrError | None:
    if code not in codes.DENIED:
        return None
    return ConfigurationError(
        f"AWS does not let you use {resource}: {error.operation_name} is denied.",
        why=f"{_message(error)}{'' if _message(error).endswith('.') else '.'} "
        "It may also belong to another account.",
        hint="Check who you are with `aws sts get-caller-identity`, choose another --profile, "
        f"or have {codes.permission_for(error.operation_name, resource.partition(' ')[0])} on it allowed.",
    )


def _of_absence(error: ClientError, code: str, resource: str) -> VbvrError | None:
    kind = resource.partition(" ")[0]
    named = f" ({_NAMED_BY[kind]})" if kind in _NAMED_BY else ""
    if code in codes.ABSENT:
        return ConfigurationError(
            f"There is no {resource}.",
            why=_message(error),
            hint=f"Check its name{named}, --stack, --region and --profile; "
            "`vbvr doctor` says what each comes from, and `vbvr deploy` makes what a stack lacks.",
        )
    if code in codes.ELSEWHERE:
        return ConfigurationError(
            f"{resource[0].upper()}{resource[1:]} is in another region.",
            why=_message(error),
            hint=f"Name its region with --region, or another {kind}{named}.",
        )
    return None


def _of_schema(error: ClientError, code: str, resource: str) -> VbvrError | None:
    reasons = [_message(error)] if code == "ValidationException" else []
    found = next(filter(codes.means_other_schema, reasons), None)
    return other_schema(resource.removeprefix("table "), found) if found else None


def _of_service(error: ClientError, code: str, resource: str) -> VbvrError | None:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in codes.THROTTLED:
        return ServiceError(
            f"AWS asks for less at a time of {resource}: {error.operation_name} was throttled to the end.",
            why=_message(error),
            hint="Run the same command again in a minute: what was done is kept.",
        )
    if status >= 500 or code in {
        "InternalError",
        "InternalServerError",
        "ServiceUnavailable",
        "RequestTimeout",
    }:
        return ServiceError(
            f"AWS failed at {error.operation_name} on {resource}.",
            why=f"{code}: {_message(error)}",
            hint="Run the same command again: what was done is kept.",
        )
    if code in codes.OUR_MISTAKES:
        return None
    return ServiceError(
        f"AWS refused {error.operation_name} on {resource}.",
        why=f"{code}: {_message(error)}",
        hint="Mend what AWS names, and run the same command again: what was done is kept.",
    )


def _of_the_way_there(error: Exception, resource: str) -> VbvrError | None:
    if isinstance(error, boto.ParamValidationError):
        return _of_a_name(error, resource)
    if setting := _of_a_setting(error):
        return setting
    if isinstance(error, (boto.InvalidRegionError, boto.NoRegionError)):
        return ConfigurationError(
            "There is no such AWS region.", why=str(error), hint="Name one such as us-east-2 with --region."
        )
    if isinstance(error, boto.FlexibleChecksumError):
        return ServiceError(
            f"The bytes of an object in {resource} do not match their checksum.",
            why=str(error),
            hint="`vbvr status RUN --repair` finds damaged samples and sets them to be made again.",
        )
    return _of_a_login(error) or ServiceError(
        f"AWS could not be reached for {resource}.",
        why=str(error),
        hint="Check the network and --region, and run the same command again: what was done is kept.",
    )


def _of_a_setting(error: Exception) -> VbvrError | None:
    if misconfigured.is_untrusted(error):
        return misconfigured.untrusted(error)
    if misconfigured.is_unsendable(error):
        return misconfigured.credentials(["the AWS credentials"])
    if isinstance(error, misconfigured.REFUSED):
        return misconfigured.refused(str(error))
    return None


def _of_a_login(error: Exception) -> VbvrError | None:
    if isinstance(error, (boto.NoCredentialsError, boto.PartialCredentialsError)):
        return ConfigurationError(
            "No AWS credentials were found.",
            why=str(error),
            hint="Run `aws configure sso`, name a profile with --profile, or set AWS_ACCESS_KEY_ID.",
        )
    if isinstance(error, boto.ProfileNotFound):
        return ConfigurationError(
            "The AWS profile does not exist.",
            why=str(error),
            hint="See `aws configure list-profiles`, and name one with --profile.",
        )
    if isinstance(error, boto.CredentialRetrievalError) and error.kwargs.get("provider") == _PROCESS:
        return misconfigured.credential_process(str(error.kwargs.get("error_msg")))
    if isinstance(
        error, (boto.SSOError, boto.TokenRetrievalError, boto.CredentialRetrievalError, boto.LoginError)
    ):
        return ConfigurationError("The AWS login has expired.", why=str(error), hint=_LOGIN)
    return None


def _of_a_name(error: boto.ParamValidationError, resource: str) -> VbvrError | None:
    if "bucket name" not in str(error):
        return None
    return ConfigurationError(
        f"There can be no {resource}.",
        why=str(error),
        hint="Set OUTPUT_BUCKET to the plain name of a bucket.",
    )


def _message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message") or error)
