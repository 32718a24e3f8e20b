"""Where settings come from: an option, then the environment, then a default; each remembers which it was."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vbvr_cli.errors import ConfigurationError

DEFAULT_HOME = Path(".vbvr")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says about where things are; None where it says nothing."""

    home: Path | None = None
    catalog: Path | None = None
    generators_path: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are. `origins` says for each field where its value came from."""

    home: Path
    target: str
    catalog: Path | None
    generators_paths: tuple[Path, ...]
    python: Path | None
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def scratch(self) -> Path:
        """Where workers keep what they are working on."""
        return self.home / "tmp"

    def environment(self) -> dict[str, str]:
        """The variables by which another process finds the same settings."""
        variables = {"VBVR_HOME": str(self.home.absolute()), "VBVR_TARGET": self.target}
        if self.catalog:
            variables["VBVR_CATALOG"] = str(self.catalog.absolute())
        if self.generators_paths:
            variables["GENERATORS_PATH"] = os.pathsep.join(str(p.absolute()) for p in self.generators_paths)
        if self.python:
            variables["VBVR_PYTHON"] = str(self.python)
        return variables


def load_settings(options: Options, environment: Mapping[str, str]) -> Settings:
    """Decide each setting. Raises ConfigurationError for a target that does not exist."""
    origins: dict[str, str] = {}

    def decide(name: str, option: str | None, variable: str, default: str | None) -> str | None:
        for value, origin in ((option, "option"), (environment.get(variable), variable)):
            if value:
                origins[name] = origin
                return value
        origins[name] = "default"
        return default

    home = decide("home", _text(options.home), "VBVR_HOME", str(DEFAULT_HOME))
    target = decide("target", options.target, "VBVR_TARGET", "local")
    catalog = decide("catalog", _text(options.catalog), "VBVR_CATALOG", None)
    generators = decide("generators_paths", options.generators_path, "GENERATORS_PATH", None)
    python = decide("python", None, "VBVR_PYTHON", None)
    if target != "local":
        raise ConfigurationError(
            f"There is no target {target!r}.",
            why=f"it comes from {origins['target']}",
            hint="Use --target local, or unset VBVR_TARGET.",
        )
    return Settings(
        home=Path(home or DEFAULT_HOME),
        target=target,
        catalog=Path(catalog) if catalog else None,
        generators_paths=tuple(Path(part) for part in (generators or "").split(os.pathsep) if part),
        python=Path(python) if python else None,
        origins=origins,
    )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
