"""A new generator to begin with: a repository that keeps the contract, with a test."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path
from string import Template

from vbvr_cli.errors import InvalidRequestError
from vbvr_cli.models import GENERATOR_NAME

TEMPLATES = Path(__file__).with_name("scaffold")
SUFFIX = ".template"


def create_generator(name: str, parent: Path) -> Path:
    """Write the folder `parent / name` and return it. Raises InvalidRequestError for what cannot be one.

    Its requirements are the versions that vbvr itself runs with, so that it runs here at once.
    """
    if not GENERATOR_NAME.fullmatch(name):
        raise InvalidRequestError(
            f"{name!r} cannot be a generator's name.",
            why="It should be letters, digits, '.', '_' and '-', at most 128, a letter or digit first.",
            hint="Take one such as 'O-101_paper_folding_data-generator'.",
        )
    folder = parent / name
    if folder.exists():
        raise InvalidRequestError(f"{folder} is there already.", hint="Take another name or another folder.")
    values = {
        "name": name,
        "task": task_of(name),
        **{package: importlib.metadata.version(package) for package in ("av", "pillow")},
    }
    for template in sorted(TEMPLATES.rglob(f"*{SUFFIX}")):
        relative = template.relative_to(TEMPLATES).with_suffix("")
        file = folder / (".gitignore" if relative.name == "gitignore" else relative)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(Template(template.read_text(encoding="utf-8")).substitute(values), encoding="utf-8")
    return folder


def task_of(name: str) -> str:
    """The task that a generator is named after: `O-7_paper_folding_data-generator` -> `paper_folding`."""
    task = re.sub(r"^[GO][-_](\d+[-_])?|[-_]?data[-_]generator$", "", name)
    return re.sub(r"[^a-z0-9]+", "_", task.lower()).strip("_") or "puzzle"
