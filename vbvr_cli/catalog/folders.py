"""Generators that are simply there: the subfolders of GENERATORS_PATH."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vbvr_cli.catalog.source_code import PROGRAM
from vbvr_cli.errors import ConfigurationError
from vbvr_cli.homes import expanded
from vbvr_cli.models import GENERATOR_NAME


@dataclass(frozen=True, slots=True)
class FoundFolders:
    """Folders by generator name, and sentences about those that were passed over."""

    folders: dict[str, Path]
    notices: tuple[str, ...]


def find_folders(generators_paths: Sequence[Path]) -> FoundFolders:
    """Every subfolder with examples/generate.py; of two with one name the first, as PATH has it.

    Raises ConfigurationError for a path that is no folder.
    """
    folders: dict[str, Path] = {}
    notices: list[str] = []
    for path in generators_paths:
        if _is_file(path / PROGRAM):
            notices.append(f"{path} is a generator itself: put the folder around it on GENERATORS_PATH.")
        for folder in _subfolders(path):
            if not _is_file(folder / PROGRAM):
                continue
            if not GENERATOR_NAME.fullmatch(folder.name):
                notices.append(
                    f"{folder} is passed over: a generator's name is letters, digits, '.', '_' and '-', "
                    "at most 128, and begins with a letter or digit."
                )
            elif folder.name in folders:
                notices.append(f"{folder} is passed over: {folders[folder.name]} has the same name.")
            else:
                folders[folder.name] = folder
    return FoundFolders(folders, tuple(notices))


def _subfolders(path: Path) -> list[Path]:
    try:
        return sorted(folder for folder in expanded(path).absolute().iterdir() if folder.is_dir())
    except OSError as error:
        raise ConfigurationError(
            f"{path} on GENERATORS_PATH cannot be read as a folder.",
            why=error.strerror,
            hint="Correct --generators-path or GENERATORS_PATH, or create the folder.",
        ) from error


def _is_file(path: Path) -> bool:
    """Whether there is a file; where this user may not look, there is none."""
    try:
        return path.is_file()
    except OSError:
        return False
