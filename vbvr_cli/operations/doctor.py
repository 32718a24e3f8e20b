"""Looks at everything that vbvr needs, and says what mends what is broken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from vbvr_cli import __version__
from vbvr_cli.backends.ports import Backend, Fleet, Part
from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.catalog.roster import Roster
from vbvr_cli.config import VARIABLES, Settings
from vbvr_cli.errors import ConfigurationError, VbvrError

LEAST_PYTHON = (3, 11)
SPARE_BYTES = 5_000_000_000
AWS_SETTINGS = ("stack", "profile", "region", "queue_url", "dlq_url", "bucket", "ledger_table", "dedup_table")


class Health(StrEnum):
    """`note`: works, but somebody should know; only `broken` is an error."""

    OK = "ok"
    NOTE = "note"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, how it is, and the command that mends it."""

    what: str
    health: Health
    detail: str
    mend: str = ""


def examine(
    settings: Settings, open_backend: Callable[[], Backend], open_catalog: Callable[[], Catalog]
) -> Iterator[Finding]:
    """Look at one thing after the other; `open_catalog` gives that of this machine."""
    backend = _opened(open_backend)
    yield _python()
    yield _program("git", needed="`vbvr fetch-generators` needs it", mend="apt-get install git", must=True)
    yield _program("uv", needed="generators' own environments need it", mend="pip install uv", must=True)
    yield _program("node", needed="only `vbvr deploy` needs it", mend="apt-get install nodejs", must=False)
    yield from _settings(settings, {} if isinstance(backend, VbvrError) else backend.discovered)
    yield _disk(settings.home)
    if isinstance(backend, VbvrError):
        yield _broken("state" if settings.target == "local" else settings.target, backend)
    else:
        parts = list(_parts(backend))
        yield from parts
        if not {part.what for part in parts if part.health is Health.BROKEN} - {"function", "image"}:
            yield _guarded("state", lambda: _state(settings, backend))
    yield from _generators(open_catalog)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < LEAST_PYTHON:
        return Finding("python", Health.BROKEN, version, "install Python 3.11 or newer")
    return Finding("python", Health.OK, f"{version}, vbvr {__version__}")


def _program(name: str, *, needed: str, mend: str, must: bool) -> Finding:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        return Finding(name, Health.BROKEN if must else Health.NOTE, f"not found; {needed}", mend)
    try:
        answer = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(name, Health.BROKEN if must else Health.NOTE, f"{found} fails: {error}", mend)
    return Finding(name, Health.OK, answer.stdout.strip().partition("\n")[0] or found)


def _opened(open_backend: Callable[[], Backend]) -> Backend | VbvrError:
    try:
        return open_backend()
    except VbvrError as error:
        return error


def _settings(settings: Settings, discovered: Mapping[str, str]) -> Iterator[Finding]:
    values: dict[str, object] = {
        "target": settings.target,
        "home": settings.home.absolute(),
        "catalog": settings.catalog or "./generators.yaml, else the one that comes with vbvr",
        "generators_path": ", ".join(map(str, settings.generators_paths)) or "none",
        "python": settings.python or "vbvr's own, or an environment of their own",
    }
    if settings.target == "aws":
        values |= {name: getattr(settings.aws, name) for name in AWS_SETTINGS}
    names = {"home": "state folder", "python": "generators' python"}
    for name, value in values.items():
        origin = settings.origins.get(name, "default")
        origin = VARIABLES[name] if origin == "environment" else origin
        if name in discovered:
            value, origin = discovered[name], f"stack {settings.aws.stack}"  # noqa: PLW2901
        said = f"{value} (from: {origin})" if value is not None else "not set"
        yield Finding(names.get(name, name.replace("_", " ")), Health.OK, said)


