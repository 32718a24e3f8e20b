"""Samples, manifest, ledger, acknowledgement: in this order; what a second delivery finds done is done."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from places import FAST, Place, check_dataset, tree, wait_until

from vbvr_cli.backends.ports import Depth
from vbvr_cli.errors import DiskFullError, ServiceError
from vbvr_cli.models import Claim, FailureCode, Outcome, Task, TaskState
from vbvr_cli.worker.endings import Ending
from vbvr_cli.worker.pace import Pace
from vbvr_cli.worker.worker import Worker
from vbvr_cli.worker.workspace import Workspace

EMPTY = Depth(waiting=0, in_flight=0, delayed=0, dead=0)


class Witness:
    """A back end that writes down each call that changes something, or does what the test wants instead."""

    def __init__(self, part: Any, calls: list[str], name: str = "", **instead: Callable[..., Any]) -> None:
        self._part, self._calls, self._name, self._instead = part, calls, name, instead

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        path = f"{self._name}.{name}".removeprefix(".")
        if name in ("queue", "ledger", "dedup"):
            return Witness(found, self._calls, path, **self._instead)
        if name == "store":
            return lambda bucket: Witness(found(bucket), self._calls, path, **self._instead)
        if not callable(found):
            return found

        def call(*arguments: Any, **options: Any) -> Any:
            self._calls.append(path)
            instead = self._instead.get(path.replace(".", "_"))
            return instead(found, *arguments, **options) if instead else found(*arguments, **options)

        return call


def once(action: Callable[[], Any]) -> Callable[..., Any]:
    """Do this before the first of the calls."""
    left = [action]

    def call(found: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        if left:
            left.pop()()
        return found(*arguments, **options)

    return call


def send_again(place: Place, name: str) -> None:
    place.backend.queue.send([task.to_message().to_json() for task in place.tasks(name)])


def fail_with(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize("output_format", ["files", "tar"])
def test_samples_come_before_the_manifest_the_ledger_and_the_acknowledgement(
    output_format: str, place: Place
) -> None:
    calls: list[str] = []
    place.submit("good", samples=3, output_format=output_format)
    place.work(backend=Witness(place.backend, calls))
    changes = [call for call in calls if call.split(".")[-1] in ORDER]
    assert list(dict.fromkeys(changes)) == [
        "queue.lease",
        "ledger.claim",
        "store.upload",
        "store.put_if_absent",
        "ledger.complete",
        "queue.acknowledge",
    ]
    assert changes[-4:].count("store.upload") == 0 or output_format == "tar"
    assert changes.index("store.put_if_absent") == len(changes) - 3 - 1


ORDER = ("lease", "claim", "upload", "put_if_absent", "complete", "acknowledge")


def test_a_delivery_that_finds_its_manifest_only_completes(place: Place) -> None:
    place.make("good", 4)
    before = tree(place.dest)
    place.backend.ledger.reopen(place.run("good").key, place.tasks("good"))
    send_again(place, "good")
    calls: list[str] = []
    place.work(backend=Witness(place.backend, calls))
    assert "store.upload" not in calls
    assert tree(place.dest) == before
    record = place.record("good")
    assert record.state is TaskState.DONE
    assert record.outcome is not None
    assert record.outcome.num_samples == 4
    assert place.backend.queue.depth() == EMPTY


def test_a_message_of_a_finished_task_is_acknowledged_unrun(place: Place) -> None:
    place.make("good", 4, batch_size=2)
    send_again(place, "good")
    send_again(place, "good")
    calls: list[str] = []
    place.work(backend=Witness(place.backend, calls))
    assert "store.upload" not in calls
    assert place.backend.queue.depth() == EMPTY
    assert [record.attempts for record in place.records("good")] == [1, 1]


def test_who_loses_the_race_for_the_manifest_takes_over_the_winners(place: Place, make_place) -> None:
    winner = make_place("winner")
    winner.bucket, winner.dest = place.bucket, place.dest
    place.submit("good", samples=3)

    def win() -> None:
        winner.make("good", 3)

    manifest = place.manifest(place.tasks("good")[0])
    place.work(backend=Witness(place.backend, [], store_put_if_absent=once(win)))
    check_dataset(place, "good", 3)
    assert manifest.exists()
    assert place.record("good").state is TaskState.DONE


def test_a_task_that_three_deaths_met_behind_its_manifest_is_done_all_the_same(place: Place) -> None:
    place.submit("good", samples=2)
    (task,) = place.tasks("good")
    place.work()
    place.backend.ledger.reopen(task.run, [task])
    for _ in range(3):
        claim = place.backend.ledger.claim(task, "short-lived", lease_seconds=-1.0)
        assert isinstance(claim, Claim)
    send_again(place, "good")
    place.work()
    assert place.record("good").state is TaskState.DONE
    assert place.reasons() == []
    assert place.backend.queue.depth() == EMPTY


def test_a_task_without_a_manifest_is_dead_after_three_deaths(place: Place) -> None:
    place.submit("good", samples=2)
    (task,) = place.tasks("good")
    for _ in range(3):
        place.backend.ledger.claim(task, "short-lived", lease_seconds=-1.0)
    place.work()
    assert [code for code, _ in place.reasons()] == [FailureCode.WORKER_DIED]
    assert place.record("good").state is TaskState.DEAD


def test_a_task_that_another_holds_is_left_to_it_and_no_attempt_is_counted(place: Place) -> None:
    place.submit("good", samples=2)
    (task,) = place.tasks("good")
    claim = place.backend.ledger.claim(task, "other", lease_seconds=30.0)
    assert isinstance(claim, Claim)
    stop = threading.Event()
    calls: list[str] = []
    worker = threading.Thread(
        target=lambda: place.work(backend=Witness(place.backend, calls), stop=stop), daemon=True
    )
    worker.start()
    wait_until(lambda: "queue.give_back" in calls, "the message to be given back")
    stop.set()
    worker.join()
    record = place.record("good")
    assert (record.attempts, record.worker, record.state) == (1, "other", TaskState.CLAIMED)
    assert place.backend.queue.depth() == Depth(waiting=0, in_flight=0, delayed=1, dead=0)


def test_who_lost_the_claim_while_making_changes_neither_ledger_nor_manifest(place: Place) -> None:
    place.submit("good", samples=2)
    (task,) = place.tasks("good")

    def let_another_finish() -> None:
        place.backend.ledger.settle(task, Outcome(2, 1, 1.0))

    calls: list[str] = []
    place.work(backend=Witness(place.backend, calls, ledger_complete=once(let_another_finish)))
    record = place.record("good")
    assert record.outcome == Outcome(2, 1, 1.0)
    check_dataset(place, "good", 2)


def test_a_store_that_fails_for_a_while_costs_attempts_and_nothing_else(place: Place) -> None:
    place.submit("good", samples=2)
    failing = once(fail_with(ServiceError("the store is away")))
    place.work(backend=Witness(place.backend, [], store_upload=failing))
    assert place.record("good").attempts == 2
    check_dataset(place, "good", 2)


def test_a_store_that_stays_away_is_the_reason_after_three_attempts(place: Place) -> None:
    place.submit("good", samples=2)

    def away(*_: Any) -> None:
        raise ServiceError("the store is away")

    place.work(backend=Witness(place.backend, [], store_upload=away))
    assert place.reasons() == [(FailureCode.STORE_FAILED, "the store is away")]
    assert place.record("good").attempts == 3


def test_a_bug_of_ours_is_a_reason_too_and_the_worker_goes_on(place: Place) -> None:
    place.submit("good", samples=2)
    place.submit("several_tasks", samples=3)

    def broken(found: Callable[..., Any], key: str, source: Any) -> None:
        if "/good/" in key:
            raise ZeroDivisionError("a bug")
        found(key, source)

    place.work(backend=Witness(place.backend, [], store_upload=broken))
    assert place.reasons() == [(FailureCode.INTERNAL_ERROR, "ZeroDivisionError('a bug')")]
    check_dataset(place, "several_tasks", 3)


def test_a_full_disk_stops_the_worker_and_no_attempt_is_counted(place: Place) -> None:
    place.submit("good", samples=2)
    full = once(fail_with(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(DiskFullError) as caught:
        place.work(backend=Witness(place.backend, [], store_upload=full))
    assert caught.value.hint
    assert (place.record("good").state, place.record("good").attempts) == (TaskState.SENT, 0)
    assert place.backend.queue.depth() == Depth(waiting=1, in_flight=0, delayed=0, dead=0)
    place.work()
    check_dataset(place, "good", 2)


def test_an_attempt_waits_longer_after_each_failure(place: Place) -> None:
    delays: list[float] = []

    def note_delay(found: Callable[..., Any], message: Any, delay_seconds: float = 0.0) -> None:
        delays.append(delay_seconds)
        found(message, 0.0)

    place.submit("kills_itself", samples=1)
    pace = Pace(lease=30.0, heartbeat=0.1, idle=0.01, backoff=2.0)
    place.work(backend=Witness(place.backend, [], queue_give_back=note_delay), pace=pace)
    assert delays == [2.0, 8.0]


def test_a_worker_that_is_told_to_stop_gives_its_message_back_and_no_attempt_is_counted(place: Place) -> None:
    gate = place.root / "gate"
    gate.mkdir()
    place.tuned = {"options": ("--gate", str(gate))}
    place.add("waits_for_a_signal")
    place.catalog_file.write_text(
        "version: 1\ngenerators:\n  - name: waits_for_a_signal\n"
        f"    source: {{path: {place.generators / 'waits_for_a_signal'}}}\n"
        f"    options: [--gate, {gate}]\n"
    )
    place.submit("waits_for_a_signal", samples=2)
    stop = threading.Event()
    worker = threading.Thread(target=lambda: place.work(stop=stop), daemon=True)
    worker.start()
    wait_until(lambda: list(gate.iterdir()), "the generator to begin")
    assert place.record("waits_for_a_signal").state is TaskState.CLAIMED
    stop.set()
    worker.join()
    record = place.record("waits_for_a_signal")
    assert (record.state, record.attempts) == (TaskState.SENT, 0)
    assert place.backend.queue.depth() == Depth(waiting=1, in_flight=0, delayed=0, dead=0)
    assert list(place.scratch.iterdir()) == []

    (gate / "go").touch()
    place.work()
    check_dataset(place, "waits_for_a_signal", 2)
    assert place.record("waits_for_a_signal").attempts == 1


def test_a_worker_whose_claim_is_taken_stops_making(place: Place) -> None:
    gate = place.root / "gate"
    gate.mkdir()
    place.add("waits_for_a_signal")
    place.catalog_file.write_text(
        "version: 1\ngenerators:\n  - name: waits_for_a_signal\n"
        f"    source: {{path: {place.generators / 'waits_for_a_signal'}}}\n"
        f"    options: [--gate, {gate}]\n"
    )
    place.submit("waits_for_a_signal", samples=2)
    worker = threading.Thread(target=lambda: place.work(pace=FAST), daemon=True)
    worker.start()
    wait_until(lambda: list(gate.iterdir()), "the generator to begin")
    task: Task = place.tasks("waits_for_a_signal")[0]
    place.backend.ledger.settle(task, Outcome(2, 1, 1.0))
    worker.join()
    assert place.record("waits_for_a_signal").outcome == Outcome(2, 1, 1.0)
    assert not (place.dest / "questions").exists()
    assert place.backend.queue.depth() == EMPTY


def test_a_cancelled_runs_tasks_are_acknowledged_unrun_until_it_is_asked_for_again(
    place: Place,
) -> None:
    place.submit("good", samples=4, batch_size=2)
    place.backend.ledger.cancel_run(place.run("good").key)
    place.work()
    assert place.backend.queue.depth() == EMPTY
    assert not (place.dest / "questions").exists()
    place.make("good", 4, batch_size=2)
    check_dataset(place, "good", 4)


def test_a_worker_whose_end_comes_while_it_uploads_says_so_and_publishes_nothing(place: Place) -> None:
    place.submit("good", samples=4)
    place.work(pace=replace(FAST, deadline=time.monotonic() + 1.5))
    record = place.record("good")
    assert record.reason
    assert record.reason.code is FailureCode.OUT_OF_TIME
    expected = "all 4 samples were made, but not uploaded in time; redrive with --batch-size 2"
    assert record.reason.detail == expected
    assert place.lines("good") == []


def test_a_full_disk_is_the_failure_of_a_task_whose_worker_may_not_stop(place: Place) -> None:
    place.submit("good", samples=2)
    full = once(fail_with(OSError(errno.ENOSPC, "No space left on device")))
    backend = Witness(place.backend, [], store_upload=full)
    with Workspace(place.scratch) as workspace:
        worker = Worker(backend, place.find, workspace, name="function", pace=FAST, may_stop=False)
        (message,) = backend.queue.lease(1, 30)
        handled = worker.handle(message)
    assert handled.ending is Ending.WAITING
    assert handled.reason
    assert handled.reason.code is FailureCode.STORE_FAILED
    assert "Redrive with a smaller --batch-size" in handled.reason.detail
    place.work()
    check_dataset(place, "good", 2)
