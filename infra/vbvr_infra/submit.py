"""The function that submits, for whoever has no command line at hand."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from vbvr_infra.function import ImageFunction
from vbvr_infra.image import SUBMIT_COMMAND, Image
from vbvr_infra.permissions import Who
from vbvr_infra.policies import Arns

MEMORY_MB = 1024
EPHEMERAL_STORAGE_MB = 512


class Submit(Construct):
    """The same image with another entry point. A submit that takes long goes on in further invocations."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        arns: Arns,
        image: Image,
        environment: Mapping[str, str],
        architecture: lambda_.Architecture,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = ImageFunction(
            self,
            "Function",
            name=name,
            who=Who.SUBMIT,
            arns=arns,
            image=image,
            command=SUBMIT_COMMAND,
            description='vbvr: submits, for example {"generators": ["*"], "samples": 10000}.',
            environment=environment,
            architecture=architecture,
            memory_mb=MEMORY_MB,
            ephemeral_storage_mb=EPHEMERAL_STORAGE_MB,
            timeout=Duration.minutes(15),
            # It invokes itself on purpose; Lambda would end that after sixteen times.
            recursive_loop=lambda_.RecursiveLoop.ALLOW,
        ).function
