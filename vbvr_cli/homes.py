"""Paths as people write them: `~` is somebody's home, also where no shell has replaced it."""

from __future__ import annotations

from pathlib import Path

from vbvr_cli.errors import ConfigurationError


def expanded(path: str | Path) -> Path:
    """The path with its `~` replaced. Raises ConfigurationError where there is no such home."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigurationError(
            f"{path} is nowhere.", why="there is no such home", hint="Write the path out."
        ) from error
