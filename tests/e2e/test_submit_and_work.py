"""`vbvr submit`, `vbvr worker` and `vbvr status`: the same job in steps, and every gap that there can be."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from places import PATIENCE_SECONDS, Vbvr, tree, wait_until

GOOD = ("-g", "good", "-n", "6", "-b", "2", "--bucket", "data")


def gaps(vbvr: Vbvr, run: str, *more: str) -> dict[str, int]:
    """How many gaps of each kind `vbvr status RUN` names."""
    shown = vbvr("status", run, "--json", *more)
    (examined,) = shown.json
    assert shown.exit_code == (0 if examined["complete"] else 5)
    kinds = [gap["kind"] for gap in examined["gaps"]]
    return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}


def submit(vbvr: Vbvr, *more: str) -> dict[str, Any]:
    sent: dict[str, Any] = vbvr.ok("submit", *GOOD, "--json", *more).json
    return sent


@pytest.fixture
def made(vbvr: Vbvr) -> str:
    """A run of three finished tasks: its id."""
    vbvr.add("good")
    run = submit(vbvr)["runs"][0]["run_id"]
    vbvr.ok("worker", "--workers", "1")
    return str(run)


def test_submit_then_worker_then_status(vbvr: Vbvr) -> None:
    vbvr.add("good")
    sent = submit(vbvr)
    assert (sent["tasks_sent"], sent["samples_sent"]) == (3, 6)
    run = sent["runs"][0]["run_id"]
    assert gaps(vbvr, run) == {"under way": 3}
    assert submit(vbvr)["tasks_sent"] == 0
    worked = vbvr.ok("worker", "--json").json
    assert (worked["tasks_done"], worked["samples_done"]) == (3, 6)
    assert gaps(vbvr, run) == {}
    shown = vbvr.ok("status", run[:6])
    assert "complete, 6 of 6" in shown.stdout
    assert vbvr.ok("worker", "--json").json["tasks_done"] == 0


def test_messages_of_a_lost_queue_are_sent_again_with_resend(vbvr: Vbvr) -> None:
    vbvr.add("good")
    run = submit(vbvr)["runs"][0]["run_id"]
    for file in vbvr.state.glob("queue.sqlite3*"):
        file.unlink()
    assert submit(vbvr)["tasks_sent"] == 0
    left = vbvr("generate", "-g", "good", "-n", "6", "-b", "2", "--dest", "data")
    assert left.exit_code == 5
    assert "--resend" in left.stderr
    assert submit(vbvr, "--resend")["tasks_sent"] == 3
    vbvr.ok("worker")
    assert gaps(vbvr, run) == {}
    assert submit(vbvr, "--resend")["tasks_sent"] == 0


def test_a_dead_task_is_tried_again_with_resend(vbvr: Vbvr) -> None:
    vbvr.add("good")
    program = vbvr.generators / "good" / "examples" / "generate.py"
    text = program.read_text()
    submit(vbvr)
    program.write_text("raise SystemExit(0) # --output\n" + text)
    assert vbvr("worker").exit_code == 5
    entries = vbvr.ok("dlq", "list", "--json").json["entries"]
    assert [entry["code"] for entry in entries] == ["wrong_commit"] * 3
    program.write_text(text)
    assert submit(vbvr)["tasks_sent"] == 0
    assert submit(vbvr, "--resend")["tasks_sent"] == 3
    assert vbvr.ok("worker", "--json").json["samples_done"] == 6


def test_status_names_each_kind_of_gap_and_repair_with_a_submit_mends_them(vbvr: Vbvr, made: str) -> None:
    data = vbvr.folder / "data"
    before = tree(data)
    first, second, third = sorted(data.glob("manifests/good/*/*.jsonl"))
    samples = data / "questions" / "good" / "dot_task"

    first.unlink()
    assert gaps(vbvr, made) == {"done, but without a manifest": 1}
    second.write_bytes(second.read_bytes()[:-5])
    (samples / "dot_00000004" / "prompt.txt").unlink()
    (samples / "dot_00000005" / "final_frame.png").write_bytes(b"short")
    shutil.copy(third, third.with_name("00000900-00000901.jsonl"))
    assert gaps(vbvr, made) == {
        "done, but without a manifest": 1,
        "damaged manifest": 1,
        "missing object": 1,
        "object of the wrong size": 1,
        "manifest outside of the plan": 1,
    }
    third.with_name("00000900-00000901.jsonl").unlink()
    assert gaps(vbvr, made, "--repair") == {"not sent": 3}
    submit(vbvr)
    vbvr.ok("worker")
    assert gaps(vbvr, made) == {}
    assert tree(data) == before


def test_a_manifest_that_names_too_few_samples_is_damaged(vbvr: Vbvr, made: str) -> None:
    first, *_ = sorted((vbvr.folder / "data").glob("manifests/good/*/*.jsonl"))
    first.write_bytes(first.read_bytes().splitlines(keepends=True)[0])
    assert gaps(vbvr, made) == {"damaged manifest": 1}
    assert gaps(vbvr, made, "--repair") == {"not sent": 1}


def test_what_has_a_manifest_but_is_not_done_is_settled_by_repair(vbvr: Vbvr, made: str) -> None:
    with sqlite3.connect(vbvr.state / "ledger.sqlite3") as ledger:
        ledger.execute("UPDATE tasks SET state = 'sent' WHERE start_index = 2")
    ledger.close()
    assert gaps(vbvr, made) == {"has a manifest, but is not done in the ledger": 1}
    assert gaps(vbvr, made, "--repair") == {}
    (run,) = vbvr.ok("status", "--json").json
    assert (run["samples_done"], run["tasks"]) == (6, {"done": 3})


def test_dead_tasks_are_gaps_with_their_reason(vbvr: Vbvr) -> None:
    vbvr.add("always_fails")
    sent = vbvr.ok("submit", "-g", "always_fails", "-n", "2", "--json").json
    assert vbvr("worker").exit_code == 5
    run = sent["runs"][0]["run_id"]
    assert gaps(vbvr, run) == {"dead": 1}
    assert "generator_failed: exit code 1" in vbvr("status", run).stdout


def test_repair_of_a_bucket_brings_back_runs_that_the_ledger_lost(vbvr: Vbvr, made: str) -> None:
    shutil.rmtree(vbvr.state)
    assert vbvr.ok("status", "--json").json == []
    shown = vbvr.ok("status", "--repair", "--bucket", "data", "--json").json
    assert [(run["run_id"], run["complete"], run["samples_present"]) for run in shown] == [(made, True, 6)]
    assert submit(vbvr)["tasks_sent"] == 0


def test_status_of_an_unknown_run_is_a_mistake_of_the_user(vbvr: Vbvr) -> None:
    asked = vbvr("status", "abcdef")
    assert asked.exit_code == 2
    assert "abcdef" in asked.stderr


def test_messages_by_hand_become_runs_of_their_own(vbvr: Vbvr) -> None:
    vbvr.add("good")
    messages = [
        {"type": "good", "num_samples": 2},
        {"type": "good", "num_samples": 3, "start_index": 10, "seed": 5, "output_format": "tar"},
    ]
    text = "\n".join(map(json.dumps, messages))
    sent = vbvr.ok("submit", "--message", "-", "--json", stdin=text).json
    assert (sent["tasks_sent"], sent["samples_sent"]) == (2, 5)
    vbvr.ok("worker")
    runs = vbvr.ok("status", "--json").json
    assert sorted(run["samples_done"] for run in runs) == [2, 3]
    assert all(run["run_id"].startswith("adhoc-") for run in runs)
    assert (vbvr.state / "data" / "questions" / "good_00010-00012.tar.gz").exists()
    before = tree(vbvr.state / "data")
    vbvr.ok("submit", "--message", "-", stdin=text)
    vbvr.ok("worker")
    assert tree(vbvr.state / "data") == before


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "Line 1"),
        ('{"type": "good", "num_samples": 1}\n{"type": "good"}', "num_samples"),
        ('{"type": "good", "num_samples": 0}', "num_samples"),
        ('{"type": "good", "num_samples": 1001}', "1000"),
        ('{"type": "../good", "num_samples": 1}', "type"),
        ('{"type": "good", "num_samples": 1, "seed": -1}', "seed"),
        ('{"type": "good", "num_samples": 1, "colour": 3}', "colour"),
        ('{"type": "good", "num_samples": 2, "start_index": 99999999}', "99999999"),
    ],
)
def test_a_malformed_message_is_named_and_nothing_is_sent(text: str, named: str, vbvr: Vbvr) -> None:
    refused = vbvr("submit", "--message", "-", stdin=text)
    assert refused.exit_code == 2
    assert named in refused.stderr
    assert "nothing was sent" in refused.stderr
    assert not vbvr.state.exists()


def test_messages_of_a_run_that_was_replaced_are_nobodys(vbvr: Vbvr) -> None:
    vbvr.add("good")
    vbvr.ok("submit", "-g", "good", "-n", "6", "-b", "2")
    replaced = vbvr.ok("submit", "-g", "good", "-n", "6", "-b", "3", "-s", "1", "--replace", "--json").json
    assert replaced["tasks_sent"] == 2

    worked = vbvr.ok("worker", "--json").json

    assert (worked["tasks_done"], worked["samples_done"], worked["dead_letters"]) == (2, 6, 0)
    assert set(vbvr.ok("queue", "count", "--json").json.values()) == {0}


def test_a_run_that_was_replaced_and_asked_for_again_is_made(vbvr: Vbvr) -> None:
    vbvr.add("good")
    first = vbvr.ok("generate", "-g", "good", "-n", "2", "--dest", "data", "--json").json["runs"][0]
    vbvr.ok("generate", "-g", "good", "-n", "2", "--dest", "data", "-s", "1", "--replace")

    again = vbvr.ok("generate", "-g", "good", "-n", "2", "--dest", "data", "--replace", "--json").json[
        "runs"
    ][0]

    assert (again["run_id"], again["samples_done"]) == (first["run_id"], 2)


def test_a_message_that_no_worker_here_may_run_is_a_dead_letter_with_the_reason(vbvr: Vbvr) -> None:
    vbvr.add("good")
    messages = [
        {"type": "nobody", "num_samples": 1},
        {"type": "good", "num_samples": 1, "output_bucket": "/etc"},
        {"type": "good", "num_samples": 1, "run_id": "0123456789abcdef"},
    ]
    vbvr.ok("submit", "--message", "-", stdin="\n".join(map(json.dumps, messages)))
    assert vbvr("worker").exit_code == 5
    entries = vbvr.ok("dlq", "list", "--json").json["entries"]
    assert {entry["code"] for entry in entries} == {"unknown_generator", "unknown_bucket", "unknown_run"}


def test_a_worker_that_stays_stops_cleanly_when_told_to(vbvr: Vbvr) -> None:
    vbvr.add("good")
    process = vbvr.start("worker", "--forever", "--workers", "2")
    submit(vbvr)
    data = vbvr.folder / "data"
    wait_until(lambda: len(list(data.glob("manifests/good/*/*.jsonl"))) == 3, "the work to be done")
    os.kill(process.pid, signal.SIGINT)
    stopped = vbvr.finish(process)
    assert stopped.exit_code == 130
    assert "vbvr worker" in stopped.stderr
    assert not list((vbvr.state / "tmp").iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_process_that_is_told_to_stop_gives_its_task_back(
    number: signal.Signals, vbvr: Vbvr
) -> None:
    vbvr.add("hangs")
    run = vbvr.ok("submit", "-g", "hangs", "-n", "5", "--json").json["runs"][0]["run_id"]
    worker = vbvr.start("worker", env={"VBVR_SUPERVISED": "1"})
    wait_until(lambda: list(vbvr.state.glob("tmp/worker-*/*/*/output/dot_task/*_0001")), "the work to begin")
    os.kill(worker.pid, number)
    assert worker.wait(timeout=PATIENCE_SECONDS) == 0
    vbvr.finish(worker)
    assert not list((vbvr.state / "tmp").iterdir())
    with sqlite3.connect(vbvr.state / "ledger.sqlite3") as ledger:
        assert ledger.execute("SELECT state, attempts FROM tasks").fetchall() == [("sent", 0)]
    ledger.close()
    assert gaps(vbvr, run) == {"under way": 1}


def test_python_submits_as_the_command_does(vbvr: Vbvr, made: str) -> None:
    from vbvr_cli.backends.local import LocalBackend
    from vbvr_cli.catalog.catalog import Catalog
    from vbvr_cli.operations.submit import Submitter

    backend = LocalBackend(vbvr.state)
    catalog = Catalog.load(vbvr.folder / "generators.yaml", [vbvr.generators])
    report = Submitter(backend, catalog, str(vbvr.folder / "data")).submit(["good"], samples=8, batch_size=2)
    backend.close()
    assert [run.run_id for run in report.runs] == [made]
    assert (report.tasks_sent, report.samples_sent) == (1, 2)


def test_two_commands_at_once_share_the_work(vbvr: Vbvr) -> None:
    vbvr.add("good")
    command = ("generate", "-g", "good", "-n", "12", "-b", "2", "--workers", "1", "--dest", "data", "--json")
    both = [vbvr.start(*command), vbvr.start(*command)]
    ended = [vbvr.finish(process) for process in both]
    assert [one.exit_code for one in ended] == [0, 0], [one.stderr for one in ended]
    (run,) = vbvr.ok("status", "--json").json
    assert (run["samples_done"], run["tasks"]) == (12, {"done": 6})
    assert gaps(vbvr, run["run_id"]) == {}
    assert len(list(Path(vbvr.folder / "data").glob("manifests/good/*/*.jsonl"))) == 6
