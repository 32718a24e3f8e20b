"""Cancels runs: workers acknowledge their tasks unrun."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from vbvr_cli.backends.ports import Backend
from vbvr_cli.errors import InvalidRequestError
from vbvr_cli.models import Progress
from vbvr_cli.operations.status import find_runs


def cancellable(backend: Backend, run_id: str | None, generators: Sequence[str]) -> list[Progress]:
    """The unfinished runs that a cancel would mark. Raises InvalidRequestError if no run is named so."""
    runs = [
        run.key
        for run in find_runs(backend, run_id)
        if not generators or any(fnmatch.fnmatchcase(run.spec.generator, pattern) for pattern in generators)
    ]
    if generators and not runs:
        raise InvalidRequestError(
            f"No run is of {', '.join(generators)}.", hint="See `vbvr status` for all runs."
        )
    progress = backend.ledger.progress(runs) if runs else []
    return [one for one in progress if one.samples_open and not one.cancelled]


def cancel(backend: Backend, runs: Sequence[Progress]) -> None:
    """Mark runs. Submitting one again lifts its mark."""
    for one in runs:
        backend.ledger.cancel_run(one.run)
