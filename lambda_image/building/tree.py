"""The tree of an image, from top to bottom."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lambda_image.building.environments import TreeEnvironments
from lambda_image.building.system_packages import LIST_NAME, names_for, require_known
from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.catalog.digest import LEFT_OUT, LEFT_OUT_SUFFIXES
from vbvr_cli.catalog.entries import Entry, StarterSource
from vbvr_cli.catalog.generator import Generator
from vbvr_cli.catalog.interpreters import environment_of
from vbvr_cli.catalog.loader import PACKAGE
from vbvr_cli.catalog.output_option import find_output_option
from vbvr_cli.catalog.requirements import Needs, find_needs
from vbvr_cli.catalog.roster import Architecture, LeftOut, Roster
from vbvr_cli.catalog.sources import Code, locate
from vbvr_cli.errors import ConfigurationError

SOURCE = Path(__file__).resolve().parents[2]
"""The repository that this is a part of."""
ROSTER, FONTS, GENERATORS, ENVIRONMENTS = "roster.json", "fonts", "generators", "environments"
_FUNCTIONS = SOURCE / "lambda_image"
_NOT_IN_IMAGE = ("__pycache__", "commands", "screens", "app.py", "__main__.py")
"""What of vbvr needs Typer or Rich."""
_MACHINES: dict[str, Architecture] = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class _Member:
    """A generator that the image may take: its code in the tree, and what it needs."""

    entry: Entry
    code: Code
    needs: Needs


def lay_out(target: Path, catalog: Catalog, notify: Callable[[str], None] = lambda _: None) -> Roster:
    """Make the tree in an empty folder, for this machine's architecture and this Python's version.

    A generator that cannot be taken is left out, and the roster says why. Raises ConfigurationError.
    """
    target = target.absolute()
    target.mkdir(parents=True, exist_ok=True)
    if any(target.iterdir()):
        raise ConfigurationError(f"{target} is not empty.", hint="Name a new folder with --target.")
    environments = TreeEnvironments(target / ENVIRONMENTS, notify)
    notify("building the functions' own environment")
    packages = environments.build_own(_FUNCTIONS / "requirements.lock")
    _copy_functions(target, packages)
    left_out: dict[str, LeftOut] = {}
    members = [
        member
        for entry in catalog.entries.values()
        if (member := _take(entry, catalog, target, packages, left_out))
    ]
    pythons = environments.build_for(
        {one.entry.name: (one.code.pin, one.needs) for one in members}, catalog.lock
    )
    for name, why in environments.failures.items():
        shutil.rmtree(target / GENERATORS / name, ignore_errors=True)
        left_out[name] = _left_out(catalog.entries[name], why, "Correct its requirements at their origin.")
    taken = [one for one in members if one.entry.name in pythons]
    _write_system_packages(target, taken, environments)
    _copy_fonts(target, environments)
    notify("compiling")
    _compile(target)
    roster = Roster.of(
        (_generator(one, pythons[one.entry.name], catalog) for one in taken),
        root=target,
        architecture=_architecture(),
        left_out={name: left_out[name] for name in catalog.entries if name in left_out},
    )
    roster.write(target / ROSTER)
    return roster


def _copy_functions(target: Path, packages: Path) -> None:
    ignored = shutil.ignore_patterns(*_NOT_IN_IMAGE)
    shutil.copytree(PACKAGE, packages / PACKAGE.name, ignore=ignored)
    (target / "lambda_image").mkdir()
    for module in _FUNCTIONS.glob("*.py"):
        shutil.copy(module, target if module.name == "handler.py" else target / "lambda_image")


def _take(
    entry: Entry, catalog: Catalog, target: Path, packages: Path, left_out: dict[str, LeftOut]
) -> _Member | None:
    """Copy a generator into the tree, or note why it is left out."""
    try:
        code = locate(entry, catalog.path.parent, catalog.checkouts, catalog.lock)
        find_output_option(code.folder)
        needs = find_needs(code.folder, code.imports)
        require_known(entry.system_packages)
    except ConfigurationError as error:
        left_out[entry.name] = _left_out(entry, error.why or error.what, error.hint or "")
        return None
    if isinstance(entry.source, StarterSource):
        folder = packages / code.folder.relative_to(PACKAGE.parent)
    else:
        folder = target / GENERATORS / entry.name
        shutil.copytree(code.folder, folder, symlinks=True, ignore=_ignore_what_decides_nothing)
    return _Member(entry, replace(code, folder=folder), needs)


def _left_out(entry: Entry, reason: str, mend: str) -> LeftOut:
    return LeftOut(reason=reason, mend=mend, category=entry.category, role=entry.role)


def _ignore_what_decides_nothing(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name in LEFT_OUT or name.endswith(LEFT_OUT_SUFFIXES)}


def _write_system_packages(target: Path, taken: Iterable[_Member], environments: TreeEnvironments) -> None:
    asked = {name for one in taken for name in one.entry.system_packages}
    names = names_for(asked, environments.distributions())
    (target / LIST_NAME).write_text("".join(f"{name}\n" for name in names))


def _copy_fonts(target: Path, environments: TreeEnvironments) -> None:
    (target / FONTS).mkdir()
    with environments.unpacked(_FUNCTIONS / "fonts.lock") as folder:
        for file in sorted(folder.glob("*/*")):
            if file.suffix == ".ttf" or file.name == "LICENSE":
                shutil.copy(file, target / FONTS)


def _compile(target: Path) -> None:
    """Write bytecode that counts whatever the files' times are: nobody can write it later."""
    command = [sys.executable, "-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash"]
    # Packages carry templates and tests that are no valid Python: what fails here is not imported.
    subprocess.run([*command, str(target)], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _generator(member: _Member, python: Path, catalog: Catalog) -> Generator:
    code = member.code
    environment = environment_of(code.folder, python, code.imports)
    return catalog.describe(member.entry, code, environment)


def _architecture() -> Architecture:
    machine = platform.machine()
    if machine not in _MACHINES or sys.platform != "linux":
        raise ConfigurationError(
            f"An image cannot be laid out on {sys.platform} {machine}.",
            why="Lambda runs Linux on x86_64 and arm64.",
            hint="Let Docker run lambda_image/Dockerfile.",
        )
    return _MACHINES[machine]
