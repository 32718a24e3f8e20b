"""The stack that `vbvr deploy` deploys."""

from __future__ import annotations

from aws_cdk import Aws, Duration, Environment, Stack
from constructs import Construct

from vbvr_infra.factory import Factory, Limits
from vbvr_infra.function import ARCHITECTURES
from vbvr_infra.image import BuiltImage, GivenImage
from vbvr_infra.names import Names, output_bucket
from vbvr_infra.notices import Notices
from vbvr_infra.settings import Settings


class VbvrStack(Stack):
    """A factory as the settings want it. `account` and `region`: none leaves them to CloudFormation.

    With an account the bucket's name is a literal, by which CloudFormation can find the bucket that an
    earlier stack has left (`cdk deploy --import-existing-resources`).
    """

    def __init__(
        self, scope: Construct, *, settings: Settings, account: str | None = None, region: str | None = None
    ) -> None:
        super().__init__(
            scope,
            settings.stack_name,
            description="vbvr: makes video-reasoning training data (queue, workers, dataset, ledger).",
            env=Environment(account=account, region=region),
            analytics_reporting=False,
        )
        name = settings.stack_name
        names = Names(name, settings.bucket_name or output_bucket(name, account or Aws.ACCOUNT_ID))
        architecture = settings.architecture
        factory = Factory(
            self,
            names=names,
            limits=Limits(
                memory_mb=settings.memory_mb,
                ephemeral_storage_mb=settings.ephemeral_storage_mb,
                max_concurrency=settings.max_concurrency,
                timeout=Duration.minutes(settings.timeout_minutes),
                architecture=ARCHITECTURES[architecture],
            ),
            image=GivenImage(settings.image_uri)
            if settings.image_uri
            else BuiltImage(self, architecture=architecture),
            extra_buckets=settings.extra_buckets,
        )
        if settings.alarm_email:
            notices = Notices(self, "Notices", topic_name=f"{name}-alarms", email=settings.alarm_email)
            notices.tell(factory.alarms.alarms)
