"""Looks into CloudFormation templates."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

ACCOUNT, REGION = "111122223333", "us-east-2"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/vbvr:1"
EVERYTHING = {
    "imageUri": IMAGE,
    "extraBuckets": "other-data,arn:aws:s3:::third-data",
    "alarmEmail": "a@b.org",
}
Synth = Callable[[dict[str, Any], Path], "subprocess.CompletedProcess[str]"]

PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "vbvr",
}


def of_type(template: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Resources of a type, by logical id."""
    return {name: one for name, one in template["Resources"].items() if one["Type"] == kind}


def named(template: Mapping[str, Any], kind: str, prop: str, name: str) -> dict[str, Any]:
    """The properties of the one resource that is called so."""
    (found,) = (
        one["Properties"]
        for one in of_type(template, kind).values()
        if plain(one["Properties"].get(prop)) == name
    )
    return dict(found)


def plain(value: Any) -> Any:
    """A value with joins and pseudo parameters put in, as far as they can be known."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Fn::Join"}:
        between, parts = value["Fn::Join"]
        known = plain(parts)
        return between.join(known) if all(isinstance(one, str) for one in known) else value
    if value.keys() == {"Ref"} and value["Ref"] in PSEUDO:
        return PSEUDO[value["Ref"]]
    return {key: plain(one) for key, one in value.items()}


def strings(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
