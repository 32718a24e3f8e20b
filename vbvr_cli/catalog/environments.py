"""The environments that uv built for generators, below the state folder: `{root}/{key}`."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vbvr_cli.catalog import uv
from vbvr_cli.catalog.grouping import environment_key
from vbvr_cli.catalog.interpreters import OWN_PYTHON, PROBE_RECORD, inspect_interpreter, run_probe
from vbvr_cli.catalog.lock import LockedEnvironment
from vbvr_cli.catalog.requirements import Needs, find_needs
from vbvr_cli.catalog.writing import write_whole
from vbvr_cli.errors import ConfigurationError

FOLDERS = "folders"


class Environments:
    """Builds environments and finds them again. `notify` is told before one is built: it takes a while."""

    def __init__(self, root: Path, notify: Callable[[str], None] = lambda _: None) -> None:
        self._root = root.absolute()
        self._notify = notify

    def python(self, key: str) -> Path:
        """The interpreter of an environment, whether or not it is built."""
        return self._root / key / "bin" / "python"

    def is_built(self, key: str) -> bool:
        """Whether an environment is there, complete."""
        return (self._root / key / PROBE_RECORD).is_file()

    def build(self, key: str, environment: LockedEnvironment) -> None:
        """Build an environment unless it is there. Whole or not at all. Raises ConfigurationError."""
        if self.is_built(key):
            return
        self._notify(f"building the environment {key} of {len(environment.packages)} packages")
        draft = self._root / f".{key}-{secrets.token_hex(4)}"
        try:
            uv.build(draft, environment.python, environment.packages)
            (draft / PROBE_RECORD).write_text(json.dumps(run_probe(draft / "bin" / "python")))
            if not self.is_built(key):
                shutil.rmtree(self._root / key, ignore_errors=True)
                draft.rename(self._root / key)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def build_all(self, environments: dict[str, LockedEnvironment]) -> dict[str, str]:
        """Build several, two at a time; why by key for those that could not be."""

        def attempt(key: str) -> str | None:
            try:
                self.build(key, environments[key])
            except ConfigurationError as error:
                return f"{error.what} {error.why}"
            return None

        with ThreadPoolExecutor(2) as pool:
            ended = dict(zip(environments, pool.map(attempt, environments), strict=True))
        return {key: why for key, why in ended.items() if why is not None}

    def of_folder(self, folder: Path, *, build: bool) -> Path | None:
        """The interpreter for a generator that no lock names; None where it has to be built first.

        vbvr's own where that has all it needs, else one of the newest packages that its requirements allow:
        chosen once for these requirements, and kept. Raises ConfigurationError where that fails.
        """
        needs = find_needs(folder)
        if inspect_interpreter(OWN_PYTHON).meets(needs.lines):
            return OWN_PYTHON
        record = self._record(needs)
        if record.is_file():
            environment = LockedEnvironment.model_validate_json(record.read_bytes())
        elif build:
            environment = _resolve(folder, needs)
            record.parent.mkdir(parents=True, exist_ok=True)
            write_whole(record, environment.model_dump_json(indent=2))
        else:
            return None
        key = environment_key(environment.python, environment.packages)
        if build:
            self.build(key, environment)
        return self.python(key) if self.is_built(key) else None

    def _record(self, needs: Needs) -> Path:
        identity = "\n".join([uv.OWN_VERSION, *sorted(needs.by_text)])
        return self._root / FOLDERS / f"{hashlib.sha256(identity.encode()).hexdigest()[:16]}.json"


def _resolve(folder: Path, needs: Needs) -> LockedEnvironment:
    try:
        return LockedEnvironment(python=uv.OWN_VERSION, packages=uv.resolve(needs.by_text))
    except uv.ResolutionError as error:
        raise ConfigurationError(
            f"The requirements of {folder} cannot be met.",
            why=str(error),
            hint="Correct its requirements.txt, or set VBVR_PYTHON to an interpreter that has what it needs.",
        ) from error
