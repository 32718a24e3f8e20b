"""The bucket that datasets are written to."""

from __future__ import annotations

from aws_cdk import Acknowledgment, CfnCondition, Duration, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from vbvr_infra.keeping import unless_kept
from vbvr_infra.names import bucket_arn


class Storage(Construct):
    """A bucket that outlives the stack; only over TLS, never public, encrypted, without forgotten uploads.

    `is_new`: only then it is made; else it is one that an earlier stack has left.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket_name: str,
        is_new: CfnCondition | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=bucket_name,
            removal_policy=RemovalPolicy.RETAIN,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="forgotten-uploads", abort_incomplete_multipart_upload_after=Duration.days(1)
                )
            ],
        )
        Validations.of(self.bucket).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-S1",
                reason="Access logs would be a second bucket, with a line for each of millions of objects, "
                "for data that can be made again; who must have them turns on CloudTrail's data events.",
            )
        )
        self.bucket_name = unless_kept(is_new, self.bucket, self.bucket.bucket_name, bucket_name)
        arn = unless_kept(is_new, self.bucket, self.bucket.bucket_arn, bucket_arn(bucket_name))
        s3.CfnBucketPolicy(
            self,
            "Policy",
            bucket=self.bucket_name,
            policy_document=iam.PolicyDocument(
                statements=[
                    iam.PolicyStatement(
                        sid="OnlyOverTls",
                        effect=iam.Effect.DENY,
                        principals=[iam.AnyPrincipal()],
                        actions=["s3:*"],
                        resources=[arn, f"{arn}/*"],
                        conditions={"Bool": {"aws:SecureTransport": "false"}},
                    )
                ]
            ),
        )
        if is_new is not None:
            Validations.of(self.bucket).acknowledge(
                Acknowledgment(
                    id="AwsSolutions::AwsSolutions-S10",
                    reason="The policy is there; the rule does not find it behind a condition.",
                )
            )
