"""What is watched, who is told, and the outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from infra.templates import of_type, plain

OUTPUTS = {
    "QueueUrl",
    "DlqUrl",
    "BucketName",
    "DedupTableName",
    "LedgerTableName",
    "FunctionName",
    "SubmitFunctionName",
}


@pytest.mark.parametrize(
    ("name", "metric", "of", "threshold"),
    [
        ("DeadLetters", "ApproximateNumberOfMessagesVisible", "vbvr-dlq", 0),
        ("OldestMessage", "ApproximateAgeOfOldestMessage", "vbvr-queue", 3.5 * 24 * 3600),
        ("WorkerErrors", "Errors", "vbvr-worker", 0),
        ("SubmitErrors", "Errors", "vbvr-submit-tasks", 0),
        ("Throttles", "Throttles", "vbvr-worker", 0),
    ],
)
def test_an_alarm_rings_above_its_threshold_and_only_then(
    template: dict[str, Any], name: str, metric: str, of: str, threshold: float
) -> None:
    alarms = {
        plain(one["Properties"]["AlarmName"]): one["Properties"]
        for one in of_type(template, "AWS::CloudWatch::Alarm").values()
    }
    alarm = alarms[f"vbvr-{name}"]
    (dimension,) = alarm["Dimensions"]
    assert (alarm["MetricName"], alarm["Threshold"]) == (metric, threshold)
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["TreatMissingData"] == "notBreaching"
    assert of in plain(_target(template, dimension["Value"]).values())
    assert len(alarms) == 5


def _target(template: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    logical_id = reference["Ref"] if "Ref" in reference else reference["Fn::GetAtt"][0]
    found: dict[str, Any] = template["Resources"][logical_id]["Properties"]
    return found


def test_every_alarm_is_mailed_when_it_begins_and_when_it_ends(template: dict[str, Any]) -> None:
    ((topic, _),) = of_type(template, "AWS::SNS::Topic").items()
    (subscription,) = of_type(template, "AWS::SNS::Subscription").values()
    assert subscription["Properties"] == {
        "Endpoint": "a@b.org",
        "Protocol": "email",
        "TopicArn": {"Ref": topic},
    }
    for alarm in of_type(template, "AWS::CloudWatch::Alarm").values():
        assert alarm["Properties"]["AlarmActions"] == alarm["Properties"]["OKActions"] == [{"Ref": topic}]


def test_cloudwatch_alone_may_publish_and_only_over_tls(template: dict[str, Any]) -> None:
    (policy,) = of_type(template, "AWS::SNS::TopicPolicy").values()
    allowed = [one for one in policy["Properties"]["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
    denied = [one for one in policy["Properties"]["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
    assert [one["Principal"] for one in allowed] == [{"Service": "cloudwatch.amazonaws.com"}]
    assert [one["Condition"] for one in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_the_dashboard_shows_what_the_alarms_are_about(template: dict[str, Any]) -> None:
    (dashboard,) = of_type(template, "AWS::CloudWatch::Dashboard").values()
    body = json.dumps(dashboard["Properties"]["DashboardBody"])
    assert dashboard["Properties"]["DashboardName"] == "vbvr"
    for metric in (
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateAgeOfOldestMessage",
        "Errors",
        "Throttles",
        "ConcurrentExecutions",
        "Samples",
        "TasksFailed",
    ):
        assert metric in body


def test_the_outputs_are_those_that_the_commands_look_for(template: dict[str, Any]) -> None:
    assert set(template["Outputs"]) == OUTPUTS


def test_tables_and_bucket_are_told_by_their_plain_names(template: dict[str, Any], assembly: Path) -> None:
    values = {name: plain(one["Value"]) for name, one in template["Outputs"].items()}
    assert values["BucketName"] == "vbvr-output-111122223333"
    assert (values["LedgerTableName"], values["DedupTableName"]) == ("vbvr-ledger", "vbvr-dedup")
    assert (assembly / "vbvr.assets.json").exists()
