"""Discards a run: its range is free again and its samples are gone."""

from __future__ import annotations

import time

from vbvr_cli.backends.ports import Backend
from vbvr_cli.errors import InvalidRequestError, ServiceError
from vbvr_cli.manifest import manifest_folder, parse_manifest
from vbvr_cli.models import Run, TaskState


def discard_run(backend: Backend, run: Run) -> None:
    """Remove a run's manifests, each before its samples, then its record; can be done again.

    Raises InvalidRequestError while a worker is at one of its tasks: it could still write samples.
    """
    backend.ledger.cancel_run(run.key)
    claimed = backend.ledger.tasks(run.key, [TaskState.CLAIMED])
    if any((record.claimed_until or 0.0) > time.time() for record in claimed):
        raise InvalidRequestError(
            f"Run {run.key.run_id} of {run.spec.generator} is being worked on.",
            why="a worker holds one of its tasks; the run is cancelled now, so no other will begin",
            hint="Run the same command again when that task has ended.",
        )
    store = backend.store(run.key.bucket)
    folder = manifest_folder(run.spec.generator, run.key.run_id)
    for entry in list(store.list_objects(folder)):
        try:
            lines = parse_manifest(entry.key, store.get(entry.key)) if entry.key.endswith(".jsonl") else []
        except ServiceError:
            lines = []
        # The manifest goes first: what no manifest names does not exist.
        store.delete([entry.key])
        store.delete({key for line in lines for key in line.object_keys()})
    backend.dedup.release(run.key.bucket, run.spec.generator, run.key.run_id, run.start_index, run.end_index)
    backend.ledger.remove_run(run.key)
