"""Downloads task by task: a task's samples, then its manifest, which says that they are all there."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import chain, islice
from pathlib import Path

from vbvr_cli.backends.ports import Backend, SampleStore
from vbvr_cli.errors import InvalidRequestError, ServiceError
from vbvr_cli.manifest import (
    MANIFESTS,
    QUESTIONS,
    RUN_RECORD,
    ManifestLine,
    manifest_key,
    parse_manifest,
    run_record_key,
)
from vbvr_cli.models import Run, TaskState
from vbvr_cli.operations.download.archives import extract
from vbvr_cli.operations.download.destination import Destination, ObjectProblemError

SHOWN_PROBLEMS = 1_000


@dataclass(frozen=True, slots=True)
class DownloadRequest:
    """What to bring: generators by name or glob and a run by the beginning of its id; empty means all."""

    generators: tuple[str, ...] = ()
    run_id: str | None = None
    extract: bool = False
    workers: int = 16


@dataclass(slots=True)
class Downloaded:
    """What a download has brought so far. `samples_total` and `bytes_total` none: nobody knows."""

    samples: int = 0
    num_bytes: int = 0
    files: int = 0
    present: int = 0
    samples_total: int | None = None
    bytes_total: int | None = None
    problems: list[str] = field(default_factory=list)
    checked: bool = True


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
        self._stopped = threading.Event()

    def run(self) -> Downloaded:
        """Bring everything asked for. Problems with single objects are in the report; the rest goes on.

        Raises InvalidRequestError where there is nothing of the kind, DiskFullError and others at once.
        """
        runs = self._runs()
        keys = self._ledger_manifests(runs) if runs else self._listed_manifests()
        try:
            first = next(keys, None)
            if first is not None:
                self._all(self._bring_task, chain([first], keys))
                self._bring_records(runs)
            elif not runs:
                self._bring_unmanifested()
        finally:
            self._destination.close()
        return self._report

    def _runs(self) -> list[Run]:
        request = self._request
        runs = [
            run
            for run in self._backend.ledger.list_runs(self._bucket)
            if self._is_wanted(run.spec.generator) and run.key.run_id.startswith(request.run_id or "")
        ]
        if not runs and (request.generators or request.run_id):
            asked = ", ".join([*request.generators, *([request.run_id] if request.run_id else [])])
            raise InvalidRequestError(
                f"There is nothing of {asked} in {self._bucket}.", hint="See `vbvr status` for all runs."
            )
        progress = self._backend.ledger.progress([run.key for run in runs]) if runs else []
        if runs:
            self._report.samples_total = sum(one.samples_done for one in progress)
            self._report.bytes_total = sum(one.num_bytes for one in progress)
        return runs

    def _ledger_manifests(self, runs: Sequence[Run]) -> Iterator[str]:
        """The manifests' keys, known from the ledger: nothing is listed."""
        for run in runs:
            for record in self._backend.ledger.tasks(run.key, [TaskState.DONE]):
                yield manifest_key(record.task)

    def _listed_manifests(self) -> Iterator[str]:
        for entry in self._store.list_objects(MANIFESTS):
            if not entry.key.endswith(RUN_RECORD):
                yield entry.key

    def _is_wanted(self, generator: str) -> bool:
        wanted = self._request.generators
        return not wanted or any(fnmatchcase(generator, pattern) for pattern in wanted)

    def _all(self, bring: Callable[[str], None], keys: Iterable[str]) -> None:
        """Bring many at once; what is under way is bounded, so that memory is too."""
        rest = iter(keys)
        with ThreadPoolExecutor(self._request.workers, thread_name_prefix="download") as pool:
            under_way: set[Future[None]] = set()
            try:
                while True:
                    room = self._request.workers * 2 - len(under_way)
                    under_way |= {pool.submit(bring, key) for key in islice(rest, room)}
                    if not under_way:
                        return
                    ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                    for future in ended:
                        future.result()
            except BaseException:
                self._stopped.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _bring_task(self, key: str) -> None:
        try:
            data = self._store.get(key)
            lines = _parse(key, data)
            if self._destination.has_bytes(key, data):
                self._count(lines, 0, sum(len(line.files) for line in lines))
                return
            self._bring_samples(lines)
        except ObjectProblemError as error:
            self._problem(str(error))
        except KeyError as error:
            self._problem(f"{error.args[0]} is named by the ledger or a manifest, but it is gone")
        else:
            # Last, as when it was made: a manifest that is here says that its samples are.
            self._destination.write(key, io.BytesIO(data), None, None)

    def _bring_records(self, runs: Sequence[Run]) -> None:
        for run in runs:
            with suppress(KeyError):
                record = self._store.get(run_record_key(run))
                self._destination.write(run_record_key(run), io.BytesIO(record), None, None)

    def _bring_samples(self, lines: list[ManifestLine]) -> None:
        archive = lines[0].archive if lines else None
        if archive is None:
            for line in lines:
                keys = zip(line.object_keys(), line.files, strict=True)
                brought = sum(self._bring_object(key, file.size, file.sha256) for key, file in keys)
                self._count([line], brought, len(line.files) - brought)
        elif self._request.extract:
            with (
                self._store.open(archive.key) as source,
                self._destination.received(archive.key, source, archive.size, archive.sha256) as part,
            ):
                extract(part, lines, self._destination)
            self._count(lines, 1, 0)
        else:
            brought = self._bring_object(archive.key, archive.size, archive.sha256)
            self._count(lines, brought, 1 - brought)

    def _bring_object(self, key: str, size: int | None, sha256: str | None) -> int:
        """Bring one object; 1, or 0 if it was there."""
        if self._stopped.is_set():
            raise ServiceError("The download was stopped.")
        if size is not None and self._destination.has(key, size, sha256):
            return 0
        with self._store.open(key) as source:
            self._destination.write(key, source, size, sha256)
        return 1

    def _bring_unmanifested(self) -> None:
        """A store that vbvr did not write: whatever is below questions/, by size alone."""
        self._report.checked = False
        sizes = {entry.key: entry.size for entry in self._store.list_objects(QUESTIONS)}
        if not sizes:
            raise InvalidRequestError(
                f"There is no dataset in {self._bucket}.",
                why="it has neither manifests/ nor questions/",
                hint="See `vbvr status` for all runs, or name another --bucket.",
            )
        self._report.bytes_total = sum(sizes.values())

        def bring(key: str) -> None:
            try:
                brought = self._bring_object(key, sizes[key], None)
            except ObjectProblemError as error:
                self._problem(str(error))
                return
            with self._lock:
                self._report.files += brought
                self._report.present += 1 - brought
                self._report.num_bytes += sizes[key]
                self._on_progress(self._report)

        self._all(bring, sizes)

    def _count(self, lines: Sequence[ManifestLine], files: int, present: int) -> None:
        with self._lock:
            self._report.samples += len(lines)
            self._report.num_bytes += sum(line.num_bytes for line in lines)
            self._report.files += files
            self._report.present += present
            self._on_progress(self._report)

    def _problem(self, text: str) -> None:
        with self._lock:
            if len(self._report.problems) < SHOWN_PROBLEMS:
                self._report.problems.append(text)


def _parse(key: str, data: bytes) -> list[ManifestLine]:
    try:
        return parse_manifest(key, data)
    except ServiceError as error:
        raise ObjectProblemError(f"{error} {error.why or ''}".strip()) from error
