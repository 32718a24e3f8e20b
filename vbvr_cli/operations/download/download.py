"""Downloads task by task: a task's samples, then its manifest, which says that they are all there."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from vbvr_cli.backends.ports import Backend, SampleStore, StoredObject
from vbvr_cli.errors import InvalidRequestError, ServiceError
from vbvr_cli.manifest import (
    MANIFESTS,
    QUESTIONS,
    RUN_RECORD,
    ManifestArchive,
    ManifestFile,
    ManifestLine,
    manifest_key,
    parse_manifest,
)
from vbvr_cli.models import Run, TaskState
from vbvr_cli.operations.download.archives import extract
from vbvr_cli.operations.download.destination import Destination
from vbvr_cli.operations.download.problems import ObjectProblemError
from vbvr_cli.operations.download.report import Downloaded
from vbvr_cli.operations.download.request import DownloadRequest
from vbvr_cli.operations.reconcile import MANIFEST_NAME

Item = TypeVar("Item")


class Download:
    """One download from a bucket into a folder. What is there already is not brought again."""

    def __init__(
        self,
        backend: Backend,
        bucket: str,
        destination: Path,
        request: DownloadRequest,
        on_progress: Callable[[Downloaded], None] = lambda _: None,
    ) -> None:
        self._backend = backend
        self._bucket = bucket
        self._store: SampleStore = backend.store(bucket)
        self._destination = Destination(destination)
        self._request = request
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._report = Downloaded()
        self._records: set[str] = set()

    def run(self) -> Downloaded:
        """Bring everything asked for. Problems with single objects are in the report; the rest goes on.

        Raises InvalidRequestError where there is nothing of the kind, DiskFullError and others at once.
        """
        runs = self._runs()
        manifests = self._ledger_manifests(runs) if runs else self._listed_manifests()
        first = next(manifests, None)
        try:
            if first is not None:
                self._destination.open()
                self._all(self._bring_task, chain([first], manifests))
                self._bring_records()
            elif not runs:
                self._bring_unmanifested()
        finally:
            self._destination.close()
        return self._report

    def _runs(self) -> list[Run]:
        """The runs that the ledger knows; how much there is of them is in the report then."""
        ledger = self._backend.ledger
        runs = [
            run
            for run in ledger.list_runs(self._bucket)
            if self._request.wants(run.spec.generator, run.key.run_id)
        ]
        if runs:
            progress = ledger.progress([run.key for run in runs])
            self._report.samples_total = sum(one.samples_done for one in progress)
            self._report.bytes_total = sum(one.num_bytes for one in progress)
            planned = sum(one.samples_planned for one in progress)
            self._report.samples_missing = max(0, planned - self._report.samples_total)
        return runs

    def _ledger_manifests(self, runs: Sequence[Run]) -> Iterator[str]:
        """The manifests' keys, known from the ledger: nothing is listed."""
        for run in runs:
            for record in self._backend.ledger.tasks(run.key, [TaskState.DONE]):
                yield manifest_key(record.task)

    def _listed_manifests(self) -> Iterator[str]:
        for entry in self._store.list_objects(MANIFESTS):
            _, generator, run_id, name = (*entry.key.split("/"), "", "", "")[:4]
            if MANIFEST_NAME.fullmatch(name) and self._request.wants(generator, run_id):
                yield entry.key

    def _all(self, bring: Callable[[Item], None], items: Iterable[Item]) -> None:
        """Bring many at once; what is under way is bounded, so that memory is too."""
        rest = iter(items)
        with ThreadPoolExecutor(self._request.workers, thread_name_prefix="download") as pool:
            under_way: set[Future[None]] = set()
            try:
                while True:
                    room = self._request.workers * 2 - len(under_way)
                    under_way |= {pool.submit(bring, item) for item in islice(rest, room)}
                    if not under_way:
                        return
                    ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                    for future in ended:
                        future.result()
            except BaseException:
                self._destination.stop()
                pool.shutdown(cancel_futures=True)
                raise

    def _bring_task(self, key: str) -> None:
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

    def _bring_records(self) -> None:
        for key in sorted(self._records):
            with suppress(KeyError):
                self._destination.write(key, io.BytesIO(self._store.get(key)), None, None)

    def _bring_samples(self, lines: list[ManifestLine]) -> bool:
        """Bring what is not there of a task; whether all of it is there now."""
        if lines[0].archive:
            return self._bring_archive(lines[0].archive, lines)
        whole = True
        for line in lines:
            brought = present = 0
            for key, file in self._files_of([line]):
                with self._noting_problems(key):
                    if self._bring_object(key, file.size, file.sha256):
                        brought += 1
                    else:
                        present += 1
            if brought + present == len(line.files):
                self._count([line], brought, present)
            else:
                whole = False
        return whole

    def _bring_archive(self, archive: ManifestArchive, lines: list[ManifestLine]) -> bool:
        with self._noting_problems(archive.key):
            if not self._request.extract:
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

    def _bring_object(self, key: str, size: int, sha256: str | None) -> int:
        """Bring one object; 1, or 0 if it was there."""
        if self._destination.has(key, size, sha256):
            return 0
        with self._store.open(key) as source:
            self._destination.write(key, source, size, sha256)
        return 1

    def _files_of(
        self, lines: Sequence[ManifestLine]
    ) -> Iterator[tuple[str, ManifestFile | ManifestArchive]]:
        """What of a task belongs into the destination: its archive, or the files of its samples."""
        if lines[0].archive and not self._request.extract:
            yield lines[0].archive.key, lines[0].archive
            return
        for line in lines:
            yield from ((f"{QUESTIONS}{line.folder}/{file.name}", file) for file in line.files)

    def _seems_complete(self, lines: Sequence[ManifestLine]) -> bool:
        """Whether files of the right size are where a task's belong; they were checked when they came."""
        return all(self._destination.seems_to_have(key, file.size) for key, file in self._files_of(lines))

    def _bring_unmanifested(self) -> None:
        """A store that vbvr did not write: whatever is below questions/, by size alone."""
        self._report.checked = False
        listed = self._store.list_objects(QUESTIONS)
        objects = (entry for entry in listed if self._request.wants_unmanifested(entry.key))
        first = next(objects, None)
        if first is None:
            asked = str(self._request)
            raise InvalidRequestError(
                f"There is nothing of {asked} in {self._bucket}."
                if asked
                else f"{self._bucket} has no dataset.",
                why=None if asked else "there is nothing below manifests/ and questions/ in it",
                hint="See `vbvr status` for all runs, or name another --bucket.",
            )
        self._destination.open()
        self._all(self._bring_unmanifested_object, chain([first], objects))

    def _bring_unmanifested_object(self, entry: StoredObject) -> None:
        with self._noting_problems(entry.key):
            brought = self._bring_object(entry.key, entry.size, None)
            with self._lock:
                self._report.add(0, entry.size, brought, 1 - brought)
                self._on_progress(self._report)

    def _count(self, lines: Sequence[ManifestLine], files: int, present: int) -> None:
        with self._lock:
            self._report.add(len(lines), sum(line.num_bytes for line in lines), files, present)
            self._on_progress(self._report)

    @contextmanager
    def _noting_problems(self, key: str) -> Iterator[None]:
        """Keep what is wrong with one object for the report, so that the others are brought."""
        try:
            yield
        except KeyError:
            self._note(f"{key} is named by the ledger or a manifest, but it is gone.")
        except (ObjectProblemError, InvalidRequestError) as error:
            self._note(str(error))

    def _note(self, problem: str) -> None:
        with self._lock:
            self._report.note(problem)


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
