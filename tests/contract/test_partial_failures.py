"""That the suite's batch calls to AWS really fail in part, each kind of them, and are done to the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from emulators.partial_failures import ENTRIES, ITEMS
from harnesses import HARNESSES, BackendUnderTest, failing_session
from ledger_examples import OUTCOME, key_of, spec, task_of

from vbvr_cli.backends.ports import Depth
from vbvr_cli.models import FailureCode, Reason, TaskState


@pytest.fixture(params=["moto", "ministack"])
def on_aws(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BackendUnderTest]:
    with HARNESSES[request.param](tmp_path) as harness:
        yield harness


def test_every_kind_of_batch_call_fails_in_part_and_is_done_to_the_end(on_aws: BackendUnderTest) -> None:
    queue, ledger, store = on_aws.backend.queue, on_aws.backend.ledger, on_aws.backend.store(on_aws.bucket)
    _, failures = failing_session()
    failures.met.clear()
    past_boto3 = {"AmazonSQS.SendMessageBatch posted"} if on_aws.across_processes else set()

    assert queue.send([str(n) for n in range(25)]).sent == 25
    messages = [message for _ in range(3) for message in queue.lease(10, on_aws.lease)]
    for message in messages[:12]:
        queue.dead_letter(message, Reason(FailureCode.GENERATOR_FAILED, "it raised"))
    queue.acknowledge(messages[12:])
    queue.give_back_dead([letter for _ in range(2) for letter in queue.lease_dead(10, on_aws.lease)])
    assert queue.depth() == Depth(waiting=0, in_flight=0, delayed=0, dead=12)
    run = ledger.create_run(key_of(on_aws.bucket, spec()), spec(), 1000)
    tasks = [task_of(run.key, number) for number in range(30)]
    for task in tasks:
        ledger.settle(task, OUTCOME)
    assert ledger.states(run.key, tasks) == [TaskState.DONE] * 30
    ledger.remove_run(run.key)
    assert list(ledger.tasks(run.key)) == []
    for name in "abcde":
        store.put(name, b"")
    store.delete("abcde")
    assert list(store.list_objects("")) == []

    assert {*ENTRIES, *ITEMS, "DeleteObjects"} | past_boto3 <= set(failures.met)
    assert any("throttled" in what for what in failures.met)
