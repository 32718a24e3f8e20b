"""What a stack has, made by hand: two queues, two buckets, two tables, each with a name of its own."""

from __future__ import annotations

import json
from uuid import uuid4

import boto3

from vbvr_cli.backends.aws.resources import Resources
from vbvr_cli.backends.aws.schema import DEDUP, LEDGER, create_arguments

REGION = "us-east-2"
RECEIVE_LIMIT = 10


def session() -> boto3.Session:
    """A session with made-up credentials."""
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)


def make_stack(using: boto3.Session, endpoint_url: str | None = None, *, extra_buckets: int = 2) -> Resources:
    """Make what a stack has. `extra_buckets` are made and allowed beside its own."""
    name = f"t-{uuid4().hex[:12]}"
    sqs = using.client("sqs", endpoint_url=endpoint_url)
    dlq_url = sqs.create_queue(QueueName=f"{name}-dlq")["QueueUrl"]
    dlq = sqs.get_queue_attributes(QueueUrl=dlq_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"deadLetterTargetArn": dlq, "maxReceiveCount": RECEIVE_LIMIT}
    queue_url = sqs.create_queue(
        QueueName=f"{name}-queue",
        Attributes={"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "60"},
    )["QueueUrl"]
    s3 = using.client("s3", endpoint_url=endpoint_url)
    buckets = [f"{name}-{number}" for number in range(1 + extra_buckets)]
    for bucket in buckets:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    dynamodb = using.client("dynamodb", endpoint_url=endpoint_url)
    for table, schema in ((f"{name}-ledger", LEDGER), (f"{name}-dedup", DEDUP)):
        dynamodb.create_table(**create_arguments(table, schema))
    return Resources(
        region=REGION,
        queue_url=queue_url,
        dlq_url=dlq_url,
        bucket=buckets[0],
        ledger_table=f"{name}-ledger",
        dedup_table=f"{name}-dedup",
        extra_buckets=tuple(buckets[1:]),
    )
