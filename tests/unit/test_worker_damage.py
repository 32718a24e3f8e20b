"""What is damaged is named and left for `vbvr status`; it does not stop the worker."""

from __future__ import annotations

from places import Place

from vbvr_cli.manifest import manifest_key
from vbvr_cli.models import Claim, FailureCode, Reason, TaskState


def test_a_dead_task_with_a_damaged_manifest_stays_dead_and_the_next_task_is_made(place: Place) -> None:
    place.submit("good", samples=4, batch_size=2)
    ledger = place.backend.ledger
    [run] = ledger.list_runs()
    first = next(iter(ledger.tasks(run.key))).task
    claim = ledger.claim(first, "somebody", 60)
    assert isinstance(claim, Claim)
    ledger.fail(claim, Reason(FailureCode.GENERATOR_FAILED, "raised"))
    place.backend.store(run.key.bucket).put(manifest_key(first), b'{"task_id": "cut o')

    place.work()

    states = [record.state for record in ledger.tasks(run.key)]
    assert states == [TaskState.DEAD, TaskState.DONE]
    assert place.backend.queue.depth().dead == 1
