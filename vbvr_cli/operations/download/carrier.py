"""Carries one task, or one object, from a store into the destination; several threads do at a time."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from vbvr_cli.backends.ports import SampleStore, StoredObject
from vbvr_cli.errors import InvalidRequestError, ServiceError
from vbvr_cli.manifest import (
    QUESTIONS,
    RUN_RECORD,
    ManifestArchive,
    ManifestFile,
    ManifestLine,
    parse_manifest,
)
from vbvr_cli.operations.download.archives import extract
from vbvr_cli.operations.download.destination import Destination
from vbvr_cli.operations.download.problems import ObjectProblemError
from vbvr_cli.operations.download.report import Downloaded
from vbvr_cli.operations.reconcile import MANIFEST_NAME

PROBLEMS = (KeyError, ObjectProblemError, InvalidRequestError)


class Carrier:
    """Brings what is not there yet, and counts it in the report. `extract`: archives as their files."""

    def __init__(
        self,
        store: SampleStore,
        destination: Destination,
        *,
        extract: bool,
        report: Downloaded,
        on_progress: Callable[[Downloaded], None],
    ) -> None:
        self._store = store
        self._destination = destination
        self._extract = extract
        self._report = report
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._records: set[str] = set()

    def bring_task(self, key: str) -> None:
        """Bring a task's samples, then its manifest. What is wrong with one object is in the report."""
        with self._noting_problems(key):
            data = self._store.get(key)
            lines = _parse(key, data)
            if self._destination.has_bytes(key, data) and self._seems_complete(lines):
                self._count(lines, 0, sum(1 for _ in self._files_of(lines)))
            elif self._bring_samples(lines):
                # Last, as when it was made: a manifest that is here says that its samples are.
                self._destination.write(key, io.BytesIO(data), None, None)
            with self._lock:
                self._records.add(f"{key.rpartition('/')[0]}/{RUN_RECORD}")

    def bring_records(self) -> None:
        """Bring the descriptions of the runs whose tasks were brought."""
        for key in sorted(self._records):
            with self._noting_problems(key), suppress(KeyError):
                self._destination.write(key, io.BytesIO(self._store.get(key)), None, None)

    def bring_unmanifested(self, entry: StoredObject) -> None:
        """Bring an object of which no more is known than its size."""
        with self._noting_problems(entry.key):
            brought = self._bring_object(entry.key, entry.size, None)
            with self._lock:
                self._report.add(0, entry.size, brought, 1 - brought)
                self._on_progress(self._report)

    def _bring_samples(self, lines: list[ManifestLine]) -> bool:
        """Bring what is not there of a task; whether all of it is there now."""
        if lines[0].archive:
            return self._bring_archive(lines[0].archive, lines)
        return sum(self._bring_sample(line) for line in lines) == len(lines)

    def _bring_sample(self, line: ManifestLine) -> bool:
        """Bring what is not there of a sample's files; whether all of them are there now."""
        folder = f"{QUESTIONS}{line.folder}"
        new = self._destination.make(folder)  # in which there is nothing to look for
        brought = present = 0
        for file in line.files:
            key = f"{folder}/{file.name}"
            try:
                if self._bring_object(key, file.size, file.sha256, new):
                    brought += 1
                else:
                    present += 1
            except PROBLEMS as problem:
                self._note(key, problem)
        if brought + present == len(line.files):
            self._count([line], brought, present)
            return True
        if new:
            self._destination.unmake(folder)
        return False

    def _bring_archive(self, archive: ManifestArchive, lines: list[ManifestLine]) -> bool:
        with self._noting_problems(archive.key):
            if not self._extract:
                brought = self._bring_object(archive.key, archive.size, archive.sha256)
                self._count(lines, brought, 1 - brought)
            elif all(
                self._destination.has(key, file.size, file.sha256) for key, file in self._files_of(lines)
            ):
                self._count(lines, 0, sum(1 for _ in self._files_of(lines)))
            else:
                self._destination.path(archive.key)
                with (
                    self._store.open(archive.key) as source,
                    self._destination.received(archive.key, source, archive.size, archive.sha256) as part,
                ):
                    extract(part, lines, self._destination)
                self._count(lines, 1, 0)
            return True
        return False

    def _bring_object(self, key: str, size: int, sha256: str | None, new: bool = False) -> int:
        """Bring one object; 1, or 0 if it was there. `new`: nothing is where it belongs."""
        if not new and self._destination.has(key, size, sha256):
            return 0
        with self._store.open(key) as source:
            self._destination.write(key, source, size, sha256)
        return 1

    def _files_of(
        self, lines: Sequence[ManifestLine]
    ) -> Iterator[tuple[str, ManifestFile | ManifestArchive]]:
        """What of a task belongs into the destination: its archive, or the files of its samples."""
        if lines[0].archive and not self._extract:
            yield lines[0].archive.key, lines[0].archive
            return
        for line in lines:
            yield from ((f"{QUESTIONS}{line.folder}/{file.name}", file) for file in line.files)

    def _seems_complete(self, lines: Sequence[ManifestLine]) -> bool:
        """Whether files of the right size are where a task's belong; they were checked when they came."""
        return all(self._destination.seems_to_have(key, file.size) for key, file in self._files_of(lines))

    def _count(self, lines: Sequence[ManifestLine], files: int, present: int) -> None:
        with self._lock:
            self._report.add(len(lines), sum(line.num_bytes for line in lines), files, present)
            self._on_progress(self._report)

    @contextmanager
    def _noting_problems(self, key: str) -> Iterator[None]:
        """Keep what is wrong with one object for the report, so that the others are brought."""
        try:
            yield
        except PROBLEMS as problem:
            self._note(key, problem)

    def _note(self, key: str, problem: Exception) -> None:
        gone = f"{key} is named by the ledger or a manifest, but it is gone."
        with self._lock:
            self._report.note(gone if isinstance(problem, KeyError) else str(problem))


def _parse(key: str, data: bytes) -> list[ManifestLine]:
    """Read a manifest. Raises ObjectProblemError for one that is damaged, or has fewer lines than samples."""
    try:
        lines = parse_manifest(key, data)
    except ServiceError as error:
        raise ObjectProblemError(f"{error} {error.why or ''}".strip()) from error
    name = MANIFEST_NAME.fullmatch(key.rpartition("/")[2])
    if name and len(lines) != int(name[2]) - int(name[1]) + 1:
        raise ObjectProblemError(
            f"The manifest {key} is damaged: it has {len(lines)} lines, not one for each of its samples."
        )
    return lines
