"""Takes up runs that a bucket describes and the ledger does not know, or not whole."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from pydantic import ValidationError

from vbvr_cli.backends.ports import Backend, SampleStore
from vbvr_cli.errors import InvalidRequestError, RangeTakenError, ServiceError
from vbvr_cli.lanes import in_lanes
from vbvr_cli.manifest import (
    MANIFESTS,
    RUN_RECORD,
    RunRecord,
    manifest_folder,
    manifest_key,
    outcome_of,
    parse_manifest,
)
from vbvr_cli.models import Run, RunKey, Task
from vbvr_cli.operations.reconcile import MANIFEST_NAME, manifest_names
from vbvr_cli.planning import task_at, tasks_of
from vbvr_cli.seeds import redrive_seed


def adopt_runs(backend: Backend, bucket: str, generators: Iterable[str]) -> list[Run]:
    """Take up the runs of generators that a bucket describes further than the ledger does.

    Raises InvalidRequestError for one that another state folder and this one have extended differently.
    """
    store = backend.store(bucket)

    def look(generator: str) -> list[Run]:
        return [run for one in _described_runs(store, bucket, generator) if (run := _to_adopt(backend, one))]

    adopted = []
    for found in in_lanes(look, generators, backend.lanes):
        for run in found:
            backend.ledger.restore_run(run)
            _settle_manifested(backend, store, run)
            adopted.append(run)
    return sorted(adopted, key=lambda run: (run.spec.generator, run.start_index))


def _to_adopt(backend: Backend, described: Run) -> Run | None:
    """A described run as the ledger should have it; None where the ledger knows as much."""
    known = backend.ledger.get_run(described.key)
    if known and _begins_with(known.extents, described.extents):
        return None
    if known and not _begins_with(described.extents, known.extents):
        raise InvalidRequestError(
            f"Run {known.key.run_id} of {known.spec.generator} is described otherwise in {known.key.bucket}.",
            why="another state folder extended the same run at the same time",
            hint="Go on with that state folder (--home), or use another destination.",
        )
    return replace(known or described, extents=described.extents)


def require_alone(backend: Backend, run: Run) -> None:
    """Raise RangeTakenError if a run that the ledger does not know has a part of a run's range.

    Called once the run is described itself: of two state folders that begin at once, one at least sees it.
    """
    bucket, generator = run.key.bucket, run.spec.generator
    for other in _described_runs(backend.store(bucket), bucket, generator, unknown_to=backend):
        if other.start_index < run.end_index and run.start_index < other.end_index:
            asked, taken = (run.start_index, run.end_index), (other.start_index, other.end_index)
            raise RangeTakenError(generator, asked, other.key.run_id, taken)


def _described_runs(
    store: SampleStore, bucket: str, generator: str, *, unknown_to: Backend | None = None
) -> Iterator[Run]:
    for run_id in store.list_folders(f"{MANIFESTS}{generator}/"):
        key = RunKey(bucket, run_id)
        if unknown_to and unknown_to.ledger.get_run(key):
            continue
        if run := _described_run(store, key, generator):
            yield run


def _described_run(store: SampleStore, key: RunKey, generator: str) -> Run | None:
    name = f"{manifest_folder(generator, key.run_id)}{RUN_RECORD}"
    try:
        record = RunRecord.model_validate_json(store.get(name))
    except KeyError:
        return None
    except ValidationError as error:
        raise ServiceError(
            f"The run record {name} in {key.bucket} is damaged.",
            why=str(error.errors(include_url=False)[0]["msg"]),
            hint="Restore the file, or use another destination.",
        ) from error
    return Run(key, record.spec, record.extents)


def _begins_with(extents: Sequence[tuple[int, int]], first: Sequence[tuple[int, int]]) -> bool:
    return tuple(extents[: len(first)]) == tuple(first)


def _settle_manifested(backend: Backend, store: SampleStore, run: Run) -> None:
    """Record each task that has a manifest, and with dedup its puzzles.

    A planned task of which only parts have manifests was split by a redrive.
    """
    made = _manifested_tasks(store, run)
    starts = [task.start_index for task in made]
    for parent in tasks_of(run):
        parts = made[bisect_left(starts, parent.start_index) : bisect_left(starts, parent.end_index)]
        if parts and parts != [parent] and backend.ledger.get_task(parent) is None:
            backend.ledger.supersede(parent, list(_filled_up(parent, parts)))

    def settle(task: Task) -> None:
        lines = parse_manifest(manifest_key(task), store.get(manifest_key(task)))
        if task.dedup:
            hashes = [(line.index, line.param_hash) for line in lines]
            backend.dedup.register(run.key.bucket, task.generator, run.key.run_id, hashes)
        backend.ledger.settle(task, outcome_of(lines))

    for _ in in_lanes(settle, made, backend.lanes):
        pass


def _manifested_tasks(store: SampleStore, run: Run) -> list[Task]:
    tasks = []
    for name in sorted(manifest_names(store, run)):
        if match := MANIFEST_NAME.fullmatch(name):
            start, last = int(match[1]), int(match[2])
            tasks.append(task_at(run.key, run.spec, start, last - start + 1))
    return tasks


def _filled_up(parent: Task, parts: Sequence[Task]) -> Iterator[Task]:
    """The parts of a task that are made, and one for each gap between them."""
    end = parent.start_index
    for part in (*parts, None):
        start = part.start_index if part else parent.end_index
        if end < start:
            seed = redrive_seed(parent.seed, end)
            yield replace(parent, start_index=end, num_samples=start - end, seed=seed)
        if part:
            yield part
            end = part.end_index
