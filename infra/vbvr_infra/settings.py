"""What the operator decides, as CDK context. cdk.json holds every key with its default."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vbvr_cli.errors import ConfigurationError

CDK_JSON = Path(__file__).parents[1] / "cdk.json"
ARCHITECTURES = ("x86_64", "arm64")
MOST_CONCURRENCY = 1000

MEMORY_MB = (128, 10_240)
TIMEOUT_MINUTES = (1, 15)
CONCURRENCY = (2, MOST_CONCURRENCY)
EPHEMERAL_MB = (512, 10_240)
"""The limits of Lambda and of its SQS event source, ends included."""

STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,42}")  # with -output-{account} a bucket has 63 characters
BUCKET_NAME = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
IMAGE_URI = re.compile(
    r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[a-z0-9][a-z0-9._/-]*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})"
)
EMAIL = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")
BUCKET_RULE = "3 to 63 small letters, digits, dots and hyphens"
IMAGE_RULE = "an image in ECR, as ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG or @sha256:DIGEST"
EMAIL_RULE = "one address such as somebody@example.org"

_BUCKET_ARN = re.compile(r"arn:aws[a-z-]*:s3:::(?P<name>.+)")
_OF_THE_CDK = re.compile(r"[:@/]")  # keys such as @aws-cdk/core:x and availability-zones:account=1
_WAY = "Give it as `vbvr deploy --context {key}=...`, or in infra/cdk.json."


@dataclass(frozen=True, slots=True)
class Settings:
    """What is deployed. Memory and storage are in MB; what is none was not given."""

    stack_name: str
    bucket_name: str | None
    extra_buckets: tuple[str, ...]
    memory_mb: int
    timeout_minutes: int
    max_concurrency: int
    architecture: str
    ephemeral_storage_mb: int
    image_uri: str | None
    alarm_email: str | None


def read_context(environment: Mapping[str, str]) -> dict[str, Any]:
    """The context that a CDK app is given: that of cdk.json and, before it, what the CDK CLI was told."""
    defaults = json.loads(CDK_JSON.read_text(encoding="utf-8"))["context"]
    return {**defaults, **json.loads(environment.get("CDK_CONTEXT_JSON") or "{}")}


def settings_of(context: Mapping[str, Any]) -> Settings:
    """The settings that a context means. Raises ConfigurationError for the first that is none."""
    defaults = read_context({})
    for key in context:
        if key not in defaults and not _OF_THE_CDK.search(key):
            meant = difflib.get_close_matches(key, defaults, n=1)
            raise ConfigurationError(
                f"There is no context key {key!r}.",
                why=f"there are {', '.join(defaults)}",
                hint=f"Perhaps you meant {meant[0]}." if meant else _WAY.format(key="KEY"),
            )
    given = {key: context.get(key, default) for key, default in defaults.items()}
    stack = _text(given, "stackName", STACK_NAME, "a letter, then up to 42 letters, digits and hyphens")
    if stack is None:
        raise _refused("stackName", given["stackName"], "the stack needs a name")
    return Settings(
        stack_name=stack,
        bucket_name=_text(given, "bucketName", BUCKET_NAME, BUCKET_RULE),
        extra_buckets=_buckets(given["extraBuckets"]),
        memory_mb=_number(given, "lambdaMemoryMB", MEMORY_MB),
        timeout_minutes=_number(given, "lambdaTimeoutMinutes", TIMEOUT_MINUTES),
        max_concurrency=_number(given, "sqsMaxConcurrency", CONCURRENCY),
        architecture=_architecture(given["architecture"]),
        ephemeral_storage_mb=_number(given, "ephemeralStorageMB", EPHEMERAL_MB),
        image_uri=_text(given, "imageUri", IMAGE_URI, IMAGE_RULE),
        alarm_email=_text(given, "alarmEmail", EMAIL, EMAIL_RULE),
    )


def _text(given: Mapping[str, Any], key: str, form: re.Pattern[str], rule: str) -> str | None:
    value = given[key]
    if value in (None, ""):
        return None
    if not isinstance(value, str) or not form.fullmatch(value):
        raise _refused(key, value, f"it must be {rule}")
    return value


def _number(given: Mapping[str, Any], key: str, limits: tuple[int, int]) -> int:
    value, (least, most) = given[key], limits
    try:
        number = int(str(value))  # the command line gives text; 1.5 and true are no numbers here
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise _refused(key, value, f"it must be a whole number from {least} to {most}")
    return number


def _architecture(value: object) -> str:
    if value not in ARCHITECTURES:
        raise _refused("architecture", value, f"it must be {' or '.join(ARCHITECTURES)}")
    return str(value)


def _buckets(value: object) -> tuple[str, ...]:
    """Bucket names from a list, or from text with commas as the command line gives it; ARNs are taken too."""
    if isinstance(value, str):
        value = [part.strip() for part in value.strip("[] ").split(",") if part.strip()]
    if not isinstance(value, list):
        raise _refused("extraBuckets", value, "it must be a list of buckets, separated by commas")
    names = []
    for entry in value:
        arn = _BUCKET_ARN.fullmatch(entry) if isinstance(entry, str) else None
        name = arn["name"] if arn else entry
        if not isinstance(name, str) or not BUCKET_NAME.fullmatch(name):
            raise _refused(
                "extraBuckets", entry, f"a bucket's name has {BUCKET_RULE}, without s3:// or a path"
            )
        names.append(name)
    return tuple(dict.fromkeys(names))


def _refused(key: str, value: object, why: str) -> ConfigurationError:
    return ConfigurationError(f"{key} is {value!r}.", why=why, hint=_WAY.format(key=key))
