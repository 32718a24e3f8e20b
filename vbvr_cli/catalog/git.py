"""Runs git, from several threads at once, without asking anybody anything."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
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
    "core.attributesFile": os.devnull,  # a tree is the same on every machine
    "core.autocrlf": "false",
    "core.fsync": "none",  # what is fetched into is thrown away at once
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "fetch.unpackLimit": "1",  # one pack instead of a file an object: see decision 12
    "fetch.writeCommitGraph": "false",
    "gc.auto": "0",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "maintenance.auto": "false",
    "pack.threads": "1",
    "pack.writeReverseIndex": "false",
    "protocol.ext.allow": "never",
    "protocol.version": "2",
    "submodule.recurse": "false",
}
VARIABLES = {
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class GitError(Exception):
    """Git said no; the message is its own last words."""


class Git:
    """Runs git commands that `stop` can end. The user's own settings and credential helpers apply."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._stopped = False

    def run(self, *arguments: str | Path) -> str:
        """What the command printed. Raises GitError, and ConfigurationError where there is no git."""
        process = self._start(arguments, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            output, complaint = process.communicate(timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.communicate()
            raise GitError(f"it took longer than {TIMEOUT_SECONDS} s") from None
        finally:
            self._forget(process)
        if process.returncode != 0:
            raise GitError(_last_words(_text(complaint)) or f"exit code {process.returncode}")
        return _text(output)

    def converse(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """A command that answers on its stdout what is written to its stdin, until `end` is called."""
        return self._start(arguments, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """End what `converse` began."""
        _kill(process)
        process.communicate()
        self._forget(process)

    def stop(self) -> None:
        """End what runs and start nothing more."""
        with self._guard:
            self._stopped = True
            for process in self._running:
                _kill(process)

    def _start(
        self, arguments: tuple[str | Path, ...], *, stdin: int, stderr: int
    ) -> subprocess.Popen[bytes]:
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        environment = {name: value for name, value in os.environ.items() if name not in PLACES}
        with self._guard:
            if self._stopped:
                raise GitError("it was stopped")
            try:
                # A session of its own: no prompt reaches the terminal, and Ctrl-C reaches vbvr first.
                process = subprocess.Popen(
                    ["git", *settings, *map(str, arguments)],
                    env=environment | VARIABLES,
                    stdin=stdin,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    start_new_session=True,
                )
            except FileNotFoundError as error:
                raise ConfigurationError(
                    "git is not installed.",
                    why="Generators are fetched from git repositories.",
                    hint="Install git, or use generators in folders by --generators-path.",
                ) from error
            self._running.add(process)
        return process

    def _forget(self, process: subprocess.Popen[bytes]) -> None:
        with self._guard:
            self._running.discard(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def _text(output: bytes) -> str:
    return output.decode(errors="replace")


def _last_words(complaint: str) -> str:
    """The line in which git says what is wrong; what follows it is advice or a consequence."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    for mark in ("fatal: ", "error: ", "ERROR: "):
        for line in lines:
            if line.startswith(mark):
                return line.removeprefix(mark)
    return lines[-1] if lines else ""
