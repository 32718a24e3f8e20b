"""Worker processes on this machine: started, watched, replaced when they die, stopped together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from vbvr_cli.errors import ConfigurationError, ExitCode, ServiceError

MAX_REPLACEMENTS = 20
"""How often workers that die without a word (killed for memory, say) are replaced before it is an error."""


class Workforce:
    """`count` processes of `vbvr worker`. They stop when this process does, however it ends.

    Each holds the reading end of a pipe to this process and stops at its end. What they print goes to
    `logs`, a file each.
    """

    def __init__(self, count: int, environment: Mapping[str, str], logs: Path, *, forever: bool) -> None:
        self._environment = {**os.environ, **environment, "VBVR_SUPERVISED": "1"}
        self._logs = logs
        self._arguments = ["--forever"] if forever else []
        self._replacements = 0
        logs.mkdir(parents=True, exist_ok=True)
        self._workers = {number: self._start(number) for number in range(1, count + 1)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def check(self) -> int:
        """Replace workers that died; how many are at work.

        Raises ServiceError or ConfigurationError for one that gave up.
        """
        for number, worker in tuple(self._workers.items()):
            exit_code = worker.poll()
            if exit_code in (None, ExitCode.OK):
                continue
            if exit_code > 0:
                self._raise_for(number, exit_code)
            self._replacements += 1
            if self._replacements > MAX_REPLACEMENTS:
                raise ServiceError(
                    f"Workers keep dying (signal {-exit_code}).",
                    why="the machine may be out of memory",
                    hint="Use fewer --workers, then run the same command again.",
                )
            self._workers[number] = self._start(number)
        return sum(worker.poll() is None for worker in self._workers.values())

    def stop(self) -> None:
        """Ask all to stop and wait for them; they give back what they have not finished."""
        for worker in self._workers.values():
            if worker.stdin:
                worker.stdin.close()
        for worker in self._workers.values():
            worker.wait()

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        with self._log(number).open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "vbvr_cli", "worker", "--workers", "1", "--json", *self._arguments],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for this process alone: it stops them in order
            )

    def _log(self, number: int) -> Path:
        return self._logs / f"worker-{number}.log"

    def _raise_for(self, number: int, exit_code: int) -> None:
        """Raise the error with which a worker gave up: it leaves it as the last line of its log, in JSON."""
        log = self._log(number)
        kind = ConfigurationError if exit_code == ExitCode.CONFIGURATION else ServiceError
        last_line = _tail(log).rpartition("\n")[2]
        try:
            said = json.loads(last_line)
            error = kind(said["error"], why=said["why"], hint=said["hint"])
        except (ValueError, TypeError, KeyError):
            error = kind(
                f"Worker {number} gave up with exit code {exit_code}.",
                why=last_line or None,
                hint=f"What it said is in {log}. Then run the same command again: it goes on.",
            )
        raise error


def _tail(file: Path) -> str:
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - 8_000))
        return stream.read().decode(errors="replace").strip()
