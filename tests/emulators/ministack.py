"""ministack as a subprocess: SQS, S3 and DynamoDB behind one address, in an environment of its own.

It pins a botocore that is not ours. The environment is made when it is first needed, from a lock beside this
file, and kept for the next time.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from emulators.environments import environment_of

HERE = Path(__file__).parent
LOCK = HERE / "ministack.lock"
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Ministack:
    """A running ministack."""

    url: str
    clock: Path

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass for it."""
        ahead = self.clock.stat().st_mtime + seconds
        os.utime(self.clock, (ahead, ahead))


@contextmanager
def ministack(folder: Path, **variables: str) -> Iterator[Ministack]:
    """A ministack on a free port of this machine alone; its clock and log are in `folder`.

    `variables` are ministack's own, for example AUTH="true".
    """
    clock, log = folder / "clock", folder / "ministack.log"
    clock.touch()
    os.utime(clock, (0, 0))
    port = free_port()
    environment = {
        **variables,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "PATH": os.environ["PATH"],
    }
    command = [environment_of(LOCK) / "bin" / "python", "-P", HERE / "ministack_with_clock.py", clock]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{port}"
        _await_health(url, process, log)
        yield Ministack(url, clock)
    finally:
        process.kill()
        process.wait()


def _await_health(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"ministack ended: {log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    raise RuntimeError(f"ministack did not start: {log.read_text()[-2000:]}")


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
