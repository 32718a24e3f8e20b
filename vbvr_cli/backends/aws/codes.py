"""The codes of AWS's errors by what they mean, and the permissions that its operations ask for."""

from __future__ import annotations

EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
NOT_KNOWN = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
)
CLOCK = frozenset({"RequestTimeTooSkewed", "InvalidSignatureException"})
DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "403", "AllAccessDisabled", "KMS.AccessDeniedException"}
)
THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "TooManyRequestsException",
        "OverLimit",
    }
)
OUR_MISTAKES = frozenset(
    {"ValidationException", "ValidationError", "SerializationException", "MalformedXML", "InvalidArgument"}
)
ABSENT = frozenset(
    {"QueueDoesNotExist", "NonExistentQueue", "ResourceNotFoundException", "NoSuchBucket", "404"}
)
ELSEWHERE = frozenset(
    {
        "PermanentRedirect",
        "301",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "InvalidAddress",
    }
)
"""What is asked for is in another region than the one that was asked."""

_OF_SCHEMA = (
    "key element",
    "key schema element",
    "key attributes defined",
    "conditions on the keys",
    "key condition",
    "missing the key",
    "required keys",
    "for key",
    "specified index",
)

_SERVICES = {"bucket": "s3", "queue": "sqs", "table": "dynamodb", "function": "lambda"}
_ACTIONS = {
    "HeadBucket": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "HeadObject": "GetObject",
    "DeleteObjects": "DeleteObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "TransactWriteItems": "PutItem, UpdateItem and DeleteItem",
}


def means_other_schema(message: str) -> bool:
    """Whether DynamoDB says by this that a table is keyed in another way than the request has it."""
    said = message.lower()
    return any(words in said for words in _OF_SCHEMA)


def permission_for(operation: str, kind: str) -> str:
    """What has to be allowed for an operation on a bucket, queue, …: IAM's names are not always the same."""
    action = _ACTIONS.get(operation, operation)
    return f"{_SERVICES[kind]}:{action}" if kind in _SERVICES else action
