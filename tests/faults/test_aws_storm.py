"""A third of all requests to AWS fails, for a while or in part; nothing is lost, doubled or given up."""

from __future__ import annotations

from contextlib import suppress
from subprocess import TimeoutExpired

from emulators.storm import Storm
from emulators.target import Target, check_bucket
from places import tree, wait_until

from vbvr_cli.models import TaskState
from vbvr_cli.operations.dlq.leasing import LEASE_SECONDS

SEED = 11


def work_to_the_end(on_aws: Target) -> None:
    """Two workers, until the queue is empty. What was leased in an answer that got lost shows soon."""
    workers = [on_aws.vbvr.start("worker", env={"VBVR_SUPERVISED": "1"}) for _ in range(2)]

    def have_ended() -> bool:
        on_aws.let_leases_of_the_dead_lapse()
        with suppress(TimeoutExpired):
            workers[0].wait(timeout=0.5)
        return all(worker.poll() is not None for worker in workers)

    wait_until(have_ended, "the workers")
    for worker in workers:
        finished = on_aws.vbvr.finish(worker)
        assert finished.exit_code == 0, finished.stderr


def test_a_storm_of_throttles_and_failures_costs_time_and_nothing_else(on_aws: Target) -> None:
    vbvr, wire = on_aws.vbvr, on_aws.wire
    asked = {"one_in_twenty_is_broken": 12, "several_tasks": 6}
    vbvr.add(*asked, "always_fails")
    storm = Storm(0.3, SEED)
    wire.before, wire.after = storm.before, storm.after

    vbvr.ok("submit", "--yes", "-g", "one_in_twenty_is_broken", "-n", "12", "-b", "4", "--dedup")
    vbvr.ok("submit", "--yes", "-g", "several_tasks", "-n", "6", "-b", "3", "--output-format", "tar")
    vbvr.ok("submit", "--yes", "-g", "always_fails", "-n", "6", "-b", "1")
    work_to_the_end(on_aws)
    vbvr.ok("download", "--extract", "--dest", "results")
    redriven = 0
    for _ in range(5):
        report = vbvr.ok("dlq", "redrive", "-b", "1", "--json").json
        redriven += report["tasks_sent"]
        if redriven == 6:
            break
        on_aws.emulator.advance(LEASE_SECONDS)  # of letters in an answer that got lost

    assert redriven == 6
    assert {"SendMessageBatch", "TransactWriteItems", "BatchGetItem", "PutObject", "GetObject"} <= set(
        storm.failed
    )
    wire.clear()
    check_bucket(on_aws, **asked)
    progress = {one.generator: one for one in on_aws.backend.ledger.progress()}
    assert {name: progress[name].samples_done for name in asked} == asked
    assert progress["always_fails"].tasks == {TaskState.SENT: 6}
    assert on_aws.backend.queue.depth().dead == 0
    assert tree(vbvr.folder / "results" / "manifests") == {
        key.removeprefix("manifests/"): data
        for key, data in on_aws.objects("manifests/").items()
        if "always_fails" not in key
    }
