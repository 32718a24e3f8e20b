"""IAM policies from the list of permissions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam

from vbvr_cli.manifest import MANIFESTS, QUESTIONS
from vbvr_infra.names import Names, bucket_arn, regional_arn
from vbvr_infra.permissions import On, Who, permissions_of


@dataclass(frozen=True, slots=True)
class Arns:
    """The ARNs of what permissions are about."""

    known: Mapping[On, tuple[str, ...]]

    @classmethod
    def of_stack(cls, names: Names, extra_buckets: Sequence[str]) -> Arns:
        """Those of a stack, by name: a policy can be written before the things are there."""
        buckets = [bucket_arn(bucket) for bucket in (names.bucket, *extra_buckets)]
        return cls(
            {
                On.QUEUE: (regional_arn("sqs", names.queue),),
                On.DLQ: (regional_arn("sqs", names.dlq),),
                On.BUCKET: tuple(buckets),
                On.MANIFESTS: tuple(f"{bucket}/{MANIFESTS}*" for bucket in buckets),
                On.QUESTIONS: tuple(f"{bucket}/{QUESTIONS}*" for bucket in buckets),
                On.LEDGER: (regional_arn("dynamodb", f"table/{names.ledger}"),),
                On.DEDUP: (regional_arn("dynamodb", f"table/{names.dedup}"),),
            }
        )

    def of_function(self, name: str, log_arn: str) -> Arns:
        """With those of one function. `log_arn` stands for the streams of its log."""
        own = {On.SELF: (regional_arn("lambda", f"function:{name}"),), On.LOGS: (log_arn,)}
        return replace(self, known={**self.known, **own})


def policy_of(who: Who, arns: Arns) -> iam.PolicyDocument:
    """What a function may do: one statement for each thing that it is done to."""
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(sid=on.name.title(), actions=list(actions), resources=list(arns.known[on]))
            for on, actions in permissions_of(who).items()
        ]
    )


def acknowledge_objects(role: iam.Role, arns: Arns) -> None:
    """Tell cdk-nag why the role's policy has a wildcard in the ARNs of objects, and nowhere else."""
    patterns = (*arns.known[On.MANIFESTS], *arns.known[On.QUESTIONS])
    Validations.of(role).acknowledge(
        *(
            Acknowledgment(
                id=f"AwsSolutions::AwsSolutions-IAM5[Resource::{_flat(Stack.of(role).resolve(arn))}]",
                reason="Objects are made by the million: a policy can only name the prefix they are below.",
            )
            for arn in patterns
        )
    )


def _flat(resolved: Any) -> str:
    """An ARN as cdk-nag writes it: <Name> for a reference, JSON for what it does not understand."""
    if isinstance(resolved, str):
        return resolved
    ((function, argument),) = resolved.items()
    if function == "Fn::Join":
        return "".join(map(_flat, argument[1]))
    return f"<{argument}>" if function == "Ref" else json.dumps(resolved, separators=(",", ":"))
