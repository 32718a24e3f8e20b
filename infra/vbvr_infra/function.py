"""A function that runs the image: its role, its log, and what it is told in its environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from aws_cdk import CfnResource, Duration, RemovalPolicy, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from vbvr_infra.image import Image
from vbvr_infra.permissions import Who
from vbvr_infra.policies import Arns, acknowledge_objects, policy_of

LOG_RETENTION = logs.RetentionDays.ONE_MONTH
ARCHITECTURES = {"x86_64": lambda_.Architecture.X86_64, "arm64": lambda_.Architecture.ARM_64}


class ImageFunction(Construct):
    """One function with a role of its own. `memory_mb` and `ephemeral_storage_mb` may be parameters."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        who: Who,
        arns: Arns,
        image: Image,
        command: str,
        description: str,
        environment: Mapping[str, str],
        architecture: lambda_.Architecture,
        memory_mb: float,
        ephemeral_storage_mb: float,
        timeout: Duration,
        recursive_loop: lambda_.RecursiveLoop | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.log = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{name}",
            retention=LOG_RETENTION,
            removal_policy=RemovalPolicy.DESTROY,
        )
        arns = arns.of_function(name, self.log.log_group_arn)
        self.role = iam.Role(
            self,
            "Role",
            description=f"What {name} may do: docs/deploy.md says why.",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"vbvr": policy_of(who, arns)},
        )
        acknowledge_objects(self.role, arns)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            description=description,
            code=image.code(command),
            handler=lambda_.Handler.FROM_IMAGE,
            runtime=lambda_.Runtime.FROM_IMAGE,
            architecture=architecture,
            role=self.role,
            environment=dict(environment),
            memory_size=memory_mb,
            ephemeral_storage_size=Size.mebibytes(ephemeral_storage_mb),
            timeout=timeout,
            log_group=self.log,
            recursive_loop=recursive_loop,
        )
        once_dependent(self.function)


def once_dependent(function: lambda_.Function) -> None:
    """Drop the dependency that the CDK states beside the reference to the role, which is one already."""
    cast("CfnResource", function.node.default_child).add_deletion_override("DependsOn")
