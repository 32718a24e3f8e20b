"""What outlives its stack, and is taken up by the next one."""

from __future__ import annotations

from typing import cast

from aws_cdk import CfnCondition, CfnResource, Fn, Resource


def unless_kept(is_new: CfnCondition | None, resource: Resource, reference: str, name: str) -> str:
    """What a resource is known by: a reference, or its bare name where another stack has made it.

    A resource with a condition is made only if that holds.
    """
    if is_new is None:
        return reference
    cast("CfnResource", resource.node.default_child).cfn_options.condition = is_new
    return Fn.condition_if(is_new.logical_id, reference, name).to_string()
