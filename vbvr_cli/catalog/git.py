"""Runs git, from several threads at once, without asking anybody anything."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path

from vbvr_cli.errors import ConfigurationError

TIMEOUT_SECONDS = 900
PLACES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
)
"""Variables by which a hook that runs vbvr would point git at a repository of its own."""
SETTINGS = {
    "core.autocrlf": "false",
    "core.fsync": "none",  # what is fetched into is thrown away at once
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "fetch.unpackLimit": "1000",  # an object a file, up to so many: `commit_time` can read them
    "gc.auto": "0",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "maintenance.auto": "false",
    "pack.threads": "1",
    "protocol.ext.allow": "never",
    "protocol.version": "2",
    "submodule.recurse": "false",
}
COMMITTER = re.compile(
    rb"^committer .*> (?P<seconds>\d+) (?P<sign>[+-])(?P<hours>\d\d)(?P<minutes>\d\d)$", re.MULTILINE
)


class GitError(Exception):
    """Git said no; the message is its own last words."""


class Git:
    """Runs git commands that `stop` can end. The user's own settings and credential helpers apply."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._guard = threading.Lock()
        self._stopped = False

    def run(self, *arguments: str | Path) -> str:
        """What the command printed. Raises GitError, and ConfigurationError where there is no git."""
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        try:
            process = self._start(["git", *settings, *map(str, arguments)])
        except FileNotFoundError as error:
            raise ConfigurationError(
                "git is not installed.",
                why="Generators are fetched from git repositories.",
                hint="Install git, or use generators in folders by --generators-path.",
            ) from error
        try:
            output, complaint = process.communicate(timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.communicate()
            raise GitError(f"it took longer than {TIMEOUT_SECONDS} s") from None
        finally:
            with self._guard:
                self._running.discard(process)
        if process.returncode != 0:
            raise GitError(_last_words(complaint) or f"exit code {process.returncode}")
        return output

    def stop(self) -> None:
        """End what runs and start nothing more."""
        with self._guard:
            self._stopped = True
            for process in self._running:
                _kill(process)

    def _start(self, command: list[str]) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if name not in PLACES}
        environment |= {"GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1", "LC_ALL": "C"}
        with self._guard:
            if self._stopped:
                raise GitError("it was stopped")
            # A session of its own: no prompt reaches the terminal, and Ctrl-C reaches vbvr first.
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
        return process


def create_repository(folder: Path) -> None:
    """Make an empty git directory: what `git init` does, without a process and without templates."""
    for name in ("objects", "refs"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = false\n")


def commit_time(git_folder: Path, commit: str) -> str | None:
    """The committer's time as ISO 8601, read from the object's own file, which costs no process.

    None where the commit is in a pack, or is written in a way that only git knows.
    """
    try:
        content = zlib.decompress((git_folder / "objects" / commit[:2] / commit[2:]).read_bytes())
    except (OSError, zlib.error):
        return None
    found = COMMITTER.search(content.partition(b"\n\n")[0])
    if found is None:
        return None
    sign = -1 if found["sign"] == b"-" else 1
    offset = sign * timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
    return datetime.fromtimestamp(int(found["seconds"]), timezone(offset)).isoformat()


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def _last_words(complaint: str) -> str:
    """The line in which git says what is wrong; what follows it is advice or a consequence."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    for mark in ("fatal: ", "error: ", "ERROR: "):
        for line in lines:
            if line.startswith(mark):
                return line.removeprefix(mark)
    return lines[-1] if lines else ""
