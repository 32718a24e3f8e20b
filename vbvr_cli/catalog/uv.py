"""Asks uv which packages go together, and builds environments of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from vbvr_cli.errors import ConfigurationError

TIMEOUT_SECONDS = 1800
OWN_VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


class ResolutionError(Exception):
    """Requirements cannot be met together; the message is uv's."""


def resolve(requirements: Iterable[str], preferred: Iterable[str] = ()) -> list[str]:
    """The packages, each `name==version`, that meet all requirements, `preferred` versions where that can be.

    Raises ResolutionError, and ConfigurationError where uv is not installed.
    """
    arguments = ["pip", "compile", "--quiet", "--no-header", "--no-annotate", "--color", "never"]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "packages.txt"  # uv keeps to the versions that it finds there
        output.write_text("\n".join(preferred))
        arguments += ["--python", sys.executable, "--output-file", str(output)]
        finished = _run([*arguments, "-"], "\n".join(requirements))
        if finished.returncode != 0:
            raise ResolutionError(_last_words(finished.stderr))
        return sorted(line.strip() for line in output.read_text().splitlines() if line.strip())


def build(folder: Path, python: str, packages: Sequence[str]) -> None:
    """Make a virtual environment of exactly these packages. Raises ConfigurationError."""
    interpreter = sys.executable if python == OWN_VERSION else python
    made = _run(["venv", "--quiet", "--relocatable", "--python", interpreter, "--", str(folder)])
    if made.returncode == 0 and packages:
        install = ["pip", "install", "--quiet", "--no-deps", "--color", "never", "--python", str(folder)]
        made = _run([*install, "--requirement", "-"], "\n".join(packages))
    if made.returncode != 0:
        raise ConfigurationError(
            f"An environment of {', '.join(packages) or 'no packages'} could not be built.",
            why=_last_words(made.stderr),
            hint="If a package has no wheel for this Python or machine, install what it needs to be built, "
            "or run vbvr with a Python that it has wheels for.",
        )


def _run(arguments: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return subprocess.run(
        [_program(), *arguments],
        check=False,
        input=text,
        capture_output=True,
        text=True,
        env=environment | {"UV_LINK_MODE": os.environ.get("UV_LINK_MODE", "hardlink")},
        timeout=TIMEOUT_SECONDS,
    )


def _program() -> str:
    beside = Path(sys.executable).with_name("uv")
    program = str(beside) if beside.is_file() else shutil.which("uv")
    if program is None:
        raise ConfigurationError(
            "uv is not installed.",
            why="It resolves and builds the environments that generators run in.",
            hint="Run 'pip install uv', or set VBVR_PYTHON to an interpreter that has all they need.",
        )
    return program


def _last_words(complaint: str) -> str:
    """What uv names as the cause, on one line."""
    words = " ".join(complaint.replace("│", " ").split())
    return re.split(r"cause: |╰─▶ |error: ", words)[-1]
