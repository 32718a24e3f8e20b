"""Uploads a task's samples, then commits them with the manifest. The order is law."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from vbvr_cli.backends.ports import SampleStore
from vbvr_cli.lanes import in_lanes
from vbvr_cli.manifest import (
    QUESTIONS,
    ManifestArchive,
    ManifestFile,
    ManifestLine,
    archive_key,
    manifest_key,
    parse_manifest,
    render_manifest,
    render_run_record,
    run_record_key,
)
from vbvr_cli.models import Run, Task
from vbvr_cli.worker.samples import Sample


def published(store: SampleStore, task: Task) -> list[ManifestLine] | None:
    """The task's manifest if somebody has committed it already."""
    key = manifest_key(task)
    try:
        return parse_manifest(key, store.get(key))
    except KeyError:
        return None


def describe_run(store: SampleStore, run: Run) -> None:
    """Put a run's description beside its manifests, unless it is there: who began may have been killed."""
    key, record = run_record_key(run), render_run_record(run)
    try:
        if store.get(key) == record:
            return
    except KeyError:
        pass
    store.put(key, record)


def publish(
    store: SampleStore,
    task: Task,
    samples: tuple[Sample, ...],
    scratch: Path,
    timestamp: str,
    *,
    on_upload: Callable[[], None] = lambda: None,
) -> list[ManifestLine]:
    """Upload all samples, several files at once, and put the manifest unless there is one; then return that.

    `timestamp` (ISO 8601) dates the members of a tar archive. `scratch` is an empty folder to build it in.
    `on_upload` is called after each file, and may raise.
    """
    if task.output_format == "tar":
        archive = _upload_archive(store, task, samples, scratch, timestamp)
    else:
        archive = None
        files = (
            (f"{QUESTIONS}{_folder(task, sample)}/{file.name}", sample.folder / file.name)
            for sample in samples
            for file in sample.files
        )
        with closing(in_lanes(lambda one: store.upload(*one), files, store.lanes)) as uploads:
            for _ in uploads:
                on_upload()
    lines = [_line(task, sample, archive) for sample in samples]
    if store.put_if_absent(manifest_key(task), render_manifest(lines)):
        return lines
    winner = published(store, task)
    return lines if winner is None else winner


def _line(task: Task, sample: Sample, archive: ManifestArchive | None) -> ManifestLine:
    return ManifestLine(
        task_id=sample.task_id,
        generator=task.generator,
        index=sample.index,
        folder=_folder(task, sample),
        files=tuple(ManifestFile(name=f.name, size=f.size, sha256=f.sha256) for f in sample.files),
        archive=archive,
        seed=sample.making.seed,
        num_samples=sample.making.num_samples,
        position=sample.position,
        round=sample.making.round,
        param_hash=sample.param_hash,
    )


def _folder(task: Task, sample: Sample) -> str:
    return f"{task.generator}/{sample.task_name}_task/{sample.task_id}"


def _upload_archive(
    store: SampleStore, task: Task, samples: tuple[Sample, ...], scratch: Path, timestamp: str
) -> ManifestArchive:
    file = scratch / "samples.tar.gz"
    _write_archive(file, task, samples, int(datetime.fromisoformat(timestamp).timestamp()))
    key = archive_key(task)
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    store.upload(key, file)
    return ManifestArchive(key=key, size=file.stat().st_size, sha256=digest)


def _write_archive(file: Path, task: Task, samples: tuple[Sample, ...], modified: int) -> None:
    # Images and videos are compressed already. Level 0 stores them as they are: fast, and the same bytes
    # whichever compression library Python was built with.
    with (
        file.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=0, mtime=0, filename="") as stored,
        tarfile.open(fileobj=stored, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for sample in samples:
            for entry in sample.files:
                member = tarfile.TarInfo(f"{_folder(task, sample)}/{entry.name}")
                member.size, member.mtime, member.mode = entry.size, modified, 0o644
                with (sample.folder / entry.name).open("rb") as content:
                    archive.addfile(member, content)
