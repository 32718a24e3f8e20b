"""What a deployment would change, found by comparing two templates. Nothing is asked of AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vbvr_cli.operations.deploy.progress import kind_in_words

_NAMES = (
    "QueueName",
    "BucketName",
    "TableName",
    "FunctionName",
    "AlarmName",
    "DashboardName",
    "LogGroupName",
    "TopicName",
)
_COMPARED = ("Properties", "DeletionPolicy", "UpdateReplacePolicy", "DependsOn")
_ROLE = "AWS::IAM::Role"
MONTHLY_USD = {"AWS::CloudWatch::Alarm": 0.10, "AWS::CloudWatch::Dashboard": 3.00}
"""What costs while nothing is made, a month each. Ten alarms and three dashboards are free on AWS."""


class Action(StrEnum):
    """What happens to a resource."""

    MAKE = "make"
    CHANGE = "change"
    REMOVE = "remove"
    TAKE_UP = "take up"


@dataclass(frozen=True, slots=True)
class Change:
    """One resource and what happens to it. `details`: which of its properties change."""

    action: Action
    kind: str
    name: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """What a role may newly do (or, if `removed`, no longer), and to what."""

    role: str
    actions: tuple[str, ...]
    on: str
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """What stands for CloudFormation's own names in a template."""

    account: str
    region: str

    def text(self, value: Any) -> str:
        """A value as people read it; what only CloudFormation knows is <Name>."""
        if isinstance(value, str):
            return value
        if isinstance(value, Mapping) and len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref":
                known = {"AWS::Partition": "aws", "AWS::Region": self.region, "AWS::AccountId": self.account}
                return known.get(argument, f"<{argument}>")
            if function == "Fn::Join":
                return str(argument[0]).join(map(self.text, argument[1]))
            if function == "Fn::GetAtt":
                return f"<{argument[0] if isinstance(argument, list) else argument}>"
        return json.dumps(value)


def changes_between(
    old: Mapping[str, Any] | None, new: Mapping[str, Any], left: frozenset[str]
) -> list[Change]:
    """What happens to each resource. `left`: the names of what an earlier stack left and this takes up."""
    before = old.get("Resources", {}) if old else {}
    after = new["Resources"]
    found = []
    for identifier, resource in after.items():
        kind, name = kind_in_words(resource["Type"]), name_of(identifier, resource)
        if identifier not in before:
            action = Action.TAKE_UP if name in left else Action.MAKE
            found.append(Change(action, kind, name))
        elif details := tuple(_differences(before[identifier], resource)):
            found.append(Change(Action.CHANGE, kind, name, details))
    for identifier, resource in before.items():
        if identifier not in after:
            found.append(
                Change(Action.REMOVE, kind_in_words(resource["Type"]), name_of(identifier, resource))
            )
    return found


def grants_between(old: Mapping[str, Any] | None, new: Mapping[str, Any], place: Place) -> list[Grant]:
    """What roles may newly do, and what they no longer may."""
    before = _grants(old, place) if old else {}
    after = _grants(new, place)
    found = []
    for (role, on), actions in after.items():
        if added := actions - before.get((role, on), set()):
            found.append(Grant(role, tuple(sorted(added)), on))
    for (role, on), actions in before.items():
        if gone := actions - after.get((role, on), set()):
            found.append(Grant(role, tuple(sorted(gone)), on, removed=True))
    return found


def fixed_costs(template: Mapping[str, Any]) -> float:
    """US dollars a month for what is there while nothing is made; storage comes on top."""
    return sum(MONTHLY_USD.get(one["Type"], 0.0) for one in template["Resources"].values())


def name_of(identifier: str, resource: Mapping[str, Any]) -> str:
    """The name that a resource has on AWS, else its place in the stack."""
    properties = resource.get("Properties", {})
    for key in _NAMES:
        if isinstance(name := properties.get(key), str):
            return name
    path = str(resource.get("Metadata", {}).get("aws:cdk:path", identifier))
    return path.partition("/")[2].removesuffix("/Resource") or path


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for part in _COMPARED:
        old, new = before.get(part), after.get(part)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from (key for key in sorted({*old, *new}) if old.get(key) != new.get(key))
        else:
            yield part


def _grants(template: Mapping[str, Any], place: Place) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for identifier, resource in template.get("Resources", {}).items():
        if resource["Type"] != _ROLE:
            continue
        role = name_of(identifier, resource)
        for policy in resource.get("Properties", {}).get("Policies", []):
            for statement in _listed(policy["PolicyDocument"].get("Statement", [])):
                for on in _listed(statement.get("Resource", "*")):
                    key = (role, place.text(on))
                    found.setdefault(key, set()).update(map(str, _listed(statement.get("Action", []))))
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
