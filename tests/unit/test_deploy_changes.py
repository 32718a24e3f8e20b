"""What a deployment would change, from the two templates."""

from __future__ import annotations

from typing import Any

from vbvr_cli.operations.deploy.changes import (
    Action,
    Change,
    Grant,
    Place,
    changes_between,
    fixed_costs,
    grants_between,
)

PLACE = Place("111122223333", "us-east-2")


def queue(name: str, **properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name, **properties}}


def role(*actions: str, resource: Any = "*") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    policy = {"PolicyName": "vbvr", "PolicyDocument": {"Statement": [statement]}}
    path = {"aws:cdk:path": "vbvr/Compute/Role/Resource"}
    return {"Type": "AWS::IAM::Role", "Properties": {"Policies": [policy]}, "Metadata": path}


def template(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


def test_a_new_stack_makes_everything_but_what_an_earlier_one_left() -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "data"}}

    changes = changes_between(None, template(Queue=queue("q"), Bucket=bucket), frozenset({"data"}))

    assert changes == [Change(Action.MAKE, "queue", "q"), Change(Action.TAKE_UP, "bucket", "data")]


def test_only_what_differs_is_named_with_the_properties_that_do() -> None:
    old = template(Same=queue("same"), Changed=queue("q", VisibilityTimeout=60), Gone=queue("gone"))
    new = template(Same=queue("same"), Changed=queue("q", VisibilityTimeout=90))

    assert changes_between(old, new, frozenset()) == [
        Change(Action.CHANGE, "queue", "q", ("VisibilityTimeout",)),
        Change(Action.REMOVE, "queue", "gone"),
    ]


def test_metadata_alone_is_no_change() -> None:
    old, new = template(Queue=queue("q")), template(Queue={**queue("q"), "Metadata": {"aws:cdk:path": "x"}})

    assert changes_between(old, new, frozenset()) == []


def test_permissions_that_come_and_go_are_told_with_what_they_are_for() -> None:
    arn = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":sqs:", {"Ref": "AWS::Region"}, ":",
                             {"Ref": "AWS::AccountId"}, ":q"]]}  # fmt: skip
    old = template(Role=role("sqs:SendMessage", "sqs:DeleteMessage", resource=arn))
    new = template(Role=role("sqs:SendMessage", "sqs:ReceiveMessage", resource=arn))

    assert grants_between(old, new, PLACE) == [
        Grant("Compute/Role", ("sqs:ReceiveMessage",), "arn:aws:sqs:us-east-2:111122223333:q"),
        Grant("Compute/Role", ("sqs:DeleteMessage",), "arn:aws:sqs:us-east-2:111122223333:q", removed=True),
    ]


def test_what_only_cloudformation_knows_is_named_by_its_place() -> None:
    grants = grants_between(
        None, template(Role=role("logs:PutLogEvents", resource={"Fn::GetAtt": ["Log", "Arn"]})), PLACE
    )

    assert grants[0].on == "<Log>"


def test_fixed_costs_are_those_of_alarms_and_dashboards() -> None:
    alarm, dashboard = {"Type": "AWS::CloudWatch::Alarm"}, {"Type": "AWS::CloudWatch::Dashboard"}

    assert round(fixed_costs(template(A=alarm, B=alarm, D=dashboard, Q=queue("q"))), 2) == 3.20
