"""Finds and reads the catalog's files."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import vbvr_cli
from vbvr_cli.catalog.document import Document
from vbvr_cli.catalog.entries import CatalogFile, Defaults, Entry, Figures, FiguresFile, StarterSource

CATALOG_NAME = "generators.yaml"
FIGURES_NAME = "figures.yaml"
PACKAGE = Path(vbvr_cli.__file__).resolve().parent
STARTERS = PACKAGE / "starter"


@dataclass(frozen=True, slots=True)
class Listing:
    """What the files say. `path` is generators.yaml itself."""

    path: Path
    defaults: Defaults
    entries: tuple[Entry, ...]
    figures: dict[str, Figures]


def find_catalog() -> Path:
    """The catalog where nobody names one: that of the current folder, else the one vbvr came with.

    A wheel carries it inside the package, a checkout at its top.
    """
    candidates = (
        Path.cwd() / CATALOG_NAME,
        PACKAGE / "catalog" / CATALOG_NAME,
        PACKAGE.parent / CATALOG_NAME,
    )
    return next((candidate for candidate in candidates if candidate.is_file()), candidates[-1])


def read_listing(path: Path) -> Listing:
    """Read a generators.yaml and the figures.yaml beside it, if any. Raises ConfigurationError."""
    document = Document.read(path)
    catalog = document.validate(CatalogFile)
    _refuse_repeated_names(document, catalog.generators)
    _refuse_unknown_starters(document, catalog.generators)
    return Listing(
        path=path,
        defaults=catalog.defaults,
        entries=tuple(catalog.generators),
        figures=read_figures(path.with_name(FIGURES_NAME)),
    )


def read_figures(path: Path) -> dict[str, Figures]:
    """Read a figures.yaml; without the file there are no figures. Raises ConfigurationError."""
    return Document.read(path).validate(FiguresFile).generators if path.exists() else {}


def starter_names() -> list[str]:
    """The generators that ship with vbvr."""
    return sorted(examples.parent.name for examples in STARTERS.glob("*/examples"))


def _refuse_repeated_names(document: Document, entries: list[Entry]) -> None:
    first: dict[str, int] = {}
    for position, entry in enumerate(entries):
        if first.setdefault(entry.name, position) == position:
            continue
        line = document.line(("generators", first[entry.name], "name"))
        raise document.error(
            ("generators", position, "name"),
            f"{entry.name!r} is the name of the entry in line {line} already.",
            hint="Rename or remove one of the two: a generator's name is the folder of its samples.",
        )


def _refuse_unknown_starters(document: Document, entries: list[Entry]) -> None:
    starters = starter_names()
    for position, entry in enumerate(entries):
        if not isinstance(entry.source, StarterSource) or entry.source.starter in starters:
            continue
        nearest = difflib.get_close_matches(entry.source.starter, starters, n=1, cutoff=0.4)
        raise document.error(
            ("generators", position, "source", "starter"),
            f"no starter is called {entry.source.starter!r}.",
            hint=f"Perhaps you meant {nearest[0]!r}." if nearest else f"There are {', '.join(starters)}.",
        )
