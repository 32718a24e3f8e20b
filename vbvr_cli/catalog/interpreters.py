"""Which interpreter a generator runs in, and what of it decides the bytes of samples."""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from vbvr_cli.catalog import probe
from vbvr_cli.catalog.generator import Environment
from vbvr_cli.catalog.requirements import Line, find_needs, has_requirements
from vbvr_cli.errors import ConfigurationError

PROBE_SECONDS = 60
PROBE_RECORD = "vbvr-probe.json"
"""Where an environment that vbvr built keeps its description: it does not change any more."""
MISSING = "missing"
OWN_PYTHON = Path(sys.executable)


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution and its own requirements, markers not yet asked."""

    version: str
    requires: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python and what is installed in it, by canonical name. `markers` as environment markers ask."""

    markers: dict[str, str]
    distributions: dict[str, Distribution]

    @classmethod
    def from_probe(cls, found: dict[str, Any]) -> Interpreter:
        """Read what `probe.describe` gives."""
        return cls(
            found["markers"],
            {
                str(canonicalize_name(name)): Distribution(version, tuple(requires))
                for name, (version, requires) in found["distributions"].items()
            },
        )

    def everything(self) -> dict[str, str]:
        """The versions of all that is installed; vbvr itself is no part of a generator's environment."""
        return {name: found.version for name, found in self.distributions.items() if name != "vbvr"}

    def closure(self, lines: tuple[Line, ...]) -> dict[str, str]:
        """The versions of what the lines ask for and of all that these need; what is not there is `missing`.

        A line that vbvr cannot read counts as it stands.
        """
        found = {f"line {line.text}": "" for line in lines if line.requirement is None}
        waiting = [line.requirement for line in lines if line.requirement is not None]
        seen: set[tuple[str, str]] = set()
        while waiting:
            requirement = waiting.pop()
            if requirement.marker and not requirement.marker.evaluate({**self.markers, "extra": ""}):
                continue
            name = str(canonicalize_name(requirement.name))
            distribution = self.distributions.get(name)
            found[name] = distribution.version if distribution else MISSING
            for extra in ("", *sorted(requirement.extras)):
                if distribution and (name, extra) not in seen:
                    seen.add((name, extra))
                    waiting += self._needs(distribution, extra)
        return found

    def meets(self, lines: Iterable[Line]) -> bool:
        """Whether all that the lines ask for is installed, with what it needs, in versions they accept."""
        lines = tuple(line for line in lines if line.requirement)
        installed = self.closure(lines)
        return MISSING not in installed.values() and all(
            line.requirement.specifier.contains(installed[name], prereleases=True)
            for line in lines
            if line.requirement and (name := str(canonicalize_name(line.requirement.name))) in installed
        )

    def _needs(self, distribution: Distribution, extra: str) -> list[Requirement]:
        needs = []
        for text in distribution.requires:
            try:
                requirement = Requirement(text)
            except InvalidRequirement:  # metadata of old packages; pip warns and goes on, too
                continue
            if requirement.marker is None or requirement.marker.evaluate({**self.markers, "extra": extra}):
                requirement.marker = None
                needs.append(requirement)
        return needs

    def identity(self, versions: dict[str, str]) -> str:
        """`py{major.minor}-{16 hex}` over the interpreter, the machine's architecture and the versions."""
        python = self.markers["python_version"]
        parts = [
            self.markers["implementation_name"],
            python,
            self.markers["platform_machine"],
            *sorted(f"{name}=={version}" for name, version in versions.items()),
        ]
        return f"py{python}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]}"


def environment_of(folder: Path, python: Path, imports: Iterable[str] | None = None) -> Environment:
    """The environment of the generator in a folder that runs in this interpreter.

    Its id covers what its requirements and its imports lead to; without requirements.txt, all that is
    installed. `imports`: as for `find_needs`. Raises ConfigurationError where the interpreter does not run.
    """
    lines = find_needs(folder, imports).lines if has_requirements(folder) else None
    return Environment(python, _identity(python, lines))


@functools.lru_cache(maxsize=1024)
def _identity(python: Path, lines: tuple[Line, ...] | None) -> str:
    interpreter = inspect_interpreter(python)
    versions = interpreter.everything() if lines is None else interpreter.closure(lines)
    return interpreter.identity(versions)


@functools.lru_cache(maxsize=64)
def inspect_interpreter(python: Path) -> Interpreter:
    """What an interpreter is and has. Another than vbvr's own is started once."""
    if python == OWN_PYTHON:
        return Interpreter.from_probe(probe.describe())
    record = python.parent.parent / PROBE_RECORD
    if record.is_file():
        return Interpreter.from_probe(json.loads(record.read_bytes()))
    return Interpreter.from_probe(run_probe(python))


def run_probe(python: Path) -> dict[str, Any]:
    """Start another interpreter, isolated from this one, and let it describe itself."""
    try:
        finished = subprocess.run(
            [python, "-I", probe.__file__], capture_output=True, check=True, timeout=PROBE_SECONDS, text=True
        )
        found: dict[str, Any] = json.loads(finished.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        output = getattr(error, "stderr", None) or str(error)
        raise ConfigurationError(
            f"{python} does not run as a Python interpreter.",
            why=output.strip().splitlines()[-1],
            hint="Set VBVR_PYTHON to a Python 3.8 or newer, or unset it to use vbvr's own.",
        ) from error
    return found
