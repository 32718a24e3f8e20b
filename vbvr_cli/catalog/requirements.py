"""What a generator says it needs: its requirements.txt, read as pip would."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from vbvr_cli.catalog.source_code import PROGRAM, foreign_imports

FILE_NAME = "requirements.txt"
PROJECT = "pyproject.toml"
HEADLESS = {
    "opencv-python": "opencv-python-headless",
    "opencv-contrib-python": "opencv-contrib-python-headless",
}
"""The same package without a window system, which no worker has."""


DISTRIBUTIONS = {
    "PIL": ("Pillow",),
    "cairosvg": ("CairoSVG",),
    "chess": ("chess", "python-chess"),
    "cv2": ("opencv-python-headless", "opencv-contrib-python-headless"),
    "imageio": ("imageio",),
    "matplotlib": ("matplotlib",),
    "networkx": ("networkx",),
    "numpy": ("numpy",),
    "pydantic": ("pydantic",),
    "pygame": ("pygame", "pygame-ce"),
    "pymunk": ("pymunk",),
    "scipy": ("scipy",),
    "shapely": ("shapely",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "yaml": ("PyYAML",),
}
"""What is imported by a name, and which distributions bring it, the usual one first."""


@dataclass(frozen=True, slots=True)
class Line:
    """One requirement and where it stands. `requirement` none: pip might understand it, vbvr does not."""

    file: Path
    number: int
    text: str
    requirement: Requirement | None

    @property
    def place(self) -> str:
        """Where a person finds it in the generator's folder."""
        return f"{self.file.name}:{self.number}"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a generator needs beside Python, and sentences about what had to be guessed or passed over."""

    lines: tuple[Line, ...]
    notices: tuple[str, ...] = ()

    @property
    def by_text(self) -> dict[str, Line]:
        """The requirements that are understood, in one spelling each."""
        return {str(line.requirement): line for line in self.lines if line.requirement}


def find_needs(folder: Path, imports: Iterable[str] | None = None) -> Needs:
    """The requirements of a generator: of its requirements.txt or its pyproject.toml, and of its imports.

    What it imports but does not name counts unpinned, where it is known which distribution brings it: in an
    environment that others share it would be there by accident, in some version. `imports`: where they are
    known; none: they are read from the source. Raises ConfigurationError.
    """
    lines, notices = read_requirements(folder), []
    if lines is None:
        lines = _read_project(folder / PROJECT)
        notices.append(f"no {FILE_NAME}" + (f": its requirements are those of {PROJECT}" if lines else ""))
    notices += [f"{line.place}: {line.text!r} is passed over" for line in lines if not line.requirement]
    loose = [line.text for line in lines if line.requirement and not line.requirement.specifier]
    notices += [f"unpinned: {', '.join(loose)}"] if loose else []
    guessed = _undeclared(folder, lines, foreign_imports(folder) if imports is None else imports)
    if guessed:
        named = ", ".join(line.text for line in guessed)
        notices.append(f"imported but not named as a requirement, so taken unpinned: {named}")
    return Needs((*lines, *guessed), tuple(notices))


def _undeclared(folder: Path, lines: tuple[Line, ...], imports: Iterable[str]) -> list[Line]:
    declared = {canonicalize_name(line.requirement.name) for line in lines if line.requirement}
    missing = [
        DISTRIBUTIONS[name][0]
        for name in sorted(imports)
        if name in DISTRIBUTIONS and declared.isdisjoint(map(canonicalize_name, DISTRIBUTIONS[name]))
    ]
    return [Line(folder / PROGRAM, 1, name, _parse(name)) for name in missing]


def has_requirements(folder: Path) -> bool:
    """Whether a generator has a requirements.txt."""
    return (folder / FILE_NAME).is_file()


def read_requirements(folder: Path) -> tuple[Line, ...] | None:
    """The lines of a generator's requirements.txt, with those of the files it includes; None without one."""
    file = folder / FILE_NAME
    return tuple(_read(file, folder, set())) if has_requirements(folder) else None


def _read_project(file: Path) -> tuple[Line, ...]:
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["dependencies"]
    except (OSError, KeyError, TypeError, ValueError):
        return ()
    return tuple(Line(file, 1, text, _parse(text)) for text in found if isinstance(text, str))


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
