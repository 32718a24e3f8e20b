"""Reads from a generator's source which option names its output folder; nothing of it is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import vbvr_cli
from vbvr_cli.catalog.generator import OutputOption
from vbvr_cli.errors import ConfigurationError

PROGRAM = Path("examples/generate.py")
OPTIONS: tuple[OutputOption, ...] = ("--output", "--output-dir")
_KIT = ("vbvr_cli", "starter", "kit")
_KIT_ROOTS = (Path(vbvr_cli.__file__).resolve().parents[1],)
_DECLARING_CALLS = frozenset({"add_argument", "add_option", "option", "Option"})


def find_output_option(folder: Path) -> OutputOption:
    """`--output` or `--output-dir`, the former where both are declared.

    The program itself is asked first, then what it imports from inside the folder (or of the kit), nearest
    first: a helper may declare options for a command of its own. Raises ConfigurationError if none declares
    either.
    """
    seen: set[Path] = set()
    level = [folder / PROGRAM]
    declared: set[str] = set()
    while level:
        seen.update(level)
        trees = [(path, _parse(path)) for path in level]
        here = {option for _, tree in trees for option in _declared_options(tree)}
        for option in OPTIONS:
            if option in here:
                return option
        declared |= here
        imported = [module for path, tree in trees for module in _imports(tree, path, folder)]
        level = [module for module in dict.fromkeys(imported) if module not in seen]
    others = f" It declares {', '.join(sorted(declared))}." if declared else ""
    raise ConfigurationError(
        f"{folder / PROGRAM} takes neither --output nor --output-dir.",
        why=f"vbvr tells a generator by one of the two where to write.{others}",
        hint="Add the option to the generator, or leave the generator out.",
    )


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), filename=str(path))
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


def _declared_options(tree: ast.Module) -> set[str]:
    options: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called_name(node.func) in _DECLARING_CALLS:
            options |= set(_long_options(node))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            options |= set(_options_from_parameters(node))
    return options


def _called_name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _long_options(call: ast.Call) -> Iterator[str]:
    for argument in call.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield from (part for part in argument.value.split("/") if part.startswith("--"))


def _options_from_parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Typer's: a command's parameter with an `Option` and no name of its own is an option by its name."""
    arguments = function.args
    positional = arguments.posonlyargs + arguments.args
    missing = len(positional) - len(arguments.defaults)
    defaults = [*[None] * missing, *arguments.defaults, *arguments.kw_defaults]
    is_command = any(
        isinstance(mark, ast.Call) and _called_name(mark.func) == "command"
        for mark in function.decorator_list
    )
    by_name = is_command and not any(
        isinstance(mark, ast.Call) and _called_name(mark.func) == "option" for mark in function.decorator_list
    )
    for parameter, default in zip([*positional, *arguments.kwonlyargs], defaults, strict=True):
        calls = [
            node
            for part in (parameter.annotation, default)
            if part is not None
            for node in ast.walk(part)
            if isinstance(node, ast.Call) and _called_name(node.func) == "Option"
        ]
        named = any(True for call in calls for _ in _long_options(call))
        if not named and (calls or (by_name and default is not None)):
            yield f"--{parameter.arg.replace('_', '-')}"


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
