"""The programs that deploying needs on this machine, and what to say where one is missing."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from vbvr_cli.errors import ConfigurationError, VbvrError

LEAST_NODE = 18
"""What the pinned CDK asks for, by the `engines` of infra/package-lock.json."""
_AGAIN = "then run the same command again"
_ANSWER_SECONDS = 30.0


def find_node() -> Path:
    """A Node that the CDK runs on. Raises ConfigurationError."""
    found = shutil.which("node")
    if found is None:
        raise ConfigurationError(
            "Node.js was not found.",
            why="the CDK, which deploys, runs on it",
            hint=f"Install Node 22 or newer (apt-get install nodejs, brew install node), {_AGAIN}.",
        )
    said = _ask([found, "--version"])
    version = re.match(r"v(\d+)\.", said or "")
    if version is None:
        raise ConfigurationError(
            f"{found} does not work.",
            why=f"`node --version` says: {said or 'nothing'}",
            hint=f"Install Node 22 or newer, {_AGAIN}.",
        )
    if int(version[1]) < LEAST_NODE:
        raise ConfigurationError(
            f"Node.js {said} is too old.",
            why=f"{found} is found first; the CDK needs Node {LEAST_NODE} or newer",
            hint=f"Install Node 22 or newer and put it first on PATH, {_AGAIN}.",
        )
    return Path(found)


def find_npm() -> Path:
    """The npm that fetches the CDK's command line. Raises ConfigurationError."""
    found = shutil.which("npm")
    if found is None:
        raise ConfigurationError(
            "npm was not found.",
            why="the CDK's command line is fetched with it, once",
            hint=f"Install it (apt-get install npm; with Node from nodejs.org it comes along), {_AGAIN}.",
        )
    return Path(found)


def require_cdk_library() -> None:
    """Raise ConfigurationError unless the Python side of the CDK is installed."""
    missing = [name for name in ("aws_cdk", "constructs") if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            "vbvr is installed without what deploys it.",
            why=f"the Python packages of the extra `deploy` are missing: {', '.join(missing)}",
            hint=f"Install them with `pip install 'vbvr[deploy]'`, {_AGAIN}.",
        )


def require_docker() -> None:
    """Raise ConfigurationError unless Docker can build an image here."""
    instead = "or name an image that was built elsewhere with --image-uri"
    found = shutil.which("docker")
    if found is None:
        raise ConfigurationError(
            "Docker was not found, and no --image-uri is given.",
            why="the image of the functions is built with it",
            hint=f"Install Docker, {instead}; {_AGAIN}.",
        )
    try:
        answer = subprocess.run(
            [found, "info", "--format", "{{.ServerVersion}}"],
            capture_output=True,
            text=True,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
        failed = answer.returncode != 0 or not answer.stdout.strip()
        why = (answer.stderr or answer.stdout).strip().rpartition("\n")[2]
    except (OSError, subprocess.SubprocessError) as error:
        failed, why = True, str(error)
    if failed:
        raise ConfigurationError(
            "Docker does not answer, and no --image-uri is given.",
            why=why or "its server is not running, or this user may not use it",
            hint=f"Start Docker (or have this user added to its group), {instead}; {_AGAIN}.",
        )


def require_all(*checks: Callable[[], object]) -> None:
    """Make all checks, and raise what failed: several at once as one ConfigurationError."""
    failed = list(_failures(checks))
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise ConfigurationError(
            f"{len(failed)} things are missing before anything can be deployed.",
            why=" ".join(f"({number}) {one.what}" for number, one in enumerate(failed, start=1)),
            hint=" ".join(f"({number}) {one.hint}" for number, one in enumerate(failed, start=1)),
        )


def _failures(checks: tuple[Callable[[], object], ...]) -> Iterator[VbvrError]:
    for check in checks:
        try:
            check()
        except ConfigurationError as error:
            yield error


def _ask(command: list[str]) -> str | None:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return (answer.stdout or answer.stderr).strip()
