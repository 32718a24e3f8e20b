"""What an image holds: its generators as they were when it was built, read back without looking again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

import vbvr_cli
from vbvr_cli.catalog.generator import Environment, Generator, OutputOption, Role, Unavailable
from vbvr_cli.catalog.selection import Selectable, UnknownGeneratorError, select_names
from vbvr_cli.errors import ConfigurationError
from vbvr_cli.models import GeneratorName, Provenance

Architecture = Literal["x86_64", "arm64"]
REBUILD = "Run 'vbvr deploy' to build the image anew."


class _Fields(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Recorded(_Fields):
    """One generator. `path` and `python` count from the folder that the roster lies in."""

    name: GeneratorName
    path: str
    python: str
    environment: str
    provenance: Provenance
    output_option: OutputOption
    options: tuple[str, ...] = ()
    category: str | None = None
    role: Role = "none"
    licence: str | None = None
    batch_size: int
    time_limit_seconds: float
    memory_mb: int
    seconds_per_sample: float | None = None
    bytes_per_sample: int | None = None
    pool: int | None = None


class LeftOut(_Fields):
    """A generator that the image could not take: why not, and what would mend that."""

    reason: str
    mend: str = ""
    category: str | None = None
    role: Role = "none"


class Roster(_Fields):
    """The generators of an image, in the catalog's order. It stands in for a Catalog where one is asked.

    `vbvr` is the version that it was built with. `left_out_entries` are known, but not in the image.
    """

    version: Literal[1] = 1
    vbvr: str
    architecture: Architecture
    generators: tuple[Recorded, ...] = ()
    left_out_entries: dict[GeneratorName, LeftOut] = Field(default={}, alias="left_out")

    _root: Path = PrivateAttr(default=Path())
    _entries: dict[str, Selectable] = PrivateAttr(default_factory=dict)
    _recorded: dict[str, Recorded] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _names_each_once(self) -> Roster:
        names = [one.name for one in self.generators]
        if len({*names, *self.left_out_entries}) != len(names) + len(self.left_out_entries):
            raise ValueError("a generator is in it twice")
        return self

    def model_post_init(self, _context: Any) -> None:
        """Index what is asked by name."""
        self._recorded = {one.name: one for one in self.generators}
        self._entries = {**self._recorded, **self.left_out_entries}

    @classmethod
    def of(
        cls,
        generators: Iterable[Generator],
        *,
        root: Path,
        architecture: Architecture,
        left_out: Mapping[str, LeftOut] | None = None,
    ) -> Roster:
        """Record generators whose folders and interpreters are below `root`, and what was `left_out`."""
        recorded = tuple(_record(generator, root) for generator in generators)
        roster = cls(
            vbvr=vbvr_cli.__version__,
            architecture=architecture,
            generators=recorded,
            left_out=dict(left_out or {}),
        )
        roster._root = root
        return roster

    @classmethod
    def read(cls, file: Path) -> Roster:
        """The roster of the image that this is. Raises ConfigurationError."""
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"The roster {file} cannot be read.", why=str(error), hint=REBUILD
            ) from error
        return cls.from_json(text, root=file.parent, name=str(file))

    @classmethod
    def from_json(
        cls, text: str, *, root: Path = Path("/var/task"), name: str = "the image's roster"
    ) -> Roster:
        """Read what `to_json` wrote; its paths count from `root`. Raises ConfigurationError."""
        try:
            roster = cls.model_validate_json(text)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"]))
            raise ConfigurationError(
                f"{name[0].upper()}{name[1:]} is none that vbvr {vbvr_cli.__version__} understands.",
                why=f"{where}: {fault['msg']}" if where else fault["msg"],
                hint=REBUILD,
            ) from error
        roster._root = root
        return roster

    def to_json(self) -> str:
        """The roster as text."""
        return self.model_dump_json(by_alias=True)

    def write(self, file: Path) -> None:
        """Write it to a file of the image."""
        file.write_text(self.to_json() + "\n", encoding="utf-8")

    @property
    def entries(self) -> Mapping[str, Selectable]:
        """Every known name with its category and role, also of what was left out."""
        return self._entries

    @property
    def notices(self) -> tuple[str, ...]:
        """Nothing: what there was to say was said when the image was built."""
        return ()

    def __iter__(self) -> Iterator[Generator]:  # type: ignore[override] # a Catalog's, not pydantic's fields
        """Every generator of the image."""
        return map(self._generator, self.generators)

    @property
    def unavailable(self) -> tuple[Unavailable, ...]:
        """What was left out."""
        return self._unavailable_of(self._entries)

    def get(self, name: str) -> Generator:
        """The generator of this name. Raises UnknownGeneratorError, ConfigurationError if it was left out."""
        if name in self._recorded:
            return self._generator(self._recorded[name])
        if name not in self.left_out_entries:
            raise UnknownGeneratorError(name, self._entries)
        absent = self.left_out_entries[name]
        raise ConfigurationError(
            f"{name} is not in the image.", why=absent.reason, hint=absent.mend or REBUILD
        )

    def foresee(self, name: str) -> Generator:
        """As `get`: an image has everything built."""
        return self.get(name)

    def select(
        self, patterns: Sequence[str], categories: Sequence[str] = (), roles: Sequence[str] = ()
    ) -> list[Generator]:
        """The generators that names, globs or `all` mean, of these categories and roles; each once.

        As Catalog.select: globs and `all` pass over what was left out, a name of it raises.
        """
        names = select_names(self._entries, patterns, categories, roles)
        exact = set(patterns)
        selected = [self.get(name) for name in names if name in self._recorded or name in exact]
        if not selected:
            (first, *_) = self._unavailable_of(names)
            raise ConfigurationError(
                f"None of the {len(names)} generators asked for is in the image.",
                why=f"{first.name}: {first.reason}",
                hint=first.mend or REBUILD,
            )
        return selected

    def left_out(
        self, patterns: Sequence[str], categories: Sequence[str] = (), roles: Sequence[str] = ()
    ) -> tuple[Unavailable, ...]:
        """What `select` of the same passes over, since the image does not have it."""
        return self._unavailable_of(select_names(self._entries, patterns, categories, roles))

    def _unavailable_of(self, names: Iterable[str]) -> tuple[Unavailable, ...]:
        absent = ((name, self.left_out_entries.get(name)) for name in names)
        return tuple(Unavailable(name, one.reason, one.mend or REBUILD) for name, one in absent if one)

    def _generator(self, recorded: Recorded) -> Generator:
        return Generator(
            name=recorded.name,
            path=self._root / recorded.path,
            environment=Environment(self._root / recorded.python, recorded.environment),
            **{name: getattr(recorded, name) for name in _SHARED},
        )


_SHARED: tuple[str, ...] = (
    "provenance",
    "output_option",
    "options",
    "category",
    "role",
    "licence",
    "batch_size",
    "time_limit_seconds",
    "memory_mb",
    "seconds_per_sample",
    "bytes_per_sample",
    "pool",
)


def _record(generator: Generator, root: Path) -> Recorded:
    return Recorded(
        name=generator.name,
        path=_below(generator.path, root),
        python=_below(generator.environment.python, root),
        environment=generator.environment.id,
        **{name: getattr(generator, name) for name in _SHARED},
    )


def _below(path: Path, root: Path) -> str:
    # An interpreter is a link that leads out of the image's tree, so that links are not followed.
    return Path(os.path.normpath(path.absolute())).relative_to(root.absolute()).as_posix()
