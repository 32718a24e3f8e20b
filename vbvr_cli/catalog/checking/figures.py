"""Writes what was measured into figures.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from vbvr_cli.catalog.entries import Figures
from vbvr_cli.catalog.loader import FIGURES_NAME, PACKAGE, read_figures
from vbvr_cli.catalog.writing import write_whole
from vbvr_cli.errors import ConfigurationError

HEADER = """\
# How each generator is best run, as 'vbvr generators check --write' measured it; what is not here
# follows the defaults of generators.yaml. Fields: batch_size, time_limit_seconds, memory_mb,
# seconds_per_sample, bytes_per_sample, pool.
"""


def figures_file(catalog: Path) -> Path:
    """Where the figures of a catalog are written.

    Raises ConfigurationError for the catalog that is part of the installed package.
    """
    if catalog.resolve().is_relative_to(PACKAGE):
        raise ConfigurationError(
            f"{catalog} is part of the installed package.",
            why="What is written there would be gone with the next version.",
            hint=f"Copy it to this folder ('cp {catalog} .') and run the same command again.",
        )
    return catalog.with_name(FIGURES_NAME)


def write_figures(path: Path, measured: Mapping[str, Figures]) -> None:
    """Replace the figures of these generators, and keep all else, limits that a person set included."""
    figures = read_figures(path)
    for name, new in measured.items():
        old = figures.get(name, Figures())
        limits = {"time_limit_seconds": old.time_limit_seconds, "memory_mb": old.memory_mb}
        figures[name] = new.model_copy(update=limits)
    content: dict[str, Any] = {
        "version": 1,
        "generators": {name: figures[name].model_dump(exclude_none=True) for name in sorted(figures)},
    }
    write_whole(path, HEADER + yaml.safe_dump(content, sort_keys=False, width=10_000))
