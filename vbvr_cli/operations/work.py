"""Works on the queue: in this process, or with several worker processes."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vbvr_cli.backends.ports import Backend
from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.errors import WorkFailedError
from vbvr_cli.models import TaskState
from vbvr_cli.operations.generate import POLL_SECONDS, Standing
from vbvr_cli.operations.workforce import Workforce
from vbvr_cli.worker.pace import Pace
from vbvr_cli.worker.worker import Worker
from vbvr_cli.worker.workspace import Workspace

PACES = {"aws": Pace(lease=120.0, heartbeat=20.0, idle=2.0, backoff=5.0)}
"""Where asking costs money and time, workers ask less often."""


@dataclass(frozen=True, slots=True)
class Worked:
    """What was finished meanwhile, by whomever. `died` tasks ended as dead letters meanwhile, at least.

    `dead_letters` is how many the queue counts now, which on SQS may lag behind.
    """

    tasks: int
    samples: int
    seconds: float
    dead_letters: int
    died: int = 0


def work_here(
    backend: Backend, catalog: Catalog, scratch: Path, stop: threading.Event, *, forever: bool
) -> None:
    """Be one worker, until `stop` is set or, unless `forever`, the queue is empty."""
    name = f"{socket.gethostname()}-{os.getpid()}"
    with Workspace(scratch) as workspace:
        pace = PACES.get(backend.target, Pace())
        worker = Worker(backend, catalog.get, workspace, name=name, pace=pace, stop=stop)
        worker.work(until_empty=not forever)
    backend.close()


def work_with(
    backend: Backend,
    count: int,
    environment: Mapping[str, str],
    logs: Path,
    *,
    forever: bool,
    on_standing: Callable[[Standing], None],
) -> Worked:
    """Let `count` worker processes work until the queue is empty, or `forever`."""
    before = _standing(backend)
    started = time.monotonic()
    next_look = 0.0
    with Workforce(count, environment, logs, forever=forever) as workforce:
        while running := workforce.check():
            seconds = time.monotonic() - started
            if seconds >= next_look:
                on_standing(Standing(tuple(backend.ledger.progress()), seconds, running))
                next_look = seconds + (PACES[backend.target].idle if backend.target in PACES else 0.0)
            time.sleep(POLL_SECONDS)
    after = _standing(backend)
    return Worked(
        tasks=after.tasks - before.tasks,
        samples=after.samples - before.samples,
        seconds=time.monotonic() - started,
        dead_letters=after.letters,
        died=max(0, after.letters - before.letters, after.dead - before.dead),
    )


def work_failed_error(worked: Worked) -> WorkFailedError | None:
    """The error for tasks that could not be made, or None if there are none."""
    if not worked.died:
        return None
    ended = "1 task is a dead letter" if worked.died == 1 else f"{worked.died:,} tasks are dead letters"
    return WorkFailedError(
        f"{ended} now; what was made is kept.",
        hint="See `vbvr dlq list`, and send them again with `vbvr dlq redrive`.",
    )


@dataclass(frozen=True, slots=True)
class _Counts:
    """All that was done and given up so far: `dead` tasks of the ledger, `letters` of the queue.

    Only the queue has letters of messages that are no tasks; only the ledger is exact everywhere.
    """

    tasks: int
    samples: int
    dead: int
    letters: int


def _standing(backend: Backend) -> _Counts:
    progress = backend.ledger.progress()
    return _Counts(
        tasks=sum(one.tasks.get(TaskState.DONE, 0) for one in progress),
        samples=sum(one.samples_done for one in progress),
        dead=sum(one.tasks.get(TaskState.DEAD, 0) for one in progress),
        letters=backend.queue.depth().dead,
    )
