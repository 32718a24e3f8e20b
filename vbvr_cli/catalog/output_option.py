"""Reads from a generator's source which option names its output folder; nothing of it is run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from vbvr_cli.catalog.generator import OutputOption
from vbvr_cli.catalog.source_code import PROGRAM, modules_by_distance
from vbvr_cli.errors import ConfigurationError

OPTIONS: tuple[OutputOption, ...] = ("--output", "--output-dir")
_DECLARING_CALLS = frozenset({"add_argument", "add_option", "option", "Option"})


def find_output_option(folder: Path) -> OutputOption:
    """`--output` or `--output-dir`, the former where both are declared.

    The program itself is asked first, then what it imports from inside the folder (or of the kit), nearest
    first: a helper may declare options for a command of its own. Raises ConfigurationError if none declares
    either.
    """
    return _nearest(folder, _options_by_distance(folder))


def find_missing_options(folder: Path) -> list[str]:
    """What of `--num-samples` and `--seed` is declared nowhere. Raises ConfigurationError as above."""
    levels = list(_options_by_distance(folder))
    _nearest(folder, levels)
    declared = set().union(*levels)
    return [option for option in ("--num-samples", "--seed") if option not in declared]


def _nearest(folder: Path, levels: Iterable[set[str]]) -> OutputOption:
    declared: set[str] = set()
    for level in levels:
        for option in OPTIONS:
            if option in level:
                return option
        declared |= level
    others = f" It declares {', '.join(sorted(declared))}." if declared else ""
    raise ConfigurationError(
        f"{folder / PROGRAM} takes neither --output nor --output-dir.",
        why=f"vbvr tells a generator by one of the two where to write.{others}",
        hint="Add the option to the generator, or leave the generator out.",
    )


def _options_by_distance(folder: Path) -> Iterator[set[str]]:
    """The options that the program declares, then those of what it imports, then of what these import."""
    for modules in modules_by_distance(folder):
        yield {option for tree in modules.values() for option in _declared_options(tree)}


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
