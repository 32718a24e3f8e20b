"""Environments of their own for tools whose requirements are not ours, made from locks beside the tests."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache"


def environment_of(lock: Path) -> Path:
    """The environment of a lock `NAME.lock`, in `.cache/NAME-env`; made anew when the lock has changed."""
    environment = CACHE / f"{lock.stem}-env"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{lock.stem}-env.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        stamp = environment / "made-from.lock"
        if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
            shutil.rmtree(environment, ignore_errors=True)
            _uv("venv", "--python", sys.executable, environment)
            _uv("pip", "install", "--python", environment, "--require-hashes", "-r", lock)
            shutil.copyfile(lock, stamp)
    return environment


def _uv(*arguments: str | Path) -> None:
    from uv import find_uv_bin

    subprocess.run([find_uv_bin(), *arguments, "--quiet"], check=True)
