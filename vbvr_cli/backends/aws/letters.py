"""Dead letters as SQS carries them: the body as it was, and why it was given up in message attributes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vbvr_cli.backends.ports import DeadLetter, Message
from vbvr_cli.models import FailureCode, Reason

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef, MessageTypeDef

MOST_BYTES = 256 * 1024
MOST_DETAIL_BYTES = 1024
MOST_OUTPUT_BYTES = 8 * 1024
_NAMES_BYTES = 512  # of the attributes' names and types, generously

CODE, DETAIL, OUTPUT = "reason_code", "reason_detail", "reason_output"
ORIGINAL_ID, RECEIVE_COUNT = "message_id", "receive_count"
_OURS = frozenset({CODE, DETAIL, OUTPUT, ORIGINAL_ID, RECEIVE_COUNT})

_NOT_TAKEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def attributes_of(message: Message, reason: Reason) -> dict[str, MessageAttributeValueTypeDef]:
    """What travels with a message that is given up.

    The detail keeps its first KB and the output its last 8 KB, less where the body leaves less room.
    Characters that SQS does not take become U+FFFD.
    """
    room = MOST_BYTES - len(message.body.encode()) - _NAMES_BYTES
    detail = _clean(reason.detail).encode()[: max(0, min(MOST_DETAIL_BYTES, room))]
    room -= len(detail)
    output = _clean(reason.output).encode()
    output = output[len(output) - max(0, min(MOST_OUTPUT_BYTES, room, len(output))) :]
    texts = {
        CODE: reason.code.value,
        DETAIL: detail.decode(errors="ignore"),
        OUTPUT: output.decode(errors="ignore"),
        ORIGINAL_ID: message.id,
    }
    attributes: dict[str, MessageAttributeValueTypeDef] = {
        name: {"DataType": "String", "StringValue": text} for name, text in texts.items() if text
    }
    attributes[RECEIVE_COUNT] = {"DataType": "Number", "StringValue": str(message.receive_count)}
    return attributes


def letter_of(received: MessageTypeDef) -> DeadLetter:
    """A dead letter; one that SQS moved by itself has no reason."""
    attributes = {
        name: value.get("StringValue", "") for name, value in received.get("MessageAttributes", {}).items()
    }
    system = received.get("Attributes", {})
    return DeadLetter(
        id=attributes.get(ORIGINAL_ID, received["MessageId"]),
        body=received["Body"],
        receipt=received["ReceiptHandle"],
        receive_count=int(attributes.get(RECEIVE_COUNT, system.get("ApproximateReceiveCount", "1"))),
        reason=_reason(attributes),
        died_at=int(system.get("SentTimestamp", "0")) / 1000,
        attributes={name: text for name, text in attributes.items() if name not in _OURS},
    )


def _reason(attributes: Mapping[str, str]) -> Reason | None:
    code = attributes.get(CODE)
    if code is None or code not in set(FailureCode):
        return None
    return Reason(FailureCode(code), attributes.get(DETAIL, ""), attributes.get(OUTPUT, ""))


def _clean(text: str) -> str:
    return _NOT_TAKEN.sub("\ufffd", text)
