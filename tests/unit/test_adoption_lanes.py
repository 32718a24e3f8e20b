"""Runs that only a bucket knows are taken up, several generators and tasks at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from emulators.place import Place, place
from emulators.stack import make_stack

from vbvr_cli.backends.aws.backend import AwsBackend
from vbvr_cli.errors import ServiceError
from vbvr_cli.manifest import ManifestLine, manifest_key, render_manifest, run_record_key
from vbvr_cli.models import Provenance, Run, RunKey, RunSpec, Task, TaskState
from vbvr_cli.operations.adoption import adopt_runs
from vbvr_cli.planning import tasks_of
from vbvr_cli.worker.publish import describe_run

NAMES = [f"g{number}" for number in range(6)]
DONE = 5
"""Of ten tasks of each run."""


@pytest.fixture
def at() -> Iterator[Place]:
    with place() as one:
        yield one


@pytest.fixture
def forgetful(at: Place) -> Iterator[AwsBackend]:
    """The same bucket beside a ledger that knows nothing."""
    resources = replace(make_stack(at.aws, extra_buckets=0), bucket=at.backend.default_bucket)
    with closing(AwsBackend(resources, at.watched, threads=4, fast=False)) as backend:
        yield backend


def line(task: Task, index: int) -> ManifestLine:
    return ManifestLine(
        task_id=f"t_{index:08d}",
        generator=task.generator,
        index=index,
        folder=f"{task.generator}/t_task/t_{index:08d}",
        files=(),
        seed=task.seed,
        num_samples=task.num_samples,
        position=index - task.start_index,
        round=0,
        param_hash=f"{index:016x}",
    )


def described(at: Place, name: str) -> Run:
    """A run of ten tasks, the first five of which are made."""
    spec = RunSpec(generator=name, provenance=Provenance(commit="c"), environment="e", batch_size=2)
    run = Run(RunKey(at.backend.default_bucket, spec.run_id), spec, ((0, 20),))
    store = at.backend.store(run.key.bucket)
    describe_run(store, run)
    for task in list(tasks_of(run))[:DONE]:
        lines = [line(task, index) for index in range(task.start_index, task.end_index)]
        store.put(manifest_key(task), render_manifest(lines))
    return run


def test_every_run_is_taken_up_with_what_is_made_of_it(at: Place, forgetful: AwsBackend) -> None:
    runs = [described(at, name) for name in NAMES]

    adopted = adopt_runs(forgetful, at.backend.default_bucket, reversed(NAMES))

    assert adopted == runs
    assert forgetful.ledger.list_runs() == runs
    for run in runs:
        states = forgetful.ledger.states(run.key, list(tasks_of(run)))
        assert states == [TaskState.DONE] * DONE + [TaskState.PLANNED] * (10 - DONE)
    assert [one.samples_done for one in forgetful.ledger.progress()] == [2 * DONE] * len(NAMES)
    assert adopt_runs(forgetful, at.backend.default_bucket, NAMES) == []


def test_a_damaged_description_is_named_and_the_same_again_takes_up_the_rest(
    at: Place, forgetful: AwsBackend
) -> None:
    runs = [described(at, name) for name in NAMES]
    store = at.backend.store(at.backend.default_bucket)
    store.put(run_record_key(runs[3]), b"{}")

    with pytest.raises(ServiceError, match=r"run record .* is damaged"):
        adopt_runs(forgetful, at.backend.default_bucket, NAMES)
    store.delete([run_record_key(runs[3])])
    describe_run(store, runs[3])
    adopt_runs(forgetful, at.backend.default_bucket, NAMES)

    assert forgetful.ledger.list_runs() == runs
    assert [one.samples_done for one in forgetful.ledger.progress()] == [2 * DONE] * len(NAMES)
