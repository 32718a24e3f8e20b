"""What a generator says it needs: its requirements.txt, read as pip would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

FILE_NAME = "requirements.txt"
HEADLESS = {
    "opencv-python": "opencv-python-headless",
    "opencv-contrib-python": "opencv-contrib-python-headless",
}
"""The same package without a window system, which no worker has."""


@dataclass(frozen=True, slots=True)
class Line:
    """One requirement and where it stands. `requirement` none: pip might understand it, vbvr does not."""

    file: Path
    number: int
    text: str
    requirement: Requirement | None


def read_requirements(folder: Path) -> tuple[Line, ...] | None:
    """The lines of a generator's requirements.txt, with those of the files it includes; None without one."""
    file = folder / FILE_NAME
    return tuple(_read(file, folder, set())) if file.is_file() else None


def _read(file: Path, folder: Path, seen: set[Path]) -> Iterator[Line]:
    seen.add(file.resolve())
    for number, text in _logical_lines(file):
        option, _, value = text.partition(" ")
        if option in {"-r", "--requirement"}:
            included = file.parent / value.strip()
            inside = included.resolve().is_relative_to(folder.resolve())
            if inside and included.is_file():
                if included.resolve() not in seen:
                    yield from _read(included, folder, seen)
                continue
        yield Line(file, number, text, None if text.startswith("-") else _parse(text))


def _logical_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Lines without comments, those that end in a backslash joined; each with its first line's number."""
    joined, start = "", 1
    for number, raw in enumerate(file.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
        start = start if joined else number
        code = "" if raw.lstrip().startswith("#") else raw.split(" #")[0].rstrip()
        if code.endswith("\\"):
            joined += code[:-1] + " "
            continue
        text, joined = (joined + code).strip(), ""
        if text:
            yield start, text


def _parse(text: str) -> Requirement | None:
    try:
        requirement = Requirement(text.partition(" --")[0])
    except InvalidRequirement:
        return None
    requirement.name = HEADLESS.get(canonicalize_name(requirement.name), requirement.name)
    return requirement
