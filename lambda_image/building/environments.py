"""The environments of the tree: the functions' own from its lock, the generators' from theirs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from uv import find_uv_bin

from vbvr_cli.catalog.environments import Environments
from vbvr_cli.catalog.grouping import group
from vbvr_cli.catalog.interpreters import PROBE_RECORD, inspect_interpreter, run_probe
from vbvr_cli.catalog.lock import Lock, LockedEnvironment, Pin
from vbvr_cli.catalog.requirements import Needs
from vbvr_cli.catalog.uv import OWN_VERSION, resolve
from vbvr_cli.errors import ConfigurationError

OWN = "vbvr"
"""The functions' own environment, by its folder."""


class TreeEnvironments:
    """Builds environments below `root`. `failures` says by generator why there is none for it."""

    def __init__(self, root: Path, notify: Callable[[str], None]) -> None:
        self.failures: dict[str, str] = {}
        self._root = root
        self._built = Environments(root, notify)
        self._used: dict[str, LockedEnvironment] = {}

    @property
    def own_python(self) -> Path:
        """The interpreter of the functions and of the starters."""
        return self._root / OWN / "bin" / "python"

    def build_own(self, lock: Path) -> Path:
        """Build the functions' environment from a lock with hashes; the folder that its packages are in."""
        folder = self._root / OWN
        _uv("venv", "--relocatable", "--python", sys.executable, "--", folder)
        _uv("pip", "install", "--no-deps", "--require-hashes", "--python", folder, "-r", lock)
        _record(folder)
        scheme = {"base": str(folder), "platbase": str(folder)}
        return Path(sysconfig.get_path("purelib", "venv", vars=scheme))

    def build_for(self, members: Mapping[str, tuple[Pin | None, Needs]], lock: Lock) -> dict[str, Path]:
        """The interpreter by generator, for all but `failures`.

        What was locked for this version of Python is built as locked. The rest is resolved for it, in the
        locked versions where that can be, and the functions' own environment serves who needs nothing else.
        """
        own = inspect_interpreter(self.own_python)
        keys: dict[str, str] = {}
        open_needs: dict[str, Needs] = {}
        for name, (pin, needs) in members.items():
            locked = lock.environments.get(pin.environment) if pin and pin.environment else None
            if locked and locked.python == OWN_VERSION and pin and pin.environment:
                keys[name] = pin.environment
                self._used[pin.environment] = locked
            elif own.meets(needs.lines):
                keys[name] = OWN
            else:
                open_needs[name] = needs
        if open_needs:
            preferred = sorted({package for one in lock.environments.values() for package in one.packages})
            grouping = group(open_needs, self._used, partial(resolve, preferred=preferred))
            keys |= grouping.keys
            self._used |= grouping.environments
            self.failures |= grouping.failures
        unbuilt = self._built.build_all({key: self._used[key] for key in {*keys.values()} - {OWN}})
        self.failures |= {name: unbuilt[key] for name, key in keys.items() if key in unbuilt}
        return {
            name: self._root / key / "bin" / "python"
            for name, key in keys.items()
            if name not in self.failures
        }

    def distributions(self) -> set[str]:
        """The names of all that is installed in the environments that were built."""
        records = (json.loads(file.read_bytes()) for file in self._root.glob(f"*/{PROBE_RECORD}"))
        return {name.lower() for record in records for name in record["distributions"]}

    @contextmanager
    def unpacked(self, lock: Path) -> Iterator[Path]:
        """A folder with the packages of a lock with hashes, gone at the end of the block."""
        with tempfile.TemporaryDirectory() as folder:
            _uv("pip", "install", "--no-deps", "--require-hashes", "--target", folder, "-r", lock)
            yield Path(folder)


def _record(folder: Path) -> None:
    (folder / PROBE_RECORD).write_text(json.dumps(run_probe(folder / "bin" / "python")))


def _uv(*arguments: str | Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    finished = subprocess.run(
        [find_uv_bin(), "--quiet", "--color", "never", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    if finished.returncode != 0:
        raise ConfigurationError(
            f"uv {arguments[0]} failed.",
            why=" ".join(finished.stderr.split())[-500:],
            hint="Check that the package registry can be reached from here.",
        )