def _disk(home: Path) -> Finding:
    folder = next(parent for parent in (home.absolute(), *home.absolute().parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:.1f} GB free for {folder}"
    if free < SPARE_BYTES:
        few = int(free // 400_000)
        return Finding(
            "disk", Health.NOTE, f"{detail}: about {few:,} samples", "use --home or --dest elsewhere"
        )
    return Finding("disk", Health.OK, detail)


def _parts(backend: Backend) -> Iterator[Finding]:
    """The parts of a back end that is not this machine's; without credentials none of them answers."""
    seen = set()
    for part in backend.parts():
        finding = _look_at(part)
        seen.add(part.name)
        yield finding
        if part.name == "credentials" and finding.health is Health.BROKEN:
            return
    fleet = backend.fleet
    if fleet and "function" in seen:
        yield _guarded("image", lambda: _image(fleet))
    elif fleet:
        why = "not known: no stack was asked, since every place is named by a setting"
        yield Finding("function", Health.NOTE, why, "leave out one of the settings, or use `vbvr worker`")


def _look_at(part: Part) -> Finding:
    return _guarded(part.name, lambda: Finding(part.name, Health.OK, part.look()))


def _image(fleet: Fleet) -> Finding:
    """What the functions can make."""
    text = fleet.roster()
    if text is None:
        why = "not known: the stack has no submit function; what this machine's catalog has is offered"
        return Finding("image", Health.NOTE, why, "vbvr deploy")
    roster = Roster.from_json(text)
    left_out = len(roster.unavailable)
    detail = f"{len(list(roster))} generators" + (f", {left_out} left out" if left_out else "")
    detail += f", {roster.architecture}, vbvr {roster.vbvr}"
    if roster.vbvr != __version__:
        return Finding("image", Health.NOTE, f"{detail}; this is vbvr {__version__}", "vbvr deploy")
    return Finding("image", Health.OK, detail)


def _state(settings: Settings, backend: Backend) -> Finding:
    _require_writable(settings.home.absolute())
    depth = backend.queue.depth()
    runs = len(backend.ledger.list_runs())
    if not settings.home.exists():
        return Finding("state", Health.OK, f"{settings.home} is new")
    waiting = depth.waiting + depth.in_flight + depth.delayed
    detail = f"{runs} runs, {waiting:,} messages, {depth.dead:,} dead letters"
    if depth.dead:
        return Finding("state", Health.NOTE, detail, "vbvr dlq list")
    return Finding("state", Health.OK, detail)


def _require_writable(home: Path) -> None:
    """Raise ConfigurationError unless the state folder is one that can be written to, or can be made."""
    folder = next(parent for parent in (home, *home.parents) if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        why = "this user may not write there" if folder.is_dir() else "it is no folder"
        raise ConfigurationError(
            f"{home} cannot hold the state.",
            why=why if folder == home else f"{folder}: {why}",
            hint="Choose another folder with --home or VBVR_HOME.",
        )


def _generators(open_catalog: Callable[[], Catalog]) -> Iterator[Finding]:
    try:
        catalog = open_catalog()
    except VbvrError as error:
        yield _broken("generators", error)
        return
    usable, unavailable = list(catalog), catalog.unavailable
    environments = {generator.environment.id for generator in usable}
    yield Finding(
        "generators",
        Health.OK if usable else Health.BROKEN,
        f"{len(usable)} can run here; environments: {len(environments)} (from {catalog.path})",
        "" if usable else "vbvr fetch-generators",
    )
    for notice in catalog.notices:
        yield Finding("generators", Health.NOTE, notice)
    if unavailable:
        first = unavailable[0]
        yield Finding(
            "generators",
            Health.NOTE,
            f"{len(unavailable)} cannot run here yet, for example {first.name}: {first.reason}",
            first.mend,
        )


def _guarded(what: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except VbvrError as error:
        return _broken(what, error)


def _broken(what: str, error: VbvrError) -> Finding:
    detail = error.what + (f" ({error.why})" if error.why else "")
    return Finding(what, Health.BROKEN, detail, error.hint or "")
