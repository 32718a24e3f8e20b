"""generators.lock: what was fetched, to the byte, and the packages that each generator runs with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from vbvr_cli.catalog.document import Document
from vbvr_cli.catalog.entries import Commit, GitSource, Name
from vbvr_cli.catalog.writing import write_whole
from vbvr_cli.models import Provenance

LOCK_NAME = "generators.lock"
HEADER = "# Written by 'vbvr fetch-generators'; commit it, and do not edit it.\n"
EnvironmentKey = Annotated[str, Field(pattern=r"^py3\.[0-9]+-[0-9a-f]{16}$")]


class _Fields(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Pin(_Fields):
    """One generator as it was fetched. `digest` is its tree's; `environment` none: vbvr's own interpreter."""

    repository: str
    commit: Commit
    branch: str | None = None
    timestamp: str
    digest: str
    environment: EnvironmentKey | None = None

    def provenance(self) -> Provenance:
        """Where the code comes from, as samples say it."""
        return Provenance(
            commit=self.commit, branch=self.branch, repo=self.repository, timestamp=self.timestamp
        )


class LockedEnvironment(_Fields):
    """The packages of one environment, each `name==version`. `apart` says why others are not in it."""

    python: Annotated[str, Field(pattern=r"^3\.[0-9]+$")]
    packages: list[str]
    apart: list[str] = []


class Lock(_Fields):
    """The whole file."""

    version: Literal[1] = 1
    generators: dict[Name, Pin] = {}
    environments: dict[EnvironmentKey, LockedEnvironment] = {}

    @model_validator(mode="after")
    def _has_each_environment(self) -> Lock:
        for name, pin in self.generators.items():
            if pin.environment and pin.environment not in self.environments:
                raise ValueError(f"lacks the environment {pin.environment} that {name} runs in")
        return self

    @classmethod
    def read(cls, path: Path) -> Lock:
        """Read a lock; without the file nothing is pinned. Raises ConfigurationError."""
        return Document.read(path).validate(cls) if path.exists() else cls()

    def pin_of(self, name: str, source: GitSource) -> Pin | None:
        """What a generator is pinned to, as long as the catalog does not ask for something else."""
        pin = self.generators.get(name)
        return pin if pin and source.commit in {None, pin.commit} else None

    def write(self, path: Path) -> None:
        """Replace the file, unless it says just that already."""
        used = {pin.environment for pin in self.generators.values()}
        content = self.model_dump(exclude_none=True)
        content["generators"] = dict(sorted(content["generators"].items()))
        content["environments"] = {
            key: value for key, value in sorted(content["environments"].items()) if key in used
        }
        text = HEADER + yaml.safe_dump(content, sort_keys=False, width=10_000)
        if not path.exists() or path.read_text() != text:
            write_whole(path, text)
