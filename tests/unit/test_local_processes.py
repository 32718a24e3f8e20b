"""Who holds a lease: telling a process that lives from one that is gone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from vbvr_cli.backends.local import processes


def identity_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def other_process():
    """A process that has told who it is and waits."""
    script = "from vbvr_cli.backends.local import processes; print(processes.identity(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()


def test_this_process_lives_and_stays_the_same() -> None:
    assert processes.identity() == processes.identity()
    assert processes.alive(processes.identity())


def test_an_identity_is_a_file_name() -> None:
    assert "/" not in processes.identity()
    assert len(processes.identity()) < 64


def test_another_process_lives_until_it_is_killed(other_process: subprocess.Popen[str]) -> None:
    identity = identity_of(other_process)
    assert identity != processes.identity()
    assert processes.alive(identity)

    other_process.kill()
    other_process.wait()

    assert not processes.alive(identity)


def test_a_killed_process_that_nobody_waited_for_is_gone(other_process: subprocess.Popen[str]) -> None:
    identity = identity_of(other_process)

    other_process.kill()
    os.waitid(os.P_PID, other_process.pid, os.WEXITED | os.WNOWAIT)

    assert not processes.alive(identity)


def test_another_process_with_the_same_pid_is_not_it() -> None:
    pid, start, place = processes.identity().split("-")

    assert not processes.alive(f"{pid}-{float(start) - 10:.2f}-{place}")


def test_a_process_that_cannot_be_seen_from_here_counts_as_alive() -> None:
    pid, start, _ = processes.identity().split("-")

    assert processes.alive(f"{pid}-{float(start) - 10:.2f}-00000000")
    assert processes.alive("something else")


def test_setting_the_clock_changes_no_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    before = processes.identity()
    created, booted = psutil.Process().create_time(), psutil.boot_time()
    processes._identity.cache_clear()
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: created + 3600)
    monkeypatch.setattr(psutil, "boot_time", lambda: booted + 3600)

    assert processes.identity() == before


def test_a_forked_child_is_a_process_of_its_own() -> None:
    parent = processes.identity()
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, processes.identity().encode())
        os._exit(0)
    os.waitpid(child, 0)

    identity = os.read(reader, 100).decode()

    assert identity.startswith(f"{child}-")
    assert identity != parent
