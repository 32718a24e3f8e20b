"""Finds runs and compares what they should be with what they are."""

from __future__ import annotations

from vbvr_cli.backends.ports import Backend
from vbvr_cli.errors import InvalidRequestError
from vbvr_cli.manifest import MANIFESTS
from vbvr_cli.models import Run
from vbvr_cli.operations.adoption import adopt_runs
from vbvr_cli.operations.reconcile import Comparison, compare
from vbvr_cli.operations.reconcile import repair as repair_run


def find_runs(backend: Backend, run_id: str | None, bucket: str | None = None) -> list[Run]:
    """Runs whose id begins with `run_id` (all, if None). Raises InvalidRequestError if there is none."""
    known = backend.ledger.list_runs(bucket)
    if run_id is None:
        return known
    runs = [run for run in known if run_id and run.key.run_id.startswith(run_id)]
    if not runs:
        raise InvalidRequestError(
            f"There is no run {run_id!r}.",
            why=f"the ledger of {backend.description} does not know it",
            hint=_hint(backend, [run.key.run_id for run in known if run.spec.generator == run_id]),
        )
    return runs


def _hint(backend: Backend, of_generator: list[str]) -> str:
    """Where the run could be that is not known. `of_generator`: the runs of a generator that is called so."""
    if of_generator:
        return f"That is a generator; of it there is {', '.join(of_generator)}."
    place = "another state folder with --home" if backend.target == "local" else "another stack with --stack"
    return f"See `vbvr status` for all runs, or name {place}."


def examine(backend: Backend, run: Run, *, repair: bool) -> Comparison:
    """Compare a run; with `repair`, mend the ledger and compare again."""
    comparison = compare(backend, run)
    if repair and repair_run(backend, comparison):
        comparison = compare(backend, run)
    return comparison


def restore_bucket(backend: Backend, bucket: str) -> list[Run]:
    """Take up every run that a bucket describes and the ledger does not know."""
    generators = backend.store(bucket).list_folders(MANIFESTS)
    return adopt_runs(backend, bucket, generators)
