"""A generator's Python source, as far as its program imports it; nothing of it is run."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import vbvr_cli
from vbvr_cli.errors import ConfigurationError

PROGRAM = Path("examples/generate.py")
_KIT = ("vbvr_cli", "starter", "kit")
_KIT_ROOTS = (Path(vbvr_cli.__file__).resolve().parents[1],)


def modules_by_distance(folder: Path) -> Iterator[dict[Path, ast.Module]]:
    """The program, then what it imports from inside the folder (or of the kit), then what these import.

    Raises ConfigurationError for a folder without a program and for what is no Python.
    """
    seen: set[Path] = set()
    level = [folder / PROGRAM]
    while level:
        seen.update(level)
        trees = {path: _parse(path) for path in level}
        yield trees
        imported = [module for path, tree in trees.items() for module in _imports(tree, path, folder)]
        level = [module for module in dict.fromkeys(imported) if module not in seen]


def foreign_imports(folder: Path) -> set[str]:
    """The top-level names that a generator imports and that are neither its own nor Python's nor vbvr's."""
    names: set[str] = set()
    for trees in modules_by_distance(folder):
        for path, tree in trees.items():
            if path.is_relative_to(folder):
                names |= _absolute_imports(tree) - _names_in(path.parent)
    return names - _names_in(folder) - sys.stdlib_module_names - {_KIT[0]}


def _absolute_imports(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def _names_in(folder: Path) -> set[str]:
    return {path.stem for path in folder.iterdir() if path.is_dir() or path.suffix == ".py"}


def _parse(path: Path) -> ast.Module:
    try:
        return _parse_at(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path} does not exist.",
            why="A generator is a folder with examples/generate.py.",
            hint="Check the path; a template or a pipeline of another kind cannot be run.",
        ) from None
    except (SyntaxError, ValueError, OSError, RecursionError) as error:
        raise ConfigurationError(
            f"{path} cannot be read as Python.",
            why=f"{error}.",
            hint="Mend the generator, or leave it out.",
        ) from error


@functools.lru_cache(maxsize=64)
def _parse_at(path: Path, _modified: int) -> ast.Module:
    """Several questions are asked of one generator's files, one after the other."""
    return ast.parse(path.read_bytes(), filename=str(path))


def _imports(tree: ast.Module, path: Path, folder: Path) -> Iterator[Path]:
    """The files of the folder, or of the starters' kit, that a module imports, in the order of its source."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                yield from _module_files(parts, _roots(parts, path, folder))
        elif isinstance(node, ast.ImportFrom):
            parts = node.module.split(".") if node.module else []
            roots = (path.parents[node.level - 1],) if node.level else _roots(parts, path, folder)
            inside = [root for root in roots if root.is_relative_to(folder) or root in _KIT_ROOTS]
            for alias in node.names:
                yield from _module_files([*parts, alias.name], inside)


def _roots(parts: Sequence[str], path: Path, folder: Path) -> Sequence[Path]:
    return _KIT_ROOTS if tuple(parts[:3]) == _KIT else (folder, path.parent)


def _module_files(parts: Sequence[str], roots: Sequence[Path]) -> Iterator[Path]:
    """The packages on the way to a module, then the module; a last part that is no module is skipped."""
    for root in roots:
        for depth in range(1, len(parts) + 1):
            package = root.joinpath(*parts[:depth])
            for candidate in (package / "__init__.py", package.parent / f"{package.name}.py"):
                if candidate.is_file():
                    yield candidate
