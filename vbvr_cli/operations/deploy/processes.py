"""Programs that talk while they run."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

PATIENCE_SECONDS = 10.0


def run_aloud(
    command: Sequence[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    on_line: Callable[[str], None] = lambda _line: None,
) -> int:
    """Run a program to its end; every line that it says is appended to `log` and handed on. Its exit code.

    It is a process group of its own, so Ctrl-C reaches this process alone; the group is ended before the
    KeyboardInterrupt goes on.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as kept:
        kept.write(f"$ {' '.join(map(str, command))}\n")
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            assert process.stdout  # noqa: S101 - it is a pipe
            for line in process.stdout:
                kept.write(line)
                kept.flush()
                on_line(line.rstrip())
            return process.wait()
        finally:
            if process.poll() is None:
                _end(process)


def last_lines(log: Path, number: int = 3) -> str:
    """The end of a log on one line, for an error; without the lines that say nothing."""
    with suppress(OSError):
        lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
        return " / ".join([line for line in lines if line.strip("!b'\\n ")][-number:])
    return ""


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
