"""What a stack answered when it was asked, kept for an hour."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from vbvr_cli.config import AwsSettings

SECONDS = 3600.0


class OutputsFile:
    """One stack's outputs, in a file below the state folder; one that cannot be read is as none."""

    def __init__(self, home: Path, settings: AwsSettings, *, clock: Callable[[], float] = time.time) -> None:
        identity = json.dumps(
            [settings.stack, settings.region, settings.profile, os.environ.get("AWS_ENDPOINT_URL")]
        )
        name = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self._file = home / "stacks" / f"{name}.json"
        self._clock = clock

    def read(self) -> Mapping[str, str]:
        """The outputs, none if they were written too long ago."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            known = json.loads(self._file.read_text(encoding="utf-8"))
            if 0 <= self._clock() - known["read_at"] < SECONDS:
                return {str(name): str(value) for name, value in known["outputs"].items()}
        return {}

    def write(self, outputs: Mapping[str, str]) -> Mapping[str, str]:
        """Keep outputs, and return them."""
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._file.with_suffix(f".{os.getpid()}")
            temporary.write_text(
                json.dumps({"read_at": self._clock(), "outputs": dict(outputs)}), encoding="utf-8"
            )
            temporary.replace(self._file)
        return outputs

    def forget(self) -> None:
        """Ask the stack the next time: for whoever changes it."""
        self._file.unlink(missing_ok=True)
