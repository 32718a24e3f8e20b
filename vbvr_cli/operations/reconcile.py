"""Compares a run's plan, ledger, manifests and store; mends the ledger from the manifests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from vbvr_cli.backends.ports import Backend, SampleStore
from vbvr_cli.errors import ServiceError
from vbvr_cli.manifest import (
    QUESTIONS,
    ManifestLine,
    manifest_folder,
    manifest_key,
    outcome_of,
    parse_manifest,
)
from vbvr_cli.models import Run, Task, TaskRecord, TaskState
from vbvr_cli.planning import tasks_of

MANIFEST_NAME = re.compile(r"(\d{8})-(\d{8})\.jsonl")


class GapKind(StrEnum):
    """Ways in which a run can be other than complete."""

    NOT_SENT = "not sent"
    UNDER_WAY = "under way"
    DEAD = "dead"
    NO_MANIFEST = "done, but without a manifest"
    NOT_DONE = "has a manifest, but is not done in the ledger"
    DAMAGED_MANIFEST = "damaged manifest"
    MISSING_OBJECT = "missing object"
    WRONG_SIZE = "object of the wrong size"
    STRAY_MANIFEST = "manifest outside of the plan"


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is not as it should be: what, where (an index range or a key), and more if known."""

    kind: GapKind
    where: str
    detail: str = ""
    task: Task | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run looked at from all sides. `samples_present` are named by a manifest, their objects there."""

    run: Run
    samples_present: int
    gaps: tuple[Gap, ...]

    @property
    def complete(self) -> bool:
        """Whether every sample asked for is there."""
        return not self.gaps and self.samples_present == self.run.num_samples


def compare(backend: Backend, run: Run) -> Comparison:
    """Look at a run from all sides. Reads every manifest, and lists the objects once."""
    store = backend.store(run.key.bucket)
    objects = _sizes(store, run)
    present = 0
    gaps: list[Gap] = []
    manifests = manifest_names(store, run)
    for record in effective_tasks(backend, run):
        task = record.task
        name = f"{task.range_name}.jsonl"
        if name not in manifests:
            gaps.append(_gap_without_manifest(record))
            continue
        manifests.discard(name)
        try:
            lines = parse_manifest(manifest_key(task), store.get(manifest_key(task)))
        except (KeyError, ServiceError) as error:
            gaps.append(Gap(GapKind.DAMAGED_MANIFEST, manifest_key(task), str(error), task))
            continue
        if len(lines) != task.num_samples:
            named = f"names {len(lines)} of {task.num_samples} samples"
            gaps.append(Gap(GapKind.DAMAGED_MANIFEST, manifest_key(task), named, task))
            continue
        flaws = list(_object_gaps(lines, objects, task))
        gaps.extend(flaws)
        if record.state is not TaskState.DONE:
            gaps.append(Gap(GapKind.NOT_DONE, task.range_name, record.state, task))
        present += 0 if flaws else len(lines)
    folder = manifest_folder(run.spec.generator, run.key.run_id)
    gaps.extend(Gap(GapKind.STRAY_MANIFEST, folder + name) for name in sorted(manifests))
    return Comparison(run, present, tuple(gaps))


def repair(backend: Backend, comparison: Comparison) -> int:
    """Make the ledger say what the manifests say; how many tasks changed.

    A task whose manifest or objects are damaged or gone is set to be made again: submit the run again.
    """
    store = backend.store(comparison.run.key.bucket)
    changed: set[Task] = set()
    for gap in comparison.gaps:
        if gap.task is None or gap.task in changed:
            continue
        if gap.kind in (GapKind.DAMAGED_MANIFEST, GapKind.MISSING_OBJECT, GapKind.WRONG_SIZE):
            store.delete([manifest_key(gap.task)])
            backend.ledger.reopen(gap.task.run, [gap.task])
        elif gap.kind is GapKind.NO_MANIFEST:
            backend.ledger.reopen(gap.task.run, [gap.task])
        elif gap.kind is GapKind.NOT_DONE:
            lines = parse_manifest(manifest_key(gap.task), store.get(manifest_key(gap.task)))
            backend.ledger.settle(gap.task, outcome_of(lines))
        else:
            continue
        changed.add(gap.task)
    return len(changed)


def reopen_unmanifested(backend: Backend, run: Run) -> int:
    """Set tasks that the ledger calls done, but whose manifest is gone, to be made again; how many."""
    names = manifest_names(backend.store(run.key.bucket), run)
    lost = [
        record.task
        for record in backend.ledger.tasks(run.key, [TaskState.DONE])
        if f"{record.task.range_name}.jsonl" not in names
    ]
    backend.ledger.reopen(run.key, lost)
    return len(lost)


def effective_tasks(backend: Backend, run: Run) -> Iterator[TaskRecord]:
    """The tasks that cover a run's range: those of the plan, superseded ones replaced by their children."""
    known = {record.task: record for record in backend.ledger.tasks(run.key)}

    def expand(task: Task) -> Iterator[TaskRecord]:
        record = known.get(task) or TaskRecord(task, TaskState.PLANNED)
        if record.state is TaskState.SUPERSEDED:
            for child in record.children:
                yield from expand(child)
        else:
            yield record

    for task in tasks_of(run):
        yield from expand(task)


def manifest_names(store: SampleStore, run: Run) -> set[str]:
    """The names of a run's manifests, without their folder."""
    folder = manifest_folder(run.spec.generator, run.key.run_id)
    return {
        entry.key.removeprefix(folder)
        for entry in store.list_objects(folder)
        if MANIFEST_NAME.fullmatch(entry.key.removeprefix(folder))
    }


def _sizes(store: SampleStore, run: Run) -> Callable[[str], int | None]:
    generator = run.spec.generator
    prefix = f"{QUESTIONS}{generator}" + ("_" if run.spec.output_format == "tar" else "/")
    sizes = {entry.key: entry.size for entry in store.list_objects(prefix)}
    return sizes.get


def _object_gaps(
    lines: list[ManifestLine], size_of: Callable[[str], int | None], task: Task
) -> Iterator[Gap]:
    expected: dict[str, int] = {}
    for line in lines:
        if line.archive:
            expected[line.archive.key] = line.archive.size
        else:
            expected.update(zip(line.object_keys(), (file.size for file in line.files), strict=True))
    for key, size in expected.items():
        found = size_of(key)
        if found is None:
            yield Gap(GapKind.MISSING_OBJECT, key, "", task)
        elif found != size:
            yield Gap(GapKind.WRONG_SIZE, key, f"{found} bytes, not {size}", task)


def _gap_without_manifest(record: TaskRecord) -> Gap:
    where, task = record.task.range_name, record.task
    if record.state is TaskState.DONE:
        return Gap(GapKind.NO_MANIFEST, where, "", task)
    if record.state is TaskState.DEAD:
        return Gap(GapKind.DEAD, where, str(record.reason or ""), task)
    if record.state is TaskState.PLANNED:
        return Gap(GapKind.NOT_SENT, where, "", task)
    return Gap(GapKind.UNDER_WAY, where, record.state, task)
