"""Downloads task by task: a task's samples, then its manifest, which says that they are all there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from vbvr_cli.backends.ports import Backend, SampleStore
from vbvr_cli.errors import InvalidRequestError
from vbvr_cli.manifest import MANIFESTS, QUESTIONS, manifest_key
from vbvr_cli.models import Run, TaskState
from vbvr_cli.operations.download.carrier import Carrier
from vbvr_cli.operations.download.destination import Destination
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
        self._report = Downloaded()
        self._carrier = Carrier(
            self._store,
            self._destination,
            extract=request.extract,
            report=self._report,
            on_progress=on_progress,
        )

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
                self._all(self._carrier.bring_task, chain([first], manifests))
                self._carrier.bring_records()
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

    def _bring_unmanifested(self) -> None:
        """A store that vbvr did not write: whatever is below questions/, by size alone."""
        self._report.checked = False
        listed = self._store.list_objects(QUESTIONS)
        objects = (
            entry
            for entry in listed
            if self._request.wants_unmanifested(entry.key)
            and not entry.key.endswith("/")  # the S3 console's mark of a folder
        )
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
        self._all(self._carrier.bring_unmanifested, chain([first], objects))
