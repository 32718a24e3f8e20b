"""A snapshot of the monitor makes as many requests of AWS for many tasks as for few."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace

import pytest
from emulators.interference import fault
from emulators.place import Place, place

from vbvr_cli.backends.aws.backend import AwsBackend
from vbvr_cli.models import Claim, Outcome, Provenance, RunKey, RunSpec, Task
from vbvr_cli.operations.background import EVERY_SECONDS
from vbvr_cli.operations.monitor import Monitor


def fill(at: Place, generators: int, tasks: int) -> None:
    """Runs of which all tasks are sent and some are done."""
    ledger = at.backend.ledger
    for number in range(generators):
        generator = f"G-{number}_any_data-generator"
        spec = RunSpec(generator=generator, provenance=Provenance(commit="c"), environment="e", batch_size=10)
        key = RunKey(at.backend.default_bucket, spec.run_id)
        ledger.create_run(key, spec, tasks * 10)
        all_tasks = [Task(key, generator, start, 10, start) for start in range(0, tasks * 10, 10)]
        ledger.confirm_sent(key, all_tasks)
        for task in all_tasks[:: max(1, tasks // 10)]:
            claim = ledger.claim(task, "worker", 60)
            assert isinstance(claim, Claim)
            ledger.complete(claim, Outcome(10, 1000, 1.0))


def requests_of_a_look(generators: int, tasks: int) -> Counter[str]:
    with place() as at:
        fill(at, generators, tasks)
        monitor = Monitor(at.backend)
        monitor.look()
        at.wire.reset()
        reading = monitor.look()
        assert reading.snapshot.total.planned == generators * tasks * 10
        assert reading.snapshot.total.done > 0
        return Counter(at.wire.requests)


def test_many_tasks_cost_no_more_requests_than_few() -> None:
    few, many = requests_of_a_look(7, 10), requests_of_a_look(7, 200)

    assert few == many
    assert 0 < few.total() < 20


def test_functions_are_asked_about_now_and_then_and_not_with_each_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with place() as at:
        asked = Counter[str]()
        monkeypatch.setattr(type(at.backend.fleet), "working", lambda _: asked.update(["working"]))
        monitor = Monitor(at.backend)
        for _ in range(5):
            monitor.look()

        assert asked["working"] == 1
        assert EVERY_SECONDS >= 10


def test_a_cloudwatch_that_does_not_answer_changes_nothing_but_its_figure() -> None:
    with place() as at:
        fill(at, 1, 10)
        at.wire.on("GetFunctionConfiguration", lambda _: fault("AccessDeniedException", 403))
        at.wire.on("GetMetricStatistics", lambda _: fault("AccessDenied", 403))
        resources = replace(at.backend.resources, function="worker")
        with closing(AwsBackend(resources, at.watched, threads=2)) as backend:
            snapshot = Monitor(backend).look().snapshot

        assert at.wire.requests["GetMetricStatistics"] == 1
        assert (snapshot.functions, snapshot.max_functions) == (None, None)
        assert snapshot.cost
