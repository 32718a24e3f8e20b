"""A generator that cannot be streamed runs in the driver's process, and must not see that it does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from vbvr_cli.worker import driver

PROGRAM = """
import json, sys
import multiprocessing
from dataclasses import dataclass

import beside

@dataclass
class Pickled:
    value: int

def double(pickled):
    return Pickled(2 * pickled.value)

if __name__ == "__main__":
    names = sorted(name for name in globals() if name.startswith("__"))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        doubled = pool.map(double, [Pickled(21)])[0].value
    loader = __loader__.get_filename("__main__")
    found = [names, __file__, loader, sys.argv, sys.path[0], beside.VALUE, doubled, __spec__]
    print(json.dumps(found))
"""


def run(folder: Path, *before: str) -> list[object]:
    finished = subprocess.run(
        [sys.executable, *before, "examples/generate.py", "--seed", "1"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={key: value for key, value in os.environ.items() if key != "VBVR_EVENTS_FD"},
    )
    found: list[object] = json.loads(finished.stdout)
    return found


def test_a_program_finds_what_it_would_find_without_the_driver(tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "generate.py").write_text(PROGRAM)
    (tmp_path / "examples" / "beside.py").write_text("VALUE = 7")

    plain = run(tmp_path)
    driven = run(tmp_path, driver.__file__, str(os.getpid()), str(1 << 32), str(tmp_path / "output"))

    assert driven == plain


def test_what_a_program_raises_ends_the_process_with_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "generate.py").write_text("import sys\nraise ValueError('as it says')\n")
    command = [sys.executable, driver.__file__, str(os.getpid()), str(1 << 32), str(tmp_path / "output")]

    finished = subprocess.run(
        [*command, "examples/generate.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert finished.returncode == 1
    assert finished.stderr.endswith("raise ValueError('as it says')\nValueError: as it says\n")
