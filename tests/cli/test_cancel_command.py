"""`vbvr cancel`: stop a run, find it by what a person types, and go on with it later."""

from __future__ import annotations

import pytest
from places import Vbvr


@pytest.fixture
def busy(vbvr: Vbvr) -> Vbvr:
    vbvr.add("good", "several_tasks")
    vbvr.ok("submit", "-g", "all", "-n", "4", "-b", "2")
    return vbvr


def cancelled(vbvr: Vbvr) -> list[str]:
    return [run["generator"] for run in vbvr.ok("status", "--json").json if run["cancelled"]]


def test_a_cancelled_run_is_dropped_and_goes_on_when_it_is_submitted_again(busy: Vbvr) -> None:
    run = next(run for run in busy.ok("status", "--json").json if run["generator"] == "good")
    shown = busy.ok("cancel", run["run_id"][:5])
    assert "good: cancelled, 4 samples not made" in shown.stdout

    busy("worker", "-w", "2")
    done = {run["generator"]: run["samples_done"] for run in busy.ok("status", "--json").json}
    assert done == {"good": 0, "several_tasks": 4}
    assert busy.ok("queue", "count", "--json").json["waiting"] == 0

    assert "sent 2 tasks" in busy.ok("submit", "-g", "all", "-n", "4", "-b", "2").stdout
    busy.ok("worker", "-w", "2")
    assert busy.ok("status", run["run_id"], "--json").json[0]["complete"]


def test_a_glob_cancels_the_runs_of_those_generators(busy: Vbvr) -> None:
    (one,) = busy.ok("cancel", "-g", "sev*", "--json").json["cancelled"]

    assert one["samples_open"] == 4
    assert cancelled(busy) == ["several_tasks"]
    assert "Nothing to cancel" in busy.ok("cancel", "-g", "sev*").stderr


def test_cancelling_everything_asks(busy: Vbvr) -> None:
    refused = busy("cancel")
    assert refused.exit_code == 2
    assert "Cancel all 2 unfinished runs?" in refused.stderr
    assert cancelled(busy) == []

    busy.ok("cancel", "--yes")
    assert cancelled(busy) == ["good", "several_tasks"]


def test_a_run_that_there_is_not_is_refused(busy: Vbvr) -> None:
    refused = busy("cancel", "nothing-like-it")

    assert refused.exit_code == 2
    assert "nothing-like-it" in refused.stderr
    assert "vbvr status" in refused.stderr
    assert "--home" in refused.stderr


def test_who_gives_a_generator_for_a_run_is_told_its_runs(busy: Vbvr) -> None:
    (run,) = [run for run in busy.ok("status", "--json").json if run["generator"] == "good"]

    refused = busy("cancel", "good")

    assert refused.exit_code == 2
    assert f"That is a generator; of it there is {run['run_id']}." in " ".join(refused.stderr.split())


def test_without_runs_there_is_nothing_to_cancel(vbvr: Vbvr) -> None:
    assert "Nothing to cancel" in vbvr.ok("cancel").stderr
