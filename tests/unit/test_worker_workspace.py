"""A worker's temporary folders: gone when a task ends, also when the worker was killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from places import wait_until

from vbvr_cli.worker.workspace import Workspace, remove_tree

KILLED_WORKER = """
import os, signal, subprocess, sys
from pathlib import Path
from vbvr_cli.worker.workspace import MARKER, Workspace

workspace = Workspace(Path(sys.argv[1]))
with workspace.folder_for("task") as folder:
    (folder / "sample.png").touch()
    forever = [sys.executable, "-c", "import time\\nwhile True: time.sleep(60)"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen(forever, start_new_session=True, env={MARKER: str(folder)}, **quiet)
    print(child.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().split()[2] == "Z"


def test_what_a_killed_worker_left_goes_when_the_next_one_begins(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED_WORKER), str(tmp_path)],
        stdout=subprocess.PIPE,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    left = int(killed.stdout)
    assert not is_gone(left)
    assert list(tmp_path.rglob("sample.png"))
    with Workspace(tmp_path) as workspace:
        wait_until(lambda: is_gone(left), "the process to be gone")
        assert [path for path in tmp_path.iterdir() if path.is_dir()] == [workspace.folder]
    assert list(tmp_path.iterdir()) == []


def test_what_a_living_worker_has_stays(tmp_path: Path) -> None:
    with Workspace(tmp_path) as one, one.folder_for("task") as folder:
        (folder / "sample.png").touch()
        with Workspace(tmp_path) as other:
            assert one.folder != other.folder
            assert (folder / "sample.png").exists()
        assert (folder / "sample.png").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_new_and_empty_and_gone_even_after_an_error(tmp_path: Path) -> None:
    with Workspace(tmp_path) as workspace:
        with contextlib.suppress(ZeroDivisionError), workspace.folder_for("task") as first:
            (first / "file").touch()
            raise ZeroDivisionError
        assert not first.exists()
        with workspace.folder_for("task") as second:
            assert list(second.iterdir()) == []
        assert list(workspace.folder.iterdir()) == []


def test_a_tree_without_permissions_can_be_removed(tmp_path: Path) -> None:
    locked = tmp_path / "tree" / "locked"
    (locked / "deeper").mkdir(parents=True)
    (locked / "deeper" / "file").touch()
    (locked / "deeper").chmod(0o000)
    locked.chmod(0o500)
    remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()
    remove_tree(tmp_path / "tree")
