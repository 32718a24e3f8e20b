"""`vbvr dlq` as an operator uses it: understand what died, keep it, mend it, send it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from dead_tasks import let_die, letters_of
from places import Vbvr

from vbvr_cli.backends.local import LocalBackend

SLOW = '''"""Writes three samples, then hangs if it was asked for more."""

import time

from sample import puzzle, read_arguments, sample_folder, write_sample

arguments = read_arguments()
for position in range(min(3, arguments.num_samples)):
    write_sample(sample_folder(arguments.output, position), puzzle(arguments.seed, position))
if arguments.num_samples > 3:
    time.sleep(600)
'''


@pytest.fixture
def backend(vbvr: Vbvr) -> Iterator[LocalBackend]:
    backend = LocalBackend(vbvr.state)
    yield backend
    backend.close()


@pytest.fixture
def dead(vbvr: Vbvr, backend: LocalBackend) -> Vbvr:
    """Three dead tasks and a message that is none."""
    vbvr.add("good")
    vbvr.ok("submit", "-g", "good", "-n", "6", "-b", "2")
    backend.queue.send(['{"type": "good", "num_samples": "\x1b[31mten"}'])
    let_die(backend)
    return vbvr


def run_of(vbvr: Vbvr) -> str:
    (run,) = vbvr.ok("status", "--json").json
    return str(run["run_id"])


def test_a_run_with_failing_seeds_is_redriven_by_reason_with_new_ones_until_it_is_complete(
    vbvr: Vbvr,
) -> None:
    vbvr.add("fails_on_some_seeds")
    vbvr.ok("submit", "-g", "fails_on_some_seeds", "-n", "24", "-b", "1")
    vbvr("worker", "-w", "2")
    entries = vbvr.ok("dlq", "list", "--json").json["entries"]
    assert {entry["code"] for entry in entries} == {"generator_failed"}
    assert all("no puzzle for seed" in entry["detail"] for entry in entries)

    redrives = 0
    while vbvr.ok("queue", "count", "--json").json["dead"]:
        vbvr.ok("dlq", "redrive", "--reason", "generator_failed", "--new-seed")
        vbvr("worker", "-w", "2")
        redrives += 1
        assert redrives < 10

    assert redrives
    status = vbvr.ok("status", run_of(vbvr), "--json").json
    assert [(one["complete"], one["samples_present"]) for one in status] == [(True, 24)]


def test_a_run_that_is_out_of_time_is_split_as_its_reason_says_and_becomes_complete(vbvr: Vbvr) -> None:
    vbvr.add("good")
    (vbvr.generators / "good").rename(vbvr.generators / "slow")
    (vbvr.generators / "slow" / "examples" / "generate.py").write_text(SLOW)
    catalog = "version: 1\ndefaults: {time_limit_seconds: 2}\ngenerators: []\n"
    (vbvr.folder / "generators.yaml").write_text(catalog)
    vbvr.ok("submit", "-g", "slow", "-n", "8", "-b", "8")
    vbvr("worker", "-w", "1")
    ((entry),) = vbvr.ok("dlq", "list", "--json").json["entries"]
    assert entry["code"] == "out_of_time"
    assert entry["detail"].startswith("3 of 8 samples")
    size = entry["detail"].rpartition("--batch-size ")[2]

    vbvr.ok("dlq", "redrive", "--reason", "out_of_time", "--batch-size", size)
    vbvr.ok("worker", "-w", "2")

    status = vbvr.ok("status", run_of(vbvr), "--json").json
    assert [(one["complete"], one["samples_present"]) for one in status] == [(True, 8)]


def test_the_list_has_a_row_for_each_generator_and_reason(dead: Vbvr) -> None:
    shown = dead.ok("dlq", "list")

    rows = [line.split("\t") for line in shown.stdout.splitlines()]
    assert [row[:4] for row in rows] == [
        ["good", "generator_failed", "3", "6"],
        ["(unreadable)", "invalid_message", "1", "0"],
    ]
    assert "no path" in rows[0][4]
    assert "num_samples" in rows[1][4]
    assert "\x1b" not in shown.stdout
    assert "vbvr dlq redrive" in shown.stderr


def test_the_list_without_dead_letters_says_so(vbvr: Vbvr) -> None:
    shown = vbvr.ok("dlq", "list")

    assert (shown.stdout, "No dead letters." in shown.stderr) == ("", True)
    assert vbvr.ok("dlq", "list", "--json").json["entries"] == []
    assert not vbvr.state.exists()


def test_bodies_are_received_for_the_list_which_says_so_and_gives_them_back(
    dead: Vbvr, backend: LocalBackend
) -> None:
    whole = dead.ok("dlq", "list", "--bodies")
    listed = [json.loads(line) for line in dead.ok("dlq", "list", "--bodies", "--json").stdout.splitlines()]

    assert "are received" in whole.stderr
    assert "| no path" in whole.stdout
    assert "\x1b" not in whole.stdout
    assert [letter["code"] for letter in listed] == ["generator_failed"] * 3 + ["invalid_message"]
    assert len(letters_of(backend)) == 4


def test_letters_are_downloaded_once_deleted_and_redriven_from_their_files(
    dead: Vbvr, backend: LocalBackend
) -> None:
    assert "4 letters written to DLQ" in dead.ok("dlq", "download").stdout
    again = dead.ok("dlq-download", "--output", "DLQ", "--delete", "--json").json
    assert again == {"written": 0, "present": 4, "deleted": 4}
    assert letters_of(backend) == []
    broken = max((dead.folder / "DLQ").glob("*.json"))

    refused = dead("dlq-redrive", "--from", "DLQ")
    assert refused.exit_code == 2
    assert broken.name in refused.stderr
    assert "num_samples" in refused.stderr
    assert "nothing was sent" in refused.stderr

    said = json.loads(broken.read_text())
    said["body"] = {"type": "good", "num_samples": 1, "start_index": 6}
    broken.write_text(json.dumps(said))
    told = dead.ok("dlq", "redrive", "--from", "DLQ", "--dry-run", "--json").json
    assert (told["dry_run"], told["tasks_sent"], told["fates"]) == (True, 4, {"redriven": 4})
    assert "sent 4 tasks of 7 samples" in dead.ok("dlq-redrive", "--from", "DLQ").stdout
    assert not list((dead.folder / "DLQ").glob("*.json"))
    dead.ok("worker", "-w", "2")
    assert {run["samples_done"] for run in dead.ok("status", "--json").json} == {6, 1}


def test_messages_that_are_none_are_named_and_the_exit_code_is_that_of_partial_work(dead: Vbvr) -> None:
    shown = dead("dlq", "redrive")

    assert shown.exit_code == 5
    assert "sent 3 tasks of 6 samples" in shown.stdout
    assert "num_samples" in shown.stderr
    assert "vbvr dlq download" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (["redrive", "--reason", "bad_luck"], 2, ["'bad_luck'", "generator_failed", "out_of_time"]),
        (["redrive", "--batch-size", "0"], 2, ["--batch-size is 0", "from 1 to 1000"]),
        (["redrive", "--from", "nowhere"], 2, ["nowhere is no folder", "vbvr dlq download"]),
        (["download", "--output", "generators.yaml"], 3, ["generators.yaml", "--output"]),
        (["download", "--output", "/proc/DLQ"], 3, ["/proc/DLQ", "No letter is lost"]),
    ],
)
def test_what_cannot_be_done_is_said_with_the_way_out(
    dead: Vbvr, backend: LocalBackend, arguments: list[str], exit_code: int, said: list[str]
) -> None:
    refused = dead("dlq", *arguments)

    assert refused.exit_code == exit_code
    for part in said:
        assert part in refused.stderr
    assert "Traceback" not in refused.stderr
    assert len(letters_of(backend)) == 4


def test_letters_of_cancelled_runs_are_kept_and_said_to_be(dead: Vbvr, backend: LocalBackend) -> None:
    dead.ok("submit", "-g", "good", "-n", "8", "-b", "2")
    dead.ok("cancel", "--yes")

    shown = dead.ok("dlq", "redrive", "-g", "good")

    assert "3 letters kept: their runs are cancelled" in shown.stdout
    assert len(letters_of(backend)) == 4


def test_the_names_of_one_word_have_the_same_options(vbvr: Vbvr, tmp_path: Path) -> None:
    for name in ("download", "redrive"):
        short, long = vbvr.ok(f"dlq-{name}", "--help").stdout, vbvr.ok("dlq", name, "--help").stdout

        def options(text: str) -> set[str]:
            return {word for word in text.split() if word.startswith("--")}

        assert options(short) == options(long)
