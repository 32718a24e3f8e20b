"""Decides which generators share an environment: as few environments as their requirements allow."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from vbvr_cli.catalog.lock import LockedEnvironment
from vbvr_cli.catalog.requirements import Needs
from vbvr_cli.catalog.uv import OWN_VERSION, ResolutionError, resolve

Resolver = Callable[[Sequence[str]], list[str]]


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which environment each generator runs in, and for whom there is none. Both by generator name."""

    keys: dict[str, str]
    environments: dict[str, LockedEnvironment]
    failures: dict[str, str]


@dataclass(slots=True)
class _Group:
    """Requirements that are met together: text -> where it stands."""

    places: dict[str, str]
    packages: list[str]
    members: list[str] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)


def environment_key(python: str, packages: Sequence[str]) -> str:
    """`py{version}-{16 hex}`: the same packages are the same environment."""
    identity = "\n".join([python, *sorted(packages)])
    return f"py{python}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def group(
    needs: Mapping[str, Needs],
    existing: Mapping[str, LockedEnvironment],
    resolver: Resolver = resolve,
) -> Grouping:
    """Put every generator into the first environment that can have its requirements, else into a new one.

    The most frequent requirements come first. What is in an `existing` environment stays as it is: others
    may only join it. A generator that needs nothing is in none.
    """
    groups = [
        _Group(
            dict.fromkeys(environment.packages, f"environment {key}"),
            environment.packages,
            apart=list(environment.apart),
        )
        for key, environment in existing.items()
        if environment.python == OWN_VERSION
    ]
    failures: dict[str, str] = {}
    for texts, names in _by_requirements(needs):
        places = {text: f"{names[0]}, {needs[names[0]].by_text[text].place}" for text in texts}
        try:
            chosen = _join(groups, places, resolver)
        except ResolutionError as error:
            failures |= dict.fromkeys(names, str(error))
        else:
            chosen.members += names
    used = [one for one in groups if one.members]
    keys = {name: environment_key(OWN_VERSION, one.packages) for one in used for name in one.members}
    environments = {
        environment_key(OWN_VERSION, one.packages): LockedEnvironment(
            python=OWN_VERSION, packages=one.packages, apart=one.apart
        )
        for one in used
    }
    return Grouping(keys, environments, failures)


def _by_requirements(needs: Mapping[str, Needs]) -> list[tuple[tuple[str, ...], list[str]]]:
    texts = {name: tuple(sorted(need.by_text)) for name, need in needs.items() if need.by_text}
    often = Counter(texts.values())
    ordered = sorted(often, key=lambda one: (-often[one], one))
    return [(one, sorted(name for name in texts if texts[name] == one)) for one in ordered]


def _join(groups: list[_Group], places: dict[str, str], resolver: Resolver) -> _Group:
    apart: list[str] = []
    for one in groups:
        reason = _contradiction(one.places, places)
        if reason is None:
            try:
                one.packages = resolver(sorted({*one.places, *places}))
            except ResolutionError as error:
                reason = _blame(one.places, places, str(error))
            else:
                one.places = places | one.places
                return one
        apart.append(reason)
    try:
        packages = resolver(sorted(places))
    except ResolutionError as error:
        raise ResolutionError(_blame({}, places, str(error))) from error
    groups.append(_Group(places, packages, apart=apart))
    return groups[-1]


def _contradiction(ours: dict[str, str], theirs: dict[str, str]) -> str | None:
    """What needs no resolver to be seen: a package fixed here to a version that is refused there."""
    for text, place in theirs.items():
        for other, other_place in ours.items():
            if _exclude(Requirement(text), Requirement(other)):
                return f"{text} ({place}) against {other} ({other_place})"
    return None


def _exclude(one: Requirement, other: Requirement) -> bool:
    if canonicalize_name(one.name) != canonicalize_name(other.name) or one.marker or other.marker:
        return False
    return _fixed_outside(one, other) or _fixed_outside(other, one)


def _fixed_outside(fixed: Requirement, other: Requirement) -> bool:
    versions = [
        item.version for item in fixed.specifier if item.operator == "==" and not item.version.endswith("*")
    ]
    return any(not other.specifier.contains(version, prereleases=True) for version in versions)


def _blame(ours: dict[str, str], theirs: dict[str, str], complaint: str) -> str:
    """The resolver's words, and the lines whose packages it speaks of."""

    def lines(places: dict[str, str]) -> str:
        return ", ".join(f"{text} ({place})" for text, place in places.items() if _is_named(text, complaint))

    sides = [side for side in (lines(theirs), lines(ours)) if side]
    return f"{' against '.join(sides)}: {complaint}" if sides else complaint


def _is_named(text: str, complaint: str) -> bool:
    name = str(canonicalize_name(Requirement(text).name))
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", complaint) is not None
