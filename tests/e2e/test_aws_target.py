"""A factory on AWS as an operator runs it, against an emulator, with workers that are killed on the way."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from subprocess import TimeoutExpired
from typing import Any

import psutil
from emulators.target import Target, check_bucket, check_nothing_is_left
from places import Vbvr, tree, wait_until

from vbvr_cli.models import TaskState

KILLS = 4
SEED = 4
STARTERS = ("O-nonogram_data-generator", "G-object_trajectory_data-generator")
SAMPLES = {**dict.fromkeys(STARTERS, 1), "good": 12, "fails_on_some_seeds": 12, "one_in_twenty_is_broken": 8}
REQUESTS = (
    ("-g", STARTERS[0], "-g", STARTERS[1], "-n", "1", "-b", "1", "--output-format", "tar"),
    ("-g", "good", "-g", "fails_on_some_seeds", "-n", "12", "-b", "1", "-s", "1"),
    ("-g", "one_in_twenty_is_broken", "-n", "8", "-b", "4", "--dedup"),
)


def submit_all(vbvr: Vbvr, *more: str, **environment: str) -> int:
    """Submit every request; how many tasks were sent."""
    command = ("submit", "--yes", "--json")
    sent = [vbvr.ok(*command, *request, *more, **environment).json for request in REQUESTS]
    return sum(report["tasks_sent"] for report in sent)


def kill_a_worker(supervisor: int, chance: random.Random) -> bool:
    """Kill one of the processes that work for another, generator and all; whether there was one."""
    with suppress(psutil.NoSuchProcess):
        workers = psutil.Process(supervisor).children()
        if workers:
            chance.choice(workers).kill()
            return True
    return False


def work_while_workers_are_killed(on_aws: Target) -> dict[str, Any]:
    """Three workers, of which one is killed now and then, until nothing is left; what they say they did."""
    chance, kills = random.Random(SEED), 0
    working = Vbvr.start(on_aws.vbvr, "worker", "--workers", "3", "--json")  # the command as it is installed
    table = on_aws.backend.ledger

    def claimed_or_ended() -> bool:
        time.sleep(0.1)
        return working.poll() is not None or any(TaskState.CLAIMED in one.tasks for one in table.progress())

    while kills < KILLS:
        wait_until(claimed_or_ended, "a worker at work")
        with suppress(TimeoutExpired):
            working.wait(timeout=chance.uniform(0.0, 0.5))
        assert working.poll() is None
        kills += kill_a_worker(working.pid, chance)

    def has_ended() -> bool:
        on_aws.let_leases_of_the_dead_lapse()
        with suppress(TimeoutExpired):
            working.wait(timeout=1.0)
        return working.poll() is not None

    wait_until(has_ended, "the workers")
    finished = on_aws.vbvr.finish(working)
    worked = finished.json
    assert finished.exit_code == (5 if worked["died"] else 0), finished.stderr
    return dict(worked)


def redrive_until_nothing_is_dead(vbvr: Vbvr, **environment: str) -> int:
    """Give what died new seeds until all of it is made; how many tasks that were."""
    sent = 0
    while vbvr.ok("queue", "count", "--json", **environment).json["dead"]:
        options = ("--reason", "generator_failed", "--new-seed", "--json")
        sent += vbvr.ok("dlq", "redrive", *options, **environment).json["tasks_sent"]
        vbvr.ok("worker", VBVR_SUPERVISED="1", **environment)
    return sent


def test_a_factory_whose_workers_are_killed_makes_the_dataset_that_one_machine_makes(on_aws: Target) -> None:
    vbvr = on_aws.vbvr
    vbvr.folder.joinpath("generators.yaml").unlink()  # the catalog that comes with vbvr has its starters
    vbvr.add("good", "one_in_twenty_is_broken", "fails_on_some_seeds")
    total = sum(SAMPLES.values())
    assert submit_all(vbvr) == 28
    assert vbvr.ok("submit", "--yes", "--json", *REQUESTS[1]).json["tasks_sent"] == 0
    before = vbvr.ok("monitor", "--json").json
    assert (before["queue"]["waiting"], before["samples"]["open"]) == (28, total)

    worked = work_while_workers_are_killed(on_aws)

    listed = vbvr.ok("dlq", "list", "--json").json
    died = {entry["where"] for entry in listed["entries"]}
    assert {entry["generator"] for entry in listed["entries"]} == {"fails_on_some_seeds"}
    assert {entry["code"] for entry in listed["entries"]} == {"generator_failed"}
    assert (worked["samples_done"], worked["died"]) == (total - len(died), len(died))
    after = vbvr.ok("monitor", "--json").json
    assert (after["samples"]["done"], after["samples"]["failed"]) == (total - len(died), len(died))
    assert vbvr.ok("dlq", "download", "--output", "DLQ", "--json").json["written"] == len(died)
    assert vbvr("status").exit_code == 0
    assert redrive_until_nothing_is_dead(vbvr) >= len(died)

    check_bucket(on_aws, **SAMPLES)
    check_nothing_is_left(on_aws)
    here = {"VBVR_TARGET": "local"}
    submit_all(vbvr, "--bucket", "made-here", **here)
    vbvr.ok("worker", VBVR_SUPERVISED="1", **here)
    redrive_until_nothing_is_dead(vbvr, **here)
    vbvr.ok("download", "--dest", "brought")
    vbvr.ok("download", "--bucket", "made-here", "--dest", "made", **here)
    assert tree(vbvr.folder / "brought") == tree(vbvr.folder / "made")


def test_a_run_that_is_cancelled_is_not_made_until_it_is_submitted_again(on_aws: Target) -> None:
    vbvr = on_aws.vbvr
    vbvr.add("good")
    request = ("submit", "--yes", "-g", "good", "-n", "4", "-b", "2", "--json")
    vbvr.ok(*request)
    vbvr.ok("cancel", "--yes")
    on_aws.work()
    assert on_aws.objects("questions/") == {}
    assert vbvr.ok("monitor", "--json").json["runs_cancelled"] == 1

    assert vbvr.ok(*request).json["tasks_sent"] == 2
    on_aws.work()
    check_bucket(on_aws, good=4)
    check_nothing_is_left(on_aws)
