"""What may stand in generators.yaml and figures.yaml."""

from __future__ import annotations

import difflib
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from vbvr_cli.catalog.generator import Role
from vbvr_cli.models import GENERATOR_NAME, MAX_SAMPLES_PER_TASK

SCHEMES = ("https", "http", "ssh", "git", "file")
CONTRACT_OPTIONS = ("--num-samples", "--seed", "--output", "--output-dir")
_SCP_LIKE = re.compile(r"[\w.-]+@[\w.-]+:[^:\s]+")


def _name(value: str) -> str:
    if not GENERATOR_NAME.fullmatch(value):
        raise ValueError("should be letters, digits, '.', '_' and '-' only, and begin with a letter or digit")
    return value


def _repository(value: str) -> str:
    address = urlsplit(value)
    well_formed = (address.scheme in SCHEMES and bool(address.path.strip("/"))) or _SCP_LIKE.fullmatch(value)
    if not well_formed or re.search(r"[\s\x00-\x1f]", value):
        raise ValueError(
            f"should be the address of a git repository ({', '.join(SCHEMES)} or user@host:path)"
        )
    return value


def _licence(value: str) -> str:
    try:
        return canonicalize_license_expression(value)
    except InvalidLicenseExpression:
        raise ValueError("should be an SPDX licence such as 'MIT', or 'LicenseRef-…'") from None


def _option(value: str) -> str:
    name = value.partition("=")[0]
    if name in CONTRACT_OPTIONS:
        raise ValueError(f"should be an option of the generator's own: vbvr itself sets {name}")
    return value


Name = Annotated[str, AfterValidator(_name)]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Category = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Licence = Annotated[str, AfterValidator(_licence)]
SystemPackage = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+:-]*$")]


class _Fields(BaseModel):
    """A model whose mistaken fields are named together with what was perhaps meant."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _known_fields_only(cls, data: Any) -> Any:
        for field in data if isinstance(data, dict) else ():
            if field in cls.model_fields:
                continue
            nearest = difflib.get_close_matches(str(field), cls.model_fields, n=1)
            if nearest:
                advice = f"Perhaps you meant '{nearest[0]}'."
            elif cls is Entry and field in Figures.model_fields:
                advice = "It belongs into figures.yaml, under the generator's name."
            else:
                advice = f"Known are {', '.join(cls.model_fields)}."
            raise PydanticCustomError("unknown_field", "there is no such field. {advice}",
                                      {"field": str(field), "advice": advice})  # fmt: skip
        return data


class GitSource(_Fields):
    """A generator in a git repository. `commit` none: fetching pins it in generators.lock."""

    git: Annotated[str, AfterValidator(_repository)]
    commit: Commit | None = None
    branch: Annotated[str, Field(min_length=1, max_length=255)] | None = None


class PathSource(_Fields):
    """A generator in a folder of this machine; a relative path counts from the catalog's own folder."""

    path: Annotated[str, Field(min_length=1)]


class StarterSource(_Fields):
    """A generator that ships with vbvr, by the name of its folder."""

    starter: Name


_KINDS = {"git": "git source", "path": "path source", "starter": "starter source"}


def _one_kind(value: Any) -> Any:
    if isinstance(value, _Fields):
        return value
    kinds = [kind for kind in _KINDS if isinstance(value, dict) and kind in value]
    if len(kinds) != 1:
        found = f"both {' and '.join(kinds)}" if kinds else "none of them"
        raise PydanticCustomError(
            "source", "should have exactly one of git, path and starter; it has {found}", {"found": found}
        )
    return value


def _kind(value: Any) -> str | None:
    if isinstance(value, _Fields):
        return next((tag for kind, tag in _KINDS.items() if hasattr(value, kind)), None)
    return next((tag for kind, tag in _KINDS.items() if kind in value), None)


Source = Annotated[
    Annotated[GitSource, Tag("git source")]
    | Annotated[PathSource, Tag("path source")]
    | Annotated[StarterSource, Tag("starter source")],
    Discriminator(_kind),
    BeforeValidator(_one_kind),
]


class Entry(_Fields):
    """A generator as the catalog lists it. `system_packages` are Debian packages it needs beside Python."""

    name: Name
    source: Source
    category: Category | None = None
    role: Role = "none"
    licence: Licence | None = None
    options: Annotated[list[Annotated[str, AfterValidator(_option)]], Field(max_length=64)] = []
    system_packages: list[SystemPackage] = []


class Defaults(_Fields):
    """How a generator is run for which figures.yaml says nothing else. Seconds and MB are a task's."""

    batch_size: int = Field(default=100, ge=1, le=MAX_SAMPLES_PER_TASK)
    time_limit_seconds: float = Field(default=900.0, gt=0)
    memory_mb: int = Field(default=3072, ge=64)


class Figures(_Fields):
    """How one generator is best run, as measured. None: the catalog's default, or unknown."""

    batch_size: int | None = Field(default=None, ge=1, le=MAX_SAMPLES_PER_TASK)
    time_limit_seconds: float | None = Field(default=None, gt=0)
    memory_mb: int | None = Field(default=None, ge=64)
    seconds_per_sample: float | None = Field(default=None, gt=0)
    bytes_per_sample: int | None = Field(default=None, gt=0)
    pool: int | None = Field(default=None, ge=1)


class CatalogFile(_Fields):
    """generators.yaml."""

    version: Literal[1]
    defaults: Defaults = Defaults()
    generators: list[Entry]


class FiguresFile(_Fields):
    """figures.yaml: by the generator's name, also of generators that are in no catalog."""

    version: Literal[1]
    generators: dict[Name, Figures] = {}
