"""A YAML file that knows the line of everything in it, so that a mistake can be pointed at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from vbvr_cli.errors import ConfigurationError

MAX_PROBLEMS = 10
Location = Sequence[str | int]
Model = TypeVar("Model", bound=BaseModel)
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Document:
    """One YAML file, read whole. Lines count from 1."""

    def __init__(self, path: Path, data: Any, root: yaml.Node | None) -> None:
        self.path = path
        self.data = data
        self._root = root

    @classmethod
    def read(cls, path: Path) -> Document:
        """Read a file. Raises ConfigurationError for what is no YAML, and for a key that is there twice."""
        loader = None
        try:
            loader = _Loader(path.read_text(encoding="utf-8"))
            root = loader.get_single_node()
            _refuse_repeated_keys(path, root)
            return cls(path, loader.construct_document(root) if root else None, root)
        except OSError as error:
            raise ConfigurationError(
                f"{path} cannot be read.",
                why=error.strerror or str(error),
                hint="Give the path of a readable file, or leave the option out.",
            ) from error
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            raise ConfigurationError(
                f"{_place(path, error)} is not YAML that can be read.",
                why=_problem(error),
                hint="Mend the file there; indentation and unclosed quotes or brackets are the usual causes.",
            ) from error
        finally:
            if loader:
                loader.dispose()

    def line(self, location: Location) -> int:
        """The line of a field, or of the nearest thing around it that exists."""
        node, line = self._root, 1
        for part in location:
            found = _child(node, part)
            if found is None:
                break
            line, node = found
        return line

    def error(self, location: Location, problem: str, *, hint: str) -> ConfigurationError:
        """An error that points at a field of this file."""
        return ConfigurationError(self._sentence(location, problem), hint=hint)

    def validate(self, model: type[Model]) -> Model:
        """The file's content as a model. Raises ConfigurationError with file, line, field and value."""
        try:
            return model.model_validate(self.data if self.data is not None else {})
        except ValidationError as error:
            details = error.errors()
            sentences = [
                self._sentence(self._location(detail), _complaint(detail))
                for detail in details[:MAX_PROBLEMS]
            ]
            if len(details) > MAX_PROBLEMS:
                sentences.append(f"… and {len(details) - MAX_PROBLEMS} more.")
            raise ConfigurationError("\n".join(sentences), hint=f"Mend {self.path} and try again.") from None

    def _location(self, detail: ErrorDetails) -> list[str | int]:
        location: list[str | int] = [part for part in detail["loc"] if " " not in str(part)]
        field = detail.get("ctx", {}).get("field")
        return [*location, field] if field is not None else location

    def _sentence(self, location: Location, problem: str) -> str:
        field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
        where = f", field {field}" if field else ""
        return f"{self.path}, line {self.line(location)}{where}: {problem}"


def _child(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line + 1, node.value[part]
    return None


def _refuse_repeated_keys(path: Path, root: yaml.Node | None) -> None:
    waiting = [root]
    seen: set[int] = set()  # an alias can lead back to where it is
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        if not isinstance(node, yaml.MappingNode):
            continue
        lines: dict[str, int] = {}
        for key, value in node.value:
            waiting.append(value)
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and lines.setdefault(key.value, line) != line:
                raise ConfigurationError(
                    f"{path}, line {line}: {key.value!r} is there already, in line {lines[key.value]}.",
                    hint="Keep one of the two.",
                )


def _place(path: Path, error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"{path}, line {mark.line + 1}, column {mark.column + 1}," if mark else str(path)


def _problem(error: Exception) -> str:
    return f"{str(getattr(error, 'problem', None) or error).capitalize()}."


def _complaint(detail: ErrorDetails) -> str:
    kind, message, value = detail["type"], detail["msg"], detail["input"]
    if kind == "missing":
        return "it is missing."
    if kind in {"model_type", "dict_type"}:
        return f"fields with values should be here, not {_shown(value)}."
    message = message.removeprefix("Value error, ")
    for subject in ("Input ", "String ", "List ", "Tuple "):
        message = message.removeprefix(subject)
    if kind == "unknown_field":
        return message
    if kind == "string_type" and isinstance(value, int | float):
        message += " (put it in quotes)"
    whole = kind == "value_error" and isinstance(value, dict)
    return f"{message}." if whole else f"{message}, not {_shown(value)}."


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
