"""A task that died more than once on AWS is listed once and redriven once, however many letters it left."""

from __future__ import annotations

from collections import Counter

from dead_tasks import let_die, waiting_tasks
from emulators.target import Target, check_bucket, check_nothing_is_left


def double_the_queue(on_aws: Target) -> None:
    """Let every message that waits be there twice, as a redrive that was sent twice leaves it."""
    queue = on_aws.backend.queue
    messages = queue.lease(10, 60.0)
    queue.send([message.body for message in messages])
    for message in messages:
        queue.give_back(message)


def test_letters_of_deliveries_that_were_doubled_count_once(on_aws: Target) -> None:
    vbvr = on_aws.vbvr
    vbvr.add("always_fails")
    vbvr.ok("submit", "--yes", "-g", "always_fails", "-n", "3", "-b", "1")
    double_the_queue(on_aws)
    on_aws.work()
    assert on_aws.backend.queue.depth().dead == 6

    listed = vbvr.ok("dlq", "list", "--json").json
    foreseen = vbvr.ok("dlq", "redrive", "--new-seed", "--dry-run", "--json").json
    redriven = vbvr.ok("dlq", "redrive", "--new-seed", "--json").json
    again = vbvr.ok("dlq", "redrive", "--new-seed", "--json").json

    assert sorted(entry["where"] for entry in listed["entries"]) == [f"{n:08d}-{n:08d}" for n in range(3)]
    assert foreseen["tasks_sent"] == redriven["tasks_sent"] == 3
    assert (again["tasks_sent"], again["fates"]) == (0, {})
    assert on_aws.backend.queue.depth().dead == 0
    assert len(waiting_tasks(on_aws.backend)) == 3


def test_two_operators_who_redrive_doubled_letters_at_once_make_every_sample_once(on_aws: Target) -> None:
    vbvr = on_aws.vbvr
    vbvr.add("good")
    vbvr.ok("submit", "--yes", "-g", "good", "-n", "16", "-b", "2")
    let_die(on_aws.backend)
    vbvr.ok("dlq", "download", "--output", "DLQ")
    letters = on_aws.backend.queue.lease_dead(10, 60.0)
    sqs = on_aws.client("sqs")
    for letter in letters:  # of the same tasks, from other deliveries
        sqs.send_message(QueueUrl=on_aws.resources.dlq_url, MessageBody=letter.body)
    on_aws.backend.queue.give_back_dead(letters)

    both = [vbvr.start("dlq", "redrive", "-b", "1", "--json") for _ in range(2)]
    for process in both:
        assert vbvr.finish(process).exit_code == 0
    on_aws.let_leases_lapse()
    vbvr.ok("dlq", "redrive", "-b", "1")

    assert set(Counter(task.range_name for task in waiting_tasks(on_aws.backend))) == {
        f"{n:08d}-{n:08d}" for n in range(16)
    }
    on_aws.work()
    check_bucket(on_aws, good=16)
    check_nothing_is_left(on_aws)
