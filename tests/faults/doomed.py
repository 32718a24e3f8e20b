"""A worker that a signal meets at a named point: nothing in the product knows of it.

    python doomed.py HOME CATALOG GENERATORS SIGNAL POINT K LEASE_SECONDS

`POINT` is `{before|after}:{part}.{method}` of the back end, such as `after:store.upload`; the signal comes at
the K-th such call. `never` lets it work until the queue is empty.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vbvr_cli.backends.local import LocalBackend
from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.worker.pace import Pace
from vbvr_cli.worker.worker import Worker
from vbvr_cli.worker.workspace import Workspace


class Doom:
    """Counts calls of one method of one part, and sends this process the signal at the K-th."""

    def __init__(self, point: str, number: signal.Signals, count: int) -> None:
        self._moment, _, called = point.partition(":")
        self.part, _, self.method = called.partition(".")
        self._signal = number
        self._left = count

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with the signal before or after it."""

        def call(*arguments: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left == 0 and self._moment == "before":
                os.kill(os.getpid(), self._signal)
            result = function(*arguments, **options)
            if self._left == 0 and self._moment == "after":
                os.kill(os.getpid(), self._signal)
            return result

        return call


class DoomedPart:
    """A queue, store, ledger or registry of which one method is watched."""

    def __init__(self, part: object, method: str, doom: Doom) -> None:
        self._part = part
        self._method = method
        self._doom = doom

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        return self._doom.around(found) if name == self._method else found


class DoomedBackend:
    """A back end of which one part is watched."""

    def __init__(self, backend: LocalBackend, doom: Doom) -> None:
        self._backend = backend
        self._doom = doom

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)
        return DoomedPart(found, self._doom.method, self._doom) if name == self._doom.part else found

    def store(self, bucket: str) -> Any:
        found = self._backend.store(bucket)
        return DoomedPart(found, self._doom.method, self._doom) if self._doom.part == "store" else found


def main() -> None:
    home, catalog_file, generators, signal_name, point, count, lease = sys.argv[1:]
    catalog = Catalog.load(Path(catalog_file), [Path(generators)])
    doom = Doom(point, signal.Signals[signal_name], int(count))
    backend = DoomedBackend(LocalBackend(Path(home)), doom)
    pace = Pace(lease=float(lease), heartbeat=0.2, idle=0.02, backoff=0.0)
    with Workspace(Path(home) / "tmp") as workspace:
        print("at work", flush=True)
        Worker(backend, catalog.get, workspace, name=point, pace=pace).work(until_empty=True)
    backend.close()


if __name__ == "__main__":
    main()
