"""The queue and the dead letters."""

from __future__ import annotations

from typing import Any

import pytest
from infra.templates import named, of_type

DAY = 24 * 3600


def queue(template: dict[str, Any], name: str) -> dict[str, Any]:
    return named(template, "AWS::SQS::Queue", "QueueName", name)


def test_a_message_shows_again_just_after_the_function_s_deadline(template: dict[str, Any]) -> None:
    function = named(template, "AWS::Lambda::Function", "FunctionName", "vbvr-worker")
    margin = queue(template, "vbvr-queue")["VisibilityTimeout"] - function["Timeout"]
    assert 30 <= margin <= 120


def test_sqs_gives_a_message_up_only_after_ten_deliveries(template: dict[str, Any]) -> None:
    redrive = queue(template, "vbvr-queue")["RedrivePolicy"]
    dlq = template["Resources"][redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]]
    assert redrive["maxReceiveCount"] == 10
    assert dlq["Properties"]["QueueName"] == "vbvr-dlq"


def test_messages_are_kept_for_a_week_and_dead_ones_for_two(template: dict[str, Any]) -> None:
    assert queue(template, "vbvr-queue")["MessageRetentionPeriod"] == 7 * DAY
    assert queue(template, "vbvr-dlq")["MessageRetentionPeriod"] == 14 * DAY


@pytest.mark.parametrize("name", ["vbvr-queue", "vbvr-dlq"])
def test_a_queue_is_encrypted_and_answers_over_tls_only(template: dict[str, Any], name: str) -> None:
    assert queue(template, name)["SqsManagedSseEnabled"] is True
    (logical_id,) = (
        key
        for key, one in of_type(template, "AWS::SQS::Queue").items()
        if one["Properties"]["QueueName"] == name
    )
    (statement,) = (
        statement
        for policy in of_type(template, "AWS::SQS::QueuePolicy").values()
        if policy["Properties"]["Queues"] == [{"Ref": logical_id}]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    )
    assert (statement["Effect"], statement["Action"]) == ("Deny", "sqs:*")
    assert statement["Principal"] == {"AWS": "*"}
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == {"Fn::GetAtt": [logical_id, "Arn"]}
