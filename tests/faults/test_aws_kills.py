"""On AWS each step is a request: commands and workers are killed with SIGKILL before every one of them."""

from __future__ import annotations

import os
import shutil
import signal

import pytest
from dead_tasks import let_die
from emulators.faulty_wire import Answer, Asked
from emulators.target import Target, check_bucket, check_nothing_is_left

from vbvr_cli.models import TaskState

LONGER_THAN_LETTERS_ARE_HELD = 901.0


class Killer:
    """Kills a process when it makes its K-th request, which is never passed on."""

    def __init__(self, on_aws: Target) -> None:
        self._wire = on_aws.wire
        self._vbvr = on_aws.vbvr

    def recorded(self, *command: str, **environment: str) -> list[str]:
        """The operations that a command asks for, in their order."""
        seen: list[str] = []

        def note(asked: Asked) -> None:
            seen.append(asked.operation)

        self._wire.before = note
        finished = self._vbvr(*command, **environment)
        self._wire.clear()
        assert finished.exit_code == 0, finished.stderr
        return seen

    def kill_at(self, number: int, *command: str, **environment: str) -> str | None:
        """The operation that a command did not live to see done; None if it ended before."""
        met: list[str] = []
        process = self._vbvr.start(*command, env=environment)

        def kill(asked: Asked) -> Answer | None:
            met.append(asked.operation)
            if len(met) < number:
                return None
            os.kill(process.pid, signal.SIGKILL)
            return Answer(500, b"")

        self._wire.before = kill
        code = process.wait()
        self._wire.clear()
        if len(met) < number:
            assert code == 0, process.communicate()
            return None
        assert code == -signal.SIGKILL
        return met[number - 1]


WORKER = {"VBVR_SUPERVISED": "1"}


@pytest.fixture
def killer(on_aws: Target) -> Killer:
    return Killer(on_aws)


def test_a_worker_that_is_killed_at_any_request_loses_and_doubles_nothing(
    on_aws: Target, killer: Killer
) -> None:
    vbvr = on_aws.vbvr
    vbvr.add("good")
    vbvr.ok("submit", "--yes", "-g", "good", "-n", "1", "-b", "1", "--dedup")
    steps = killer.recorded("worker", **WORKER)
    samples = 1 + len(steps)
    vbvr.ok("submit", "--yes", "-g", "good", "-n", str(samples), "--dedup")

    died_at = [killer.kill_at(step, "worker", **WORKER) for step in range(1, samples)]  # each at another task
    assert {"ReceiveMessage", "PutObject", "TransactWriteItems", "DeleteMessageBatch"} <= set(died_at)
    on_aws.let_leases_lapse()
    on_aws.work()

    check_bucket(on_aws, good=samples)
    check_nothing_is_left(on_aws)


def test_a_worker_that_is_killed_while_it_gives_a_task_up_leaves_one_letter(
    on_aws: Target, killer: Killer
) -> None:
    vbvr, name = on_aws.vbvr, "always_fails"
    vbvr.add(name)
    vbvr.ok("submit", "--yes", "-g", name, "-n", "1", "-b", "1")
    steps = killer.recorded("worker", **WORKER)
    count = 1 + len(steps)
    vbvr.ok("submit", "--yes", "-g", name, "-n", str(count))

    died_at = [killer.kill_at(step, "worker", **WORKER) for step in range(1, count)]
    assert {"TransactWriteItems", "SendMessage", "DeleteMessageBatch"} <= set(died_at)
    on_aws.let_leases_lapse()
    on_aws.work()

    listed = vbvr.ok("dlq", "list", "--json").json
    assert [entry["where"] for entry in listed["entries"]] == [f"{n:08d}-{n:08d}" for n in range(count)]
    received = vbvr.ok("dlq", "list", "--bodies", "--json").stdout.splitlines()
    assert len(received) == count
    redriven = vbvr.ok("dlq", "redrive", "--json").json
    assert redriven["tasks_sent"] == count


def test_a_submit_that_is_killed_at_any_request_is_finished_by_another(
    on_aws: Target, killer: Killer
) -> None:
    vbvr = on_aws.vbvr
    vbvr.add("good")

    def another(number: int) -> str:
        shutil.copytree(vbvr.generators / "good", vbvr.generators / f"good-{number}")
        return f"good-{number}"

    number = 1
    while killer.kill_at(number, "submit", "--yes", "-g", another(number), "-n", "3", "-b", "2"):
        number += 1
    assert number > 10

    vbvr.ok("submit", "--yes", "-g", "good-*", "-n", "3", "-b", "2")
    on_aws.work()

    check_bucket(on_aws, **{f"good-{one}": 3 for one in range(1, number + 1)})
    check_nothing_is_left(on_aws)


def test_a_redrive_that_is_killed_at_any_request_covers_every_sample_once(
    on_aws: Target, killer: Killer
) -> None:
    vbvr = on_aws.vbvr
    vbvr.add("good")
    vbvr.ok("submit", "--yes", "-g", "good", "-n", "8", "-b", "4")
    let_die(on_aws.backend)
    assert on_aws.backend.queue.depth().dead == 2

    number = 1
    while killer.kill_at(number, "dlq", "redrive", "--new-seed", "-b", "2"):
        on_aws.emulator.advance(LONGER_THAN_LETTERS_ARE_HELD)
        number += 1
    on_aws.work()

    check_bucket(on_aws, good=8)
    check_nothing_is_left(on_aws)
    (progress,) = on_aws.backend.ledger.progress()
    assert progress.tasks == {TaskState.DONE: 4, TaskState.SUPERSEDED: 2}
