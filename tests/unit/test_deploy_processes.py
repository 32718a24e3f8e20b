"""Programs that are run for a deployment: what they say is kept, and none outlives a Ctrl-C."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest
from places import wait_until

from vbvr_cli.operations.deploy.processes import last_lines, run_aloud

TALKS = (
    "import os, sys; print('out', os.environ['WORD'], flush=True); print('err', file=sys.stderr); sys.exit(3)"
)
STAYS = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
print(child.pid, flush=True)
time.sleep(600)
"""


def test_every_line_is_handed_on_and_kept_with_the_command(tmp_path: Path) -> None:
    heard: list[str] = []
    log = tmp_path / "folder" / "log"

    code = run_aloud(
        [sys.executable, "-c", TALKS],
        folder=tmp_path,
        environment={"WORD": "x"},
        log=log,
        on_line=heard.append,
    )

    assert (code, sorted(heard)) == (3, ["err", "out x"])
    assert log.read_text().startswith(f"$ {sys.executable}")
    assert last_lines(log, 2) in ("out x / err", "err / out x")


def test_a_ctrl_c_ends_the_program_with_all_that_it_started(tmp_path: Path) -> None:
    begun: list[int] = []

    def interrupt(line: str) -> None:
        begun.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_aloud(
            [sys.executable, "-c", STAYS],
            folder=tmp_path,
            environment={},
            log=tmp_path / "log",
            on_line=interrupt,
        )

    wait_until(lambda: not any(map(runs, begun)), "the end of what the program had started")


def runs(pid: int) -> bool:
    """Whether a process does something; one that nobody has reaped does nothing."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_end_of_a_log_leaves_out_what_says_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("first\n\nb'!!!!!!!!'\n  second  \n\n")

    assert last_lines(log) == "first / second"
    assert last_lines(tmp_path / "none") == ""
