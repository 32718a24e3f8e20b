"""The one-click template: the same factory, with parameters instead of context, and without the CDK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from aws_cdk import (
    Aws,
    CfnCondition,
    CfnParameter,
    CfnResource,
    CfnRule,
    CfnRuleAssertion,
    DefaultStackSynthesizer,
    Duration,
    Fn,
    ICfnConditionExpression,
    Stack,
    Token,
)
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IConstruct

from vbvr_infra import settings
from vbvr_infra.builder.builder import ImageBuilder
from vbvr_infra.factory import Factory, Limits
from vbvr_infra.image import GivenImage
from vbvr_infra.names import Names
from vbvr_infra.notices import Notices


class OneClickStack(Stack):
    """A factory from a template alone; in an empty account, it builds its image too."""

    def __init__(self, scope: Construct, construct_id: str, *, defaults: settings.Settings) -> None:
        super().__init__(
            scope,
            construct_id,
            description="vbvr: makes video-reasoning training data (queue, workers, dataset, ledger).",
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
            analytics_reporting=False,
        )
        image = _text(
            self,
            "ImageUri",
            "Where vbvr's image is, in ECR of this region. Empty: it is built in this account, from the "
            "repository, which takes some twenty minutes.",
            pattern=f"|{settings.IMAGE_URI.pattern}",
            rule=settings.IMAGE_RULE,
        )
        repository = _text(
            self,
            "Repository",
            "The git repository of vbvr to build the image from: needed where no image is named.",
            pattern=r"|https://[^\s'\"]+",
            rule="an https address",
        )
        revision = _text(
            self,
            "Revision",
            "The branch, tag or commit to build; another one, given in an update, builds another image.",
            default="HEAD",
            pattern="[A-Za-z0-9][A-Za-z0-9._/-]*",
            rule="a branch, a tag or a commit",
        )
        architecture = _choice(
            self, "Architecture", "What the image is for.", settings.ARCHITECTURES, defaults.architecture
        )
        concurrency = _number(
            self,
            "MaxConcurrency",
            "How many tasks are worked on at once; leave some of the account's quota (1,000 as a rule).",
            settings.CONCURRENCY,
            defaults.max_concurrency,
        )
        memory = _number(self, "MemoryMB", "Memory of a worker.", settings.MEMORY_MB, defaults.memory_mb)
        scratch = _number(
            self,
            "EphemeralStorageMB",
            "Room of a worker for the samples of one task.",
            settings.EPHEMERAL_MB,
            defaults.ephemeral_storage_mb,
        )
        bucket_name = _text(
            self,
            "BucketName",
            "The bucket for datasets. Empty: STACK-output-ACCOUNT, for which the stack's name must be in "
            "small letters.",
            pattern=f"|{settings.BUCKET_NAME.pattern}",
            rule=settings.BUCKET_RULE,
        )
        existing = _choice(
            self,
            "ExistingData",
            "yes: an earlier stack of this name has left its bucket and tables; they are used.",
            ("no", "yes"),
            "no",
        )
        email = _text(
            self,
            "AlarmEmail",
            "Who is told of alarms, by mail. Empty: nobody.",
            pattern=f"|{settings.EMAIL.pattern}",
            rule=settings.EMAIL_RULE,
        )
        self._describe(
            {
                "Image": (image, repository, revision, architecture),
                "Size": (concurrency, memory, scratch),
                "Data": (bucket_name, existing),
                "Alarms": (email,),
            }
        )
        CfnRule(
            self,
            "ImageOrRepository",
            rule_condition=Fn.condition_equals(image.value_as_string, ""),
            assertions=[
                CfnRuleAssertion(
                    assert_=Fn.condition_not(Fn.condition_equals(repository.value_as_string, "")),
                    assert_description="Name an image, or the repository to build one from.",
                )
            ],
        )
        builds = self._when("BuildsImage", Fn.condition_equals(image.value_as_string, ""))
        builder = ImageBuilder(
            self,
            "Builder",
            repository=repository.value_as_string,
            revision=revision.value_as_string,
            architecture=architecture.value_as_string,
        )
        _only_if(builds, builder)
        unnamed = self._when("BucketIsNotNamed", Fn.condition_equals(bucket_name.value_as_string, ""))
        own = f"{Aws.STACK_NAME}-output-{Aws.ACCOUNT_ID}"
        factory = Factory(
            self,
            names=Names(Aws.STACK_NAME, _either(unnamed, own, bucket_name.value_as_string)),
            limits=Limits(
                memory_mb=memory.value_as_number,
                ephemeral_storage_mb=scratch.value_as_number,
                max_concurrency=concurrency.value_as_number,
                timeout=Duration.minutes(defaults.timeout_minutes),
                architecture=lambda_.Architecture.custom(architecture.value_as_string),
            ),
            image=GivenImage(_either(builds, builder.image_uri, image.value_as_string)),
            data_is_new=self._when("DataIsNew", Fn.condition_equals(existing.value_as_string, "no")),
        )
        told = self._when("SomebodyIsTold", Fn.condition_not(Fn.condition_equals(email.value_as_string, "")))
        notices = Notices(self, "Notices", topic_name=f"{Aws.STACK_NAME}-alarms", email=email.value_as_string)
        _only_if(told, notices)
        for alarm in factory.alarms.alarms:
            actions = Fn.condition_if(told.logical_id, [notices.topic.topic_arn], Aws.NO_VALUE)
            resource = cast("CfnResource", alarm.node.default_child)
            for kind in ("AlarmActions", "OKActions"):
                resource.add_property_override(kind, actions)

    def _when(self, construct_id: str, expression: ICfnConditionExpression) -> CfnCondition:
        return CfnCondition(self, construct_id, expression=expression)

    def _describe(self, groups: Mapping[str, Sequence[CfnParameter]]) -> None:
        """Let the console show the parameters in groups."""
        self.template_options.metadata = {
            "AWS::CloudFormation::Interface": {
                "ParameterGroups": [
                    {
                        "Label": {"default": label},
                        "Parameters": [parameter.logical_id for parameter in parameters],
                    }
                    for label, parameters in groups.items()
                ]
            }
        }


def _text(
    scope: Construct, name: str, description: str, *, pattern: str, rule: str, default: str = ""
) -> CfnParameter:
    return CfnParameter(
        scope,
        name,
        type="String",
        default=default,
        description=description,
        allowed_pattern=f"^({pattern})$",
        constraint_description=f"must be {rule}",
    )


def _number(
    scope: Construct, name: str, description: str, limits: tuple[int, int], default: int
) -> CfnParameter:
    least, most = limits
    return CfnParameter(
        scope,
        name,
        type="Number",
        default=default,
        description=description,
        min_value=least,
        max_value=most,
        constraint_description=f"must be a number from {least} to {most}",
    )


def _choice(
    scope: Construct, name: str, description: str, values: Sequence[str], default: str
) -> CfnParameter:
    return CfnParameter(
        scope, name, type="String", default=default, description=description, allowed_values=list(values)
    )


def _either(condition: CfnCondition, then: str, otherwise: str) -> str:
    return Token.as_string(Fn.condition_if(condition.logical_id, then, otherwise))


def _only_if(condition: CfnCondition, construct: IConstruct) -> None:
    """Make all that a construct consists of only under a condition."""
    for part in construct.node.find_all():
        if isinstance(part, CfnResource):
            part.cfn_options.condition = condition
