"""An image that CodeBuild builds in the account, for whoever has neither Docker nor the CDK."""

from __future__ import annotations

from pathlib import Path

import yaml
from aws_cdk import Acknowledgment, CfnCondition, CustomResource, Duration, Fn, RemovalPolicy, Validations
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from vbvr_infra.function import once_dependent
from vbvr_infra.names import regional_arn

HERE = Path(__file__).parent
KEPT_IMAGES = 5
BUILD_TIME = Duration.minutes(55)  # CloudFormation waits an hour
ENDS = ["SUCCEEDED", "FAILED", "FAULT", "STOPPED", "TIMED_OUT"]

_PUSH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:InitiateLayerUpload",
    "ecr:UploadLayerPart",
    "ecr:CompleteLayerUpload",
    "ecr:PutImage",
    "ecr:BatchGetImage",
)


class ImageBuilder(Construct):
    """A project, its repository of images, and a resource that is there once the image is.

    Another `repository` (of the source) or `revision` makes another image; so does nothing else.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, repository: str, revision: str, architecture: str
    ) -> None:
        super().__init__(scope, construct_id)
        self._images = self._make_images()
        project = self._make_project(architecture)
        answering = self._make_answering(project)
        ended = events.Rule(
            self,
            "Ended",
            description="A build of the image has ended.",
            event_pattern=events.EventPattern(
                source=["aws.codebuild"],
                detail_type=["CodeBuild Build State Change"],
                detail={"project-name": [project.ref], "build-status": ENDS},
            ),
        )
        ended.add_target(targets.LambdaFunction(answering))
        self._image = CustomResource(
            self,
            "Image",
            service_token=answering.function_arn,
            resource_type="Custom::Image",
            service_timeout=Duration.hours(1),
            properties={"Repository": repository, "Revision": revision, "Architecture": architecture},
        )
        self._image.node.add_dependency(ended)  # an event that nobody listens to would be waited for in vain

    @property
    def image_uri(self) -> str:
        """The image's address, with its digest."""
        return self._image.get_att_string("ImageUri")

    def _make_images(self) -> ecr.Repository:
        images = ecr.Repository(
            self,
            "Images",
            removal_policy=RemovalPolicy.DESTROY,
            empty_on_delete=True,
            image_scan_on_push=True,
            lifecycle_rules=[ecr.LifecycleRule(max_image_count=KEPT_IMAGES)],
        )
        images.add_to_resource_policy(
            iam.PolicyStatement(
                sid="LambdaPulls",
                principals=[iam.ServicePrincipal("lambda.amazonaws.com")],
                actions=["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                conditions={"StringLike": {"aws:SourceArn": regional_arn("lambda", "function:*")}},
            )
        )
        return images

    def _make_project(self, architecture: str) -> codebuild.CfnProject:
        log = logs.LogGroup(
            self, "BuildLog", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        role = iam.Role(
            self,
            "BuildRole",
            assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"),
            inline_policies={
                "build": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                            resources=[log.log_group_arn],
                        ),
                        iam.PolicyStatement(actions=list(_PUSH), resources=[self._images.repository_arn]),
                        iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]),
                    ]
                )
            },
        )
        Validations.of(role).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-IAM5[Resource::*]",
                reason="ecr:GetAuthorizationToken is about no resource: AWS takes no other.",
            )
        )
        is_arm = CfnCondition(self, "IsArm", expression=Fn.condition_equals(architecture, "arm64"))
        arm, intel = (
            codebuild.LinuxArmBuildImage.AMAZON_LINUX_2023_STANDARD_3_0,
            codebuild.LinuxBuildImage.AMAZON_LINUX_2023_5,
        )
        project = codebuild.CfnProject(
            self,
            "Project",
            description="Builds vbvr's image and pushes it.",
            service_role=role.role_arn,
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="NO_ARTIFACTS"),
            source=codebuild.CfnProject.SourceProperty(type="NO_SOURCE", build_spec=_build_spec()),
            environment=codebuild.CfnProject.EnvironmentProperty(
                type=Fn.condition_if(is_arm.logical_id, arm.type, intel.type).to_string(),
                image=Fn.condition_if(is_arm.logical_id, arm.image_id, intel.image_id).to_string(),
                compute_type="BUILD_GENERAL1_MEDIUM",
                privileged_mode=True,
                environment_variables=[
                    codebuild.CfnProject.EnvironmentVariableProperty(name=name, value=value)
                    for name, value in {
                        "REGISTRY": self._images.registry_uri,
                        "IMAGE": self._images.repository_uri,
                    }.items()
                ],
            ),
            logs_config=codebuild.CfnProject.LogsConfigProperty(
                cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
                    status="ENABLED", group_name=log.log_group_name
                )
            ),
            timeout_in_minutes=BUILD_TIME.to_minutes(),
        )
        Validations.of(project).acknowledge(
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-CB5",
                reason="Which of AWS's own images it is depends on a parameter, which the rule cannot read.",
            ),
            Acknowledgment(
                id="AwsSolutions::AwsSolutions-CB4",
                reason="The project keeps no artifacts: there is nothing to encrypt.",
            ),
        )
        return project

    def _make_answering(self, project: codebuild.CfnProject) -> lambda_.Function:
        log = logs.LogGroup(
            self, "AnsweringLog", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        role = iam.Role(
            self,
            "AnsweringRole",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                "answer": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["codebuild:StartBuild", "codebuild:BatchGetBuilds"],
                            resources=[project.attr_arn],
                        ),
                        iam.PolicyStatement(
                            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                            resources=[log.log_group_arn],
                        ),
                    ]
                )
            },
        )
        function = lambda_.Function(
            self,
            "Answering",
            description="Starts builds of vbvr's image for CloudFormation, and tells it how they end.",
            code=lambda_.Code.from_inline((HERE / "answering.py").read_text(encoding="utf-8")),
            handler="index.handler",
            runtime=lambda_.Runtime.PYTHON_3_14,
            role=role,
            log_group=log,
            timeout=Duration.minutes(1),
            environment={"PROJECT": project.ref},
        )
        once_dependent(function)
        return function


def _build_spec() -> str:
    script = (HERE / "build_image.sh").read_text(encoding="utf-8")
    spec = {
        "version": 0.2,
        "env": {"shell": "bash", "exported-variables": ["IMAGE_URI"]},
        "phases": {
            "install": {"runtime-versions": {"python": "3.12"}},
            "build": {
                "commands": [
                    f"bash -euo pipefail << 'END'\n{script}END\n",
                    'export IMAGE_URI="$(cat image-uri)"',
                ]
            },
        },
    }
    return yaml.safe_dump(spec, sort_keys=False)
