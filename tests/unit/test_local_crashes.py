"""What is left when a process of the local target is killed: everything that was finished, and no waiting."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vbvr_cli.backends.local import LocalBackend
from vbvr_cli.backends.ports import Depth
from vbvr_cli.models import (
    Claim,
    FailureCode,
    Provenance,
    Reason,
    Refusal,
    RunKey,
    RunSpec,
    Task,
    TaskState,
    Verdict,
)

HOUR = 3600.0
SPEC = RunSpec(generator="G-1_maze", provenance=Provenance(commit="0123abc"), environment="e0")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def backend(home: Path) -> Iterator[LocalBackend]:
    local = LocalBackend(home)
    yield local
    local.close()


@contextmanager
def process(script: str, home: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has run the script on the state, and now stands still until it is killed."""
    code = f"""
import sys, threading, time
from pathlib import Path
from vbvr_cli.backends.local import LocalBackend
from vbvr_cli.models import *
backend = LocalBackend(Path(sys.argv[1]))
def ready():
    print("ready", flush=True)
{script}
ready()
time.sleep(600)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(home)], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        try:
            yield running
        finally:
            running.kill()


def kill(running: subprocess.Popen[str]) -> None:
    running.kill()
    running.wait()


def task_of(bucket: str) -> Task:
    return Task(RunKey(bucket, SPEC.run_id), SPEC.generator, 0, 10, 123)


def test_messages_of_a_killed_process_can_be_leased_at_once(home: Path, backend: LocalBackend) -> None:
    backend.queue.send([str(n) for n in range(10)])
    with process(f"backend.queue.lease(4, {HOUR})", home) as worker:
        assert len(backend.queue.lease(10, HOUR)) == 6
        assert backend.queue.depth() == Depth(waiting=0, in_flight=10, delayed=0, dead=0)

        kill(worker)

        assert backend.queue.depth() == Depth(waiting=4, in_flight=6, delayed=0, dead=0)
        assert [message.receive_count for message in backend.queue.lease(10, HOUR)] == [2] * 4


def test_what_was_sent_before_a_kill_is_all_there(home: Path, backend: LocalBackend) -> None:
    with process("backend.queue.send([str(n) for n in range(12_345)])", home) as sender:
        kill(sender)

    assert backend.queue.depth().waiting == 12_345


def test_a_process_killed_while_it_sends_leaves_whole_messages(home: Path, backend: LocalBackend) -> None:
    script = """
def send():
    while True:
        backend.queue.send(["x" * 1000] * 500)
threading.Thread(target=send, daemon=True).start()
while backend.queue.depth().waiting < 2000:
    time.sleep(0.001)
