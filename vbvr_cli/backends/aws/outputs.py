"""What a stack answered when it was asked, kept for an hour; that it is there, for as long as it is."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from vbvr_cli.config import AwsSettings

SECONDS = 3600.0


class OutputsFile:
    """One stack's outputs, in a file below the state folder; one that cannot be read is as none.

    What else the stack's parts answered is kept in files beside it, and goes with it.
    """

    def __init__(self, home: Path, settings: AwsSettings, *, clock: Callable[[], float] = time.time) -> None:
        identity = json.dumps(
            [settings.stack, settings.region, settings.profile, os.environ.get("AWS_ENDPOINT_URL")]
        )
        name = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self._file = home / "stacks" / f"{name}.json"
        self._clock = clock

    @property
    def deployed(self) -> bool:
        """Whether the stack was there when somebody last looked, however long ago."""
        known = _read(self._file)
        return isinstance(known, dict) and bool(known.get("outputs"))

    def read(self) -> Mapping[str, str]:
        """The outputs, none if they were written too long ago."""
        with suppress(AttributeError):
            return {str(name): str(value) for name, value in self._fresh(self._file, "outputs").items()}
        return {}

    def write(self, outputs: Mapping[str, str]) -> Mapping[str, str]:
        """Keep outputs, and return them. What else was kept is forgotten."""
        self._forget_others()
        self._write(self._file, {"outputs": dict(outputs)})
        return outputs

    def recall(self, name: str) -> Any:
        """What `keep` was given under this name; None if that was too long ago."""
        return self._fresh(self._beside(name), "value")

    def keep(self, name: str, value: Any) -> None:
        """Keep an answer of one of the stack's parts, which JSON can hold."""
        self._write(self._beside(name), {"value": value})

    def forget(self) -> None:
        """Ask the stack the next time, and take it for absent until then: for whoever changes it."""
        self._forget_others()
        self._file.unlink(missing_ok=True)

    def _beside(self, name: str) -> Path:
        return self._file.with_suffix(f".{name}.json")

    def _forget_others(self) -> None:
        with suppress(OSError):
            for file in self._file.parent.glob(f"{self._file.stem}.*.json"):
                file.unlink(missing_ok=True)

    def _fresh(self, file: Path, name: str) -> Any:
        with suppress(KeyError, TypeError):
            known = _read(file)
            if 0 <= self._clock() - known["read_at"] < SECONDS:
                return known[name]
        return None

    def _write(self, file: Path, values: Mapping[str, Any]) -> None:
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary = file.with_suffix(f".{os.getpid()}")
            temporary.write_text(json.dumps({"read_at": self._clock(), **values}), encoding="utf-8")
            temporary.replace(file)


def _read(file: Path) -> Any:
    with suppress(OSError, ValueError):
        return json.loads(file.read_text(encoding="utf-8"))
    return None
