"""`vbvr queue`: count, look and empty, and never empty without a yes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from places import PATIENCE_SECONDS, Vbvr


@pytest.fixture
def busy(vbvr: Vbvr) -> Vbvr:
    vbvr.add("good")
    vbvr.ok("submit", "-g", "good", "-n", "6", "-b", "2")
    return vbvr


def waiting(vbvr: Vbvr) -> int:
    return int(vbvr.ok("queue", "count", "--json").json["waiting"])


def test_messages_are_counted(busy: Vbvr) -> None:
    expected = {"waiting": 3, "in_flight": 0, "delayed": 0, "dead": 0}
    assert busy.ok("queue", "count", "--json").json == expected
    assert busy.ok("queue", "count").stdout.splitlines()[0] == "waiting\t3"


def test_peeking_shows_tasks_and_gives_them_back(busy: Vbvr) -> None:
    shown = busy.ok("queue", "peek", "-n", "2")
    listed = busy.ok("queue", "peek", "--json")

    assert [line.split("\t")[2].split(",")[0] for line in shown.stdout.splitlines()] == [
        "good 0-1",
        "good 2-3",
    ]
    assert {json.loads(json.loads(line)["body"])["type"] for line in listed.stdout.splitlines()} == {"good"}
    assert waiting(busy) == 3


def test_peeking_into_an_empty_queue_says_so(vbvr: Vbvr) -> None:
    assert "No message is waiting." in vbvr.ok("queue", "peek").stderr


def test_nobody_to_answer_means_nothing_is_deleted(busy: Vbvr) -> None:
    refused = busy("queue", "purge")

    assert refused.exit_code == 2
    assert "Delete 3 messages?" in refused.stderr
    assert "--yes" in refused.stderr
    assert waiting(busy) == 3


def test_with_stdin_closed_nobody_can_answer(busy: Vbvr) -> None:
    vbvr = Path(sys.executable).with_name("vbvr")
    refused = subprocess.run(
        ["sh", "-c", '"$0" queue purge <&-', vbvr],
        cwd=busy.folder,
        env=busy.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert waiting(busy) == 3


def test_after_a_purge_the_same_submit_sends_the_tasks_again(busy: Vbvr) -> None:
    assert "3 messages deleted" in busy.ok("queue", "purge", "--yes").stdout
    assert waiting(busy) == 0

    assert "sent 3 tasks" in busy.ok("submit", "-g", "good", "-n", "6", "-b", "2").stdout
    busy.ok("worker", "-w", "1")
    (run,) = busy.ok("status", "--json").json
    assert run["samples_done"] == 6


@pytest.mark.parametrize(("answer", "left"), [("n\n", 4), ("\n", 4), ("y\n", 0)])
def test_a_purge_on_a_terminal_says_what_is_lost_and_asks(busy: Vbvr, answer: str, left: int) -> None:
    busy.ok("submit", "--message", "-", stdin='{"type": "good", "num_samples": 1, "start_index": 90}\n')
    controller, terminal = os.openpty()
    os.write(controller, answer.encode())
    vbvr = Path(sys.executable).with_name("vbvr")

    asked = subprocess.run(
        [vbvr, "queue", "purge"],
        cwd=busy.folder,
        env=busy.environment,
        stdin=terminal,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )

    os.close(controller)
    os.close(terminal)
    assert "Delete 4 messages?" in asked.stderr
    assert "Up to 1 are of no run" in asked.stderr
    assert waiting(busy) == left
