"""The bucket and the tables: they outlive the stack, and are as the back end needs them."""

from __future__ import annotations

from typing import Any

import pytest
from infra.templates import named, of_type

from vbvr_cli.backends.aws.schema import DEDUP, LEDGER, TableSchema, create_arguments

BUCKET = "vbvr-output-111122223333"


def test_the_bucket_has_a_stable_literal_name_by_which_a_later_stack_finds_it(
    template: dict[str, Any],
) -> None:
    (bucket,) = of_type(template, "AWS::S3::Bucket").values()
    assert bucket["Properties"]["BucketName"] == BUCKET


def test_bucket_and_tables_outlive_the_stack_and_their_replacement(template: dict[str, Any]) -> None:
    kept = {
        name: (one.get("DeletionPolicy"), one.get("UpdateReplacePolicy"))
        for kind in ("AWS::S3::Bucket", "AWS::DynamoDB::Table")
        for name, one in of_type(template, kind).items()
    }
    assert len(kept) == 3
    assert set(kept.values()) == {("Retain", "Retain")}


def test_nothing_else_outlives_the_stack(template: dict[str, Any]) -> None:
    kept = {one["Type"] for one in template["Resources"].values() if one.get("DeletionPolicy") == "Retain"}
    assert kept == {"AWS::S3::Bucket", "AWS::DynamoDB::Table"}


def test_the_bucket_is_encrypted_private_and_forgets_unfinished_uploads(template: dict[str, Any]) -> None:
    bucket = named(template, "AWS::S3::Bucket", "BucketName", BUCKET)
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (lifecycle,) = bucket["LifecycleConfiguration"]["Rules"]
    assert lifecycle["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert lifecycle["Status"] == "Enabled"
    assert not {"ExpirationInDays", "Transitions", "NoncurrentVersionExpiration"} & set(lifecycle)


def test_the_bucket_answers_over_tls_only(template: dict[str, Any]) -> None:
    (bucket,) = of_type(template, "AWS::S3::Bucket")
    (policy,) = of_type(template, "AWS::S3::BucketPolicy").values()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    arn = {"Fn::GetAtt": [bucket, "Arn"]}
    assert policy["Properties"]["Bucket"] == {"Ref": bucket}
    assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
    assert statement["Principal"] == {"AWS": "*"}
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [arn, {"Fn::Join": ["", [arn, "/*"]]}]


@pytest.mark.parametrize(("name", "schema"), [("vbvr-ledger", LEDGER), ("vbvr-dedup", DEDUP)])
def test_a_table_is_keyed_as_the_back_end_creates_it(
    template: dict[str, Any], name: str, schema: TableSchema
) -> None:
    table = named(template, "AWS::DynamoDB::Table", "TableName", name)
    wanted = create_arguments(name, schema)
    assert table["KeySchema"] == wanted["KeySchema"]
    assert table["BillingMode"] == wanted["BillingMode"] == "PAY_PER_REQUEST"
    assert table.get("GlobalSecondaryIndexes", []) == wanted.get("GlobalSecondaryIndexes", [])
    attributes = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    assert attributes == {
        one["AttributeName"]: one["AttributeType"] for one in wanted["AttributeDefinitions"]
    }


@pytest.mark.parametrize("name", ["vbvr-ledger", "vbvr-dedup"])
def test_a_table_can_be_set_back_in_time_and_forgets_nothing(template: dict[str, Any], name: str) -> None:
    table = named(template, "AWS::DynamoDB::Table", "TableName", name)
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert "TimeToLiveSpecification" not in table
