"""The function that works on tasks, fed by the queue."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from vbvr_infra.function import ImageFunction
from vbvr_infra.image import WORKER_COMMAND, Image
from vbvr_infra.permissions import Who
from vbvr_infra.policies import Arns


class Compute(Construct):
    """The worker: one task an invocation, as many at once as the operator allows."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        arns: Arns,
        image: Image,
        environment: Mapping[str, str],
        queue_arn: str,
        architecture: lambda_.Architecture,
        memory_mb: float,
        ephemeral_storage_mb: float,
        timeout: Duration,
        max_concurrency: float,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = ImageFunction(
            self,
            "Worker",
            name=name,
            who=Who.WORKER,
            arns=arns,
            image=image,
            command=WORKER_COMMAND,
            description="vbvr: makes the samples of one task at a time.",
            environment=environment,
            architecture=architecture,
            memory_mb=memory_mb,
            ephemeral_storage_mb=ephemeral_storage_mb,
            timeout=timeout,
        ).function
        lambda_.EventSourceMapping(
            self,
            "Source",
            target=self.function,
            event_source_arn=queue_arn,
            batch_size=1,
            max_concurrency=max_concurrency,
            report_batch_item_failures=True,
        )
