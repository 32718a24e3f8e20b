"""Commands on dead letters are killed at every step, or run twice at once; nothing is lost or doubled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from dead_tasks import let_die, letters_of, waiting_tasks
from places import PATIENCE_SECONDS, Place, check_dataset

from vbvr_cli.backends.ports import Depth
from vbvr_cli.operations.dlq.redrive import Redrive
from vbvr_cli.operations.dlq.request import RedriveRequest
from vbvr_cli.operations.reconcile import compare

DOOMED = Path(__file__).with_name("doomed_vbvr.py")
SAMPLES = 8
STEPS = [
    ("before:ledger.supersede", 1),
    ("after:ledger.supersede", 1),
    ("before:queue.send", 2),
    ("after:queue.send", 1),
    ("after:ledger.confirm_sent", 1),
    ("before:queue.delete_dead", 1),
    ("after:queue.delete_dead", 1),
]
PLAIN_STEPS = [("after:ledger.reopen", 1), *STEPS[2:]]
PARTS = ["--batch-size", "2"]


def start(
    place: Place, *arguments: str | Path, point: str = "never", count: int = 1
) -> subprocess.Popen[str]:
    command = [sys.executable, DOOMED, "SIGKILL", point, count, *arguments, "--home", place.home]
    return subprocess.Popen(
        [*map(str, command)],
        cwd=place.root,
        env={"PATH": os.environ["PATH"], "HOME": str(place.root), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_at(place: Place, point: str, count: int, *arguments: str | Path) -> None:
    process = start(place, *arguments, point=point, count=count)
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == -signal.SIGKILL, said


def check_run_is_whole(place: Place) -> None:
    """Every sample once, nothing in the queue, no letter left, and the counters say the same."""
    place.work()
    check_dataset(place, "good", SAMPLES)
    assert compare(place.backend, place.run("good")).complete
    (progress,) = place.backend.ledger.progress([place.run("good").key])
    assert (progress.samples_done, progress.samples_dead, progress.samples_open) == (SAMPLES, 0, 0)
    assert place.backend.queue.depth() == Depth(waiting=0, in_flight=0, delayed=0, dead=0)


@pytest.fixture
def dead(place: Place) -> Place:
    place.submit("good", samples=SAMPLES, batch_size=4)
    let_die(place.backend)
    return place


@pytest.mark.parametrize(("point", "count"), STEPS)
def test_a_split_that_is_killed_and_repeated_covers_every_sample_once(
    dead: Place, point: str, count: int
) -> None:
    kill_at(dead, point, count, "dlq", "redrive", *PARTS)

    Redrive(dead.backend, RedriveRequest(batch_size=2)).from_queue()

    tasks = waiting_tasks(dead.backend)
    assert len({task.range_name for task in tasks}) == 4
    assert len(tasks) == (6 if point == "after:queue.send" else 4)  # nobody knew that they were sent
    check_run_is_whole(dead)


@pytest.mark.parametrize(("point", "count"), PLAIN_STEPS)
def test_a_redrive_that_is_killed_and_repeated_makes_every_sample_once(
    dead: Place, point: str, count: int
) -> None:
    kill_at(dead, point, count, "dlq", "redrive")

    Redrive(dead.backend, RedriveRequest()).from_queue()

    check_run_is_whole(dead)


@pytest.mark.parametrize(
    ("point", "count"),
    [
        ("after:ledger.supersede", 2),
        ("after:queue.send", 1),
        ("before:queue.delete_dead", 1),
        ("after:queue.delete_dead", 1),
    ],
)
def test_a_redrive_from_files_that_is_killed_and_repeated_leaves_neither_file_nor_letter(
    dead: Place, point: str, count: int
) -> None:
    folder = dead.root / "DLQ"
    dead.backend.queue.send(['{"type": "good", "num_samples": "one", "start_index": 8}'])
    let_die(dead.backend)
    process = start(dead, "dlq", "download", "--output", folder)
    assert process.wait(timeout=PATIENCE_SECONDS) == 0
    mended = max(folder.glob("*.json"))
    said = json.loads(mended.read_text())
    mended.write_text(json.dumps(said | {"body": {**said["body"], "num_samples": 1, "start_index": 8}}))

    kill_at(dead, point, count, "dlq", "redrive", "--from", folder, *PARTS)
    assert len(list(folder.glob("*.json"))) == 3
    Redrive(dead.backend, RedriveRequest(batch_size=2)).from_files(folder)

    assert list(folder.glob("*.json")) == []
    dead.work()
    assert dead.backend.queue.depth() == Depth(waiting=0, in_flight=0, delayed=0, dead=0)
    runs = dead.backend.ledger.list_runs(None, "good")
    assert sorted(run.num_samples for run in runs) == [1, SAMPLES]
    assert all(compare(dead.backend, run).complete for run in runs)


@pytest.mark.parametrize("point", ["before:queue.delete_dead", "after:queue.delete_dead"])
def test_a_download_that_is_killed_while_it_deletes_loses_no_letter(dead: Place, point: str) -> None:
    folder = dead.root / "DLQ"

    kill_at(dead, point, 1, "dlq", "download", "--delete", "--output", folder)
    assert len(list(folder.glob("*.json"))) == 1
    process = start(dead, "dlq", "download", "--delete", "--output", folder)

    assert process.wait(timeout=PATIENCE_SECONDS) == 0
    assert letters_of(dead.backend) == []
    assert len(list(folder.glob("*.json"))) == 2
    Redrive(dead.backend, RedriveRequest()).from_files(folder)
    check_run_is_whole(dead)


@pytest.mark.parametrize("options", [[], PARTS], ids=["plain", "split"])
def test_two_operators_redriving_at_once_send_each_task_once(place: Place, options: list[str]) -> None:
    place.submit("good", samples=120, batch_size=3)
    let_die(place.backend)

    both = [start(place, "dlq", "redrive", "--json", *options) for _ in range(2)]
    reports = [json.loads(process.communicate(timeout=PATIENCE_SECONDS)[0]) for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert sum(report["samples_sent"] for report in reports) == 120
    assert sum(report["fates"].get("redriven", 0) for report in reports) == 40
    sent = [task.range_name for task in waiting_tasks(place.backend)]
    assert len(sent) == len(set(sent)) == sum(report["tasks_sent"] for report in reports)
    assert letters_of(place.backend) == []


def test_two_operators_redriving_one_folder_at_once_send_each_task_once(place: Place) -> None:
    place.submit("good", samples=40, batch_size=1)
    let_die(place.backend)
    folder = place.root / "DLQ"
    assert start(place, "dlq", "download", "--delete", "--output", folder).wait(PATIENCE_SECONDS) == 0

    both = [start(place, "dlq", "redrive", "--from", folder) for _ in range(2)]
    said = [process.communicate(timeout=PATIENCE_SECONDS)[1] for process in both]

    for process, errors in zip(both, said, strict=True):
        assert process.returncode == 0 or (process.returncode == 2 and "Another process" in errors)
    sent = [task.range_name for task in waiting_tasks(place.backend)]
    assert len(sent) == len(set(sent)) == 40
    assert list(folder.glob("*.json")) == []


@pytest.mark.parametrize("command", [["redrive"], ["download", "--delete"]], ids=" ".join)
def test_a_command_that_the_user_interrupts_says_how_to_go_on(dead: Place, command: list[str]) -> None:
    arguments = ["dlq", *command, "--home", dead.home]
    doomed = [sys.executable, DOOMED, "SIGINT", "before:queue.delete_dead", 2, *arguments]
    stopped = subprocess.run(
        [*map(str, doomed)],
        cwd=dead.root,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert stopped.returncode == 130
    assert "No letter is lost" in stopped.stderr
    assert "Go on with: vbvr dlq" in stopped.stderr
    assert len(letters_of(dead.backend)) == 1