"""
    with process(script, home) as sender:
        kill(sender)

    waiting = backend.queue.depth().waiting
    assert waiting >= 2000
    assert waiting % 500 == 0
    assert {message.body for message in backend.queue.lease(waiting, HOUR)} == {"x" * 1000}


def test_a_stopped_process_keeps_its_messages(home: Path, backend: LocalBackend) -> None:
    backend.queue.send(["a"])
    with process(f"backend.queue.lease(1, {HOUR})", home) as worker:
        worker.send_signal(signal.SIGSTOP)

        assert backend.queue.lease(1, HOUR) == []


def test_dead_letters_of_a_killed_process_can_be_leased_at_once(home: Path, backend: LocalBackend) -> None:
    backend.queue.send(["a"])
    backend.queue.dead_letter(backend.queue.lease(1, HOUR)[0], Reason(FailureCode.OUT_OF_TIME, "slow"))
    with process(f"backend.queue.lease_dead(1, {HOUR})", home) as viewer:
        assert backend.queue.lease_dead(1, HOUR) == []

        kill(viewer)

        assert [letter.body for letter in backend.queue.lease_dead(1, HOUR)] == ["a"]


CLAIM_TASK = f"""
task = Task(RunKey(backend.default_bucket, "{SPEC.run_id}"), "{SPEC.generator}", 0, 10, 123)
claim = backend.ledger.claim(task, "worker-7", {HOUR})
backend.ledger.extend_claim(claim, {HOUR}, samples=6)
"""


def test_the_claim_of_a_killed_process_lapses_at_once(home: Path, backend: LocalBackend) -> None:
    task = task_of(backend.default_bucket)
    with process(CLAIM_TASK, home) as worker:
        refusal = backend.ledger.claim(task, "worker-8", HOUR)
        assert isinstance(refusal, Refusal)
        assert refusal.verdict is Verdict.HELD

        kill(worker)

        record = backend.ledger.get_task(task)
        assert record is not None
        assert record.claimed_until is not None
        assert refusal.until is not None
        assert record.claimed_until < refusal.until - HOUR / 2

        claim = backend.ledger.claim(task, "worker-8", HOUR)
        assert isinstance(claim, Claim)
        assert claim.attempt == 2


def test_a_task_whose_every_worker_is_killed_is_dead_and_says_so(home: Path, backend: LocalBackend) -> None:
    task = task_of(backend.default_bucket)
    backend.ledger.create_run(task.run, SPEC, 10)
    for _ in range(3):
        with process(CLAIM_TASK, home) as worker:
            kill(worker)

    refusal = backend.ledger.claim(task, "worker-8", HOUR)

    assert isinstance(refusal, Refusal)
    assert refusal.reason is not None
    assert refusal.reason.code is FailureCode.WORKER_DIED
    assert "worker-7" in refusal.reason.detail
    (progress,) = backend.ledger.progress()
    assert (progress.samples_dead, progress.samples_making) == (10, 0)
    assert progress.tasks == {TaskState.DEAD: 1}


def test_a_process_killed_while_it_works_leaves_counters_that_are_right(
    home: Path, backend: LocalBackend
) -> None:
    script = """
spec = RunSpec(generator="G-1_maze", provenance=Provenance(commit="c"), environment="e", batch_size=10)
key = RunKey(backend.default_bucket, spec.run_id)
backend.ledger.create_run(key, spec, 1_000_000)
def work():
    for n in range(100_000):
        claim = backend.ledger.claim(Task(key, spec.generator, n * 10, 10, n), "w", 600)
        backend.ledger.extend_claim(claim, 600, 5)
        backend.ledger.complete(claim, Outcome(10, 100, 1.0))
threading.Thread(target=work, daemon=True).start()
while not (progress := backend.ledger.progress()) or progress[0].samples_done < 500:
    time.sleep(0.001)
"""
    with process(script, home) as worker:
        kill(worker)

    (progress,) = backend.ledger.progress()
    states = [record.state for record in backend.ledger.tasks(progress.run)]
    assert progress.samples_done == 10 * states.count(TaskState.DONE)
    assert progress.tasks == {state: states.count(state) for state in set(states) - {TaskState.PLANNED}}


def test_a_process_killed_while_it_writes_leaves_no_half_object(home: Path, backend: LocalBackend) -> None:
    script = """
store = backend.store(backend.default_bucket)
def write():
    n = 0
    while True:
        store.put(f"a/{n}", b"x" * 3_000_000)
        n += 1
threading.Thread(target=write, daemon=True).start()
while len(list(store.list_objects(""))) < 3:
    time.sleep(0.001)
"""
    with process(script, home) as writer:
        kill(writer)

    store = backend.store(backend.default_bucket)
    sizes = {entry.size for entry in store.list_objects("")}
    assert sizes == {3_000_000}

    store.put("b", b"")
    backend.close()
    assert sorted(path.name for path in Path(backend.default_bucket).iterdir()) == ["a", "b"]


def test_unfinished_files_of_a_process_that_lives_are_left_alone(home: Path, backend: LocalBackend) -> None:
    script = """
from vbvr_cli.backends.local import processes
own = Path(backend.default_bucket) / ".tmp" / processes.identity()
own.mkdir(parents=True)
(own / "0").write_bytes(b"half")
"""
    own_files = Path(backend.default_bucket) / ".tmp"
    with process(script, home) as writer:
        backend.store(backend.default_bucket).put("a", b"")
        assert len(list(own_files.glob("*/0"))) == 1

        kill(writer)
        again = LocalBackend(home)
        again.store(again.default_bucket).put("b", b"")
        assert list(own_files.glob("*/0")) == []
