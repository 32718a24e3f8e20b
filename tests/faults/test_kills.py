"""Workers are killed with SIGKILL, or held up until others took their work; nothing is lost or made twice."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import PATIENCE_SECONDS, Place, check_dataset, processes_below, tree

from vbvr_cli.backends.ports import Depth
from vbvr_cli.models import TaskState

DOOMED = Path(__file__).with_name("doomed.py")
LEASE_SECONDS = 3.0
SEED = 20
POINTS = [
    ("after:dedup.register", 1),
    ("before:ledger.record_rounds", 1),
    ("after:ledger.record_rounds", 1),
    ("after:queue.lease", 1),
    ("after:ledger.claim", 3),
    ("before:store.upload", 1),
    ("after:store.upload", 1),
    ("after:store.upload", 3),
    ("after:store.upload", 7),
    ("before:store.put_if_absent", 2),
    ("after:store.put_if_absent", 1),
    ("after:store.put_if_absent", 2),
    ("before:ledger.complete", 1),
    ("after:ledger.complete", 2),
    ("before:queue.acknowledge", 1),
    ("after:queue.acknowledge", 1),
]


class Crew:
    """Workers of one place, each a process."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.all: list[subprocess.Popen[str]] = []

    def start(
        self,
        point: str = "never",
        count: int = 1,
        number: signal.Signals = signal.SIGKILL,
        lease: float = LEASE_SECONDS,
    ) -> subprocess.Popen[str]:
        where = (self._place.home, self._place.catalog_file, self._place.generators)
        command = [sys.executable, DOOMED, *where, number.name, point, count, lease]
        worker = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True)
        self.all.append(worker)
        return worker

    def let_work(self, worker: subprocess.Popen[str], seconds: float) -> None:
        """Let a worker begin, and then a while."""
        assert worker.stdout
        worker.stdout.readline()
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(timeout=seconds)

    def finish(self, worker: subprocess.Popen[str]) -> None:
        assert worker.wait(timeout=PATIENCE_SECONDS) == 0

    def kill(self, worker: subprocess.Popen[str]) -> bool:
        """Whether it was still alive."""
        worker.kill()
        return worker.wait(timeout=PATIENCE_SECONDS) == -signal.SIGKILL


@pytest.fixture
def crew(place: Place) -> Iterator[Crew]:
    crew = Crew(place)
    yield crew
    for worker in crew.all:
        worker.kill()
        worker.communicate()


def check_nothing_is_left(place: Place) -> None:
    place.backend.close()
    assert place.backend.queue.depth() == Depth(waiting=0, in_flight=0, delayed=0, dead=0)
    assert not list(place.scratch.iterdir())
    assert not (place.dest / ".tmp").exists()
    assert processes_below(place.scratch) == []


def check_ledger(place: Place, name: str, samples: int, tasks: int) -> None:
    (progress,) = place.backend.ledger.progress([place.run(name).key])
    lines = place.lines(name)
    assert (progress.samples_planned, progress.samples_done, progress.samples_dead) == (samples, samples, 0)
    assert progress.num_bytes == sum(line.num_bytes for line in lines)
    assert progress.tasks == {TaskState.DONE: tasks}


@pytest.mark.skipif(sys.platform != "linux", reason="counts processes by /proc")
def test_after_thirty_kills_every_sample_of_two_hundred_tasks_exists_once(place: Place, crew: Crew) -> None:
    asked = {
        "one_in_twenty_is_broken": {"samples": 400, "batch_size": 20, "dedup": True},
        "good": {"samples": 280, "batch_size": 2},
        "several_tasks": {"samples": 120, "batch_size": 3, "output_format": "tar"},
    }
    for name, request in asked.items():
        place.submit(name, **request)
    assert sum(len(place.tasks(name)) for name in asked) == 200
    twice = [task.to_message().to_json() for name in asked for task in place.tasks(name)[::10]]
    place.backend.queue.send(twice)  # each delivered twice, some while the other delivery is alive

    kills = 0
    for one, other in zip(POINTS[::2], POINTS[1::2], strict=True):
        pair = [crew.start(*one), crew.start(*other)]
        kills += sum(worker.wait(timeout=PATIENCE_SECONDS) == -signal.SIGKILL for worker in pair)
    assert kills == len(POINTS)
    chance = random.Random(SEED)
    for _ in range(8):
        for victim in [crew.start(), crew.start()]:
            crew.let_work(victim, chance.uniform(0.0, 0.4))
            kills += crew.kill(victim)
    assert kills >= 30
    assert place.reasons() == []
    assert place.backend.queue.depth().waiting > 20
    for last in [crew.start(), crew.start()]:
        crew.finish(last)

    assert place.reasons() == []
    for name, request in asked.items():
        if request.get("output_format") != "tar":
            check_dataset(place, name, request["samples"])
        check_ledger(place, name, request["samples"], request["samples"] // request["batch_size"])
    check_nothing_is_left(place)


@pytest.mark.skipif(sys.platform != "linux", reason="counts processes by /proc")
def test_a_worker_that_wakes_up_after_others_did_its_task_changes_nothing(place: Place, crew: Crew) -> None:
    points = [
        "after:ledger.claim",
        "after:store.upload",
        "before:ledger.record_rounds",
        "before:store.put_if_absent",
        "before:ledger.complete",
        "before:queue.acknowledge",
    ]
    place.submit("one_in_twenty_is_broken", samples=160, batch_size=20, dedup=True)
    asleep = [crew.start(point, number=signal.SIGSTOP, lease=0.3) for point in points]
    for worker in asleep:
        os.waitid(os.P_PID, worker.pid, os.WSTOPPED | os.WNOWAIT)
    crew.finish(crew.start(lease=30.0))
    check_dataset(place, "one_in_twenty_is_broken", 160)
    before = tree(place.dest)
    for worker in asleep:
        worker.send_signal(signal.SIGCONT)
    for worker in asleep:
        crew.finish(worker)
    assert {name: data for name, data in tree(place.dest).items() if name in before} == before
    check_dataset(place, "one_in_twenty_is_broken", 160)
    check_ledger(place, "one_in_twenty_is_broken", 160, 8)
    check_nothing_is_left(place)
    assert len({line.param_hash for line in place.lines("one_in_twenty_is_broken")}) == 160
