"""Lets a generator write and release each sample as soon as it is made, from inside its own process.

The public generators share a shape: `examples/generate.py` calls `generate_dataset()`, which returns all
samples at once, and hands the list to `OutputWriter.write_dataset`. Where both are the shared base's own
methods, and the script does nothing else with the list, each sample can be written when it is made: the files
are the same, byte for byte, and the memory stays flat. Anything else is left alone.

Standard library only: this runs in the generator's interpreter.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import json
import os
import shutil
from pathlib import Path
from typing import Any


def install(script: Path, output: Path) -> bool:
    """Prepare the generator for streaming into `output`; False if it must be run as it stands."""
    folder = script.resolve().parent.parent
    base_file, writer_file = folder / "core" / "base_generator.py", folder / "core" / "output_writer.py"
    try:
        streamable = (
            _list_is_only_written(_parse(script))
            and _writer_gets_the_output(_parse(script))
            and _each_pair_is_only_written(_parse(writer_file))
            and "generate_dataset" in base_file.read_text(encoding="utf-8")
        )
    except (OSError, SyntaxError, ValueError):
        return False
    if not streamable:
        return False
    base = importlib.import_module("core.base_generator").BaseGenerator
    writer = importlib.import_module("core.output_writer").OutputWriter
    _Stream(base, writer, output).patch()
    return True


class _Stream:
    """Writes each pair when it is made, and skips it when the whole list is written at the end."""

    def __init__(self, base: Any, writer: Any, output: Path) -> None:
        self.base = base
        self.writer = writer
        self.output = output
        self.generate_dataset = base.generate_dataset
        self.write_task_pair = writer.write_task_pair
        self.written: dict[int, tuple[Any, Path]] = {}

    def patch(self) -> None:
        @functools.wraps(self.generate_dataset)
        def generate_dataset(generator: Any) -> Any:
            return self.generate(generator)

        @functools.wraps(self.write_task_pair)
        def write_task_pair(writer: Any, pair: Any) -> Any:
            known = self.written.get(id(pair))
            same_place = Path(writer.output_dir).resolve() == self.output.resolve()
            return known[1] if known and same_place else self.write_task_pair(writer, pair)

        self.base.generate_dataset = generate_dataset
        self.writer.write_task_pair = write_task_pair
        self.patched = generate_dataset

    def generate(self, generator: Any) -> Any:
        if type(generator).generate_dataset is not self.patched:
            return self.generate_dataset(generator)  # overridden, and calls the base's: as it stands
        make = generator.generate_task_pair
        writer = self.writer(self.output)

        def make_and_write(*arguments: Any, **options: Any) -> Any:
            pair = make(*arguments, **options)
            folder = Path(self.write_task_pair(writer, pair))
            self.written[id(pair)] = (pair, folder)
            announce(folder, self.output)
            _release_images(pair)
            return pair

        generator.generate_task_pair = make_and_write
        pairs = self.generate_dataset(generator)
        self._forget_dropped({id(pair) for pair in pairs})
        return pairs

    def _forget_dropped(self, kept: set[int]) -> None:
        for identity, (_, folder) in self.written.items():
            if identity not in kept:
                shutil.rmtree(folder, ignore_errors=True)


def announce(folder: Path, output: Path) -> None:
    """Tell the worker that a sample's folder is complete."""
    line = json.dumps({"sample": os.path.relpath(folder, output)}) + "\n"
    with contextlib.suppress(OSError):
        os.write(int(os.environ["VBVR_EVENTS_FD"]), line.encode())


def _release_images(pair: Any) -> None:
    for name, value in list(getattr(pair, "__dict__", {}).items()):
        if hasattr(value, "save") and hasattr(value, "size"):
            with contextlib.suppress(Exception):
                setattr(pair, name, None)


def _parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _list_is_only_written(script: ast.Module) -> bool:
    """Whether the result of `generate_dataset()` goes nowhere but to `write_dataset(...)` and `len(...)`."""
    names = {
        target.id
        for node in ast.walk(script)
        if isinstance(node, ast.Assign) and _calls(node.value, "generate_dataset")
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if len(names) != 1:
        return False
    return _only_given_to(script, names.pop(), {"write_dataset", "len"})


def _writer_gets_the_output(script: ast.Module) -> bool:
    """Whether every `OutputWriter(...)` is given a folder as it was asked for, not one made from it."""
    given = [
        part
        for maker in ast.walk(script)
        if isinstance(maker, ast.Call) and _calls(maker, "OutputWriter")
        for value in (*maker.args, *(keyword.value for keyword in maker.keywords))
        for part in ast.walk(value)
    ]
    return any(isinstance(part, ast.Name) for part in given) and not any(
        isinstance(part, (ast.BinOp, ast.JoinedStr))
        or (isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute))
        for part in given
    )


def _each_pair_is_only_written(module: ast.Module) -> bool:
    """Whether `write_dataset` does nothing with a pair but `write_task_pair(pair)`."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name == "write_dataset":
            loops = [part for part in ast.walk(node) if isinstance(part, ast.For)]
            pairs = node.args.args[1].arg
            return (
                len(loops) == 1
                and isinstance(loops[0].iter, ast.Name)
                and isinstance(loops[0].target, ast.Name)
                and sum(isinstance(part, ast.Name) and part.id == pairs for part in ast.walk(node)) == 1
                and _only_given_to(loops[0], loops[0].target.id, {"write_task_pair"})
            )
    return False


def _only_given_to(tree: ast.AST, name: str, functions: set[str]) -> bool:
    loads = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]
    given = [
        argument
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and any(_calls(node, function) for function in functions)
        for argument in node.args
        if isinstance(argument, ast.Name) and argument.id == name
    ]
    return bool(loads) and len(loads) == len(given)


def _calls(node: ast.AST, function: str) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    return (isinstance(called, ast.Attribute) and called.attr == function) or (
        isinstance(called, ast.Name) and called.id == function
    )
