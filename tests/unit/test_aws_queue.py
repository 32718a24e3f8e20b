"""The queue on SQS when SQS does only part of what it was asked to, or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from emulators.interference import answer, fault
from emulators.place import Place, place

from vbvr_cli.backends.aws import letters, sending
from vbvr_cli.backends.ports import Message
from vbvr_cli.errors import ConfigurationError, ExitCode, ServiceError
from vbvr_cli.models import FailureCode, Reason
from vbvr_cli.operations.submit import require_all_sent

REASON = Reason(FailureCode.GENERATOR_FAILED, "ValueError", "Traceback")


@pytest.fixture
def at() -> Iterator[Place]:
    with place() as one:
        yield one


def bodies_in(at: Place) -> list[str]:
    """What is in the queue, each message leased for good."""
    found = []
    while messages := at.backend.queue.lease(10, 600):
        found += [message.body for message in messages]
    return sorted(found)


def entries_of(request: AWSRequest) -> list[dict[str, str]]:
    return json.loads(request.body)["Entries"]


def failing(entries: list[dict[str, str]], code: str, *, sender: bool) -> AWSResponse:
    """An answer of 200 in which all entries failed."""
    failed = [{"Id": entry["Id"], "Code": code, "SenderFault": sender, "Message": "no"} for entry in entries]
    return answer(200, {"Successful": [], "Failed": failed})


def test_what_sqs_fails_in_a_batch_is_sent_again(at: Place) -> None:
    met: set[str] = set()

    def fail_each_batch_once(request: AWSRequest) -> AWSResponse | None:
        first = entries_of(request)[0]["Id"]
        if first in met:
            return None
        met.add(first)
        return failing(entries_of(request), "InternalError", sender=False)

    at.wire.on("SendMessageBatch", fail_each_batch_once)

    report = at.backend.queue.send([f"{n:02d}" for n in range(25)])

    assert (report.sent, report.failed) == (25, {})
    assert bodies_in(at) == [f"{n:02d}" for n in range(25)]


def test_what_sqs_does_not_answer_for_is_sent_again(at: Place) -> None:
    at.wire.fail("SendMessageBatch", lambda: answer(200, {"Successful": []}), times=3)

    assert at.backend.queue.send(["a", "b"]).sent == 2


def test_what_sqs_refuses_for_good_is_reported_by_position_and_the_rest_is_in(at: Place) -> None:
    def refuse_the_second_batch(request: AWSRequest) -> AWSResponse | None:
        entries = entries_of(request)
        return failing(entries, "InvalidMessageContents", sender=True) if entries[0]["Id"] == "10" else None

    at.wire.on("SendMessageBatch", refuse_the_second_batch)

    report = at.backend.queue.send([f"{n:02d}" for n in range(25)])

    assert (report.sent, list(report.failed)) == (15, list(range(10, 20)))
    assert report.failed[10] == "InvalidMessageContents: no"
    assert report.for_good
    with pytest.raises(ServiceError) as raised:
        require_all_sent(report)
    assert "never be taken" in (raised.value.hint or "")
    assert len(bodies_in(at)) == 15


def test_a_fifo_queue_is_refused_before_anything_is_sent(at: Place) -> None:
    with pytest.raises(ConfigurationError, match=r"tasks\.fifo is a FIFO queue \(SQS_QUEUE_URL\)"):
        replace(at.backend.resources, queue_url="https://sqs.example.com/1/tasks.fifo")


def test_what_keeps_failing_is_reported(at: Place) -> None:
    at.wire.on("SendMessageBatch", lambda request: failing(entries_of(request), "Busy", sender=False))

    assert at.backend.queue.send(["a", "b"]).failed == {0: "Busy: no", 1: "Busy: no"}


def test_throttled_sends_are_sent_again(at: Place) -> None:
    at.wire.fail("SendMessageBatch", lambda: fault("RequestThrottled", 429), times=4)

    assert at.backend.queue.send([str(n) for n in range(30)]).sent == 30
    assert len(bodies_in(at)) == 30


def test_credentials_that_expire_in_the_middle_of_a_send_leave_a_report(at: Place) -> None:
    def expire_for_later_batches(request: AWSRequest) -> AWSResponse | None:
        return None if entries_of(request)[0]["Id"] == "0" else fault("ExpiredToken", 403)

    at.wire.on("SendMessageBatch", expire_for_later_batches)

    report = at.backend.queue.send([str(n) for n in range(30)])

    assert (report.sent, list(report.failed)) == (10, list(range(10, 30)))
    assert "expired" in report.failed[29]


def test_a_send_of_which_nothing_arrives_says_what_is_wrong(at: Place) -> None:
    at.wire.on("SendMessageBatch", lambda _: fault("ExpiredToken", 403))

    with pytest.raises(ConfigurationError) as raised:
        at.backend.queue.send(["a"])

    assert raised.value.exit_code is ExitCode.CONFIGURATION
    assert "aws sso login" in (raised.value.hint or "")


def test_batches_have_ten_messages_and_256_kb_at_most() -> None:
    assert [len(part) for part in sending.batches(["x"] * 25, range(25))] == [10, 10, 5]
    assert [len(part) for part in sending.batches(["é" * 60_000] * 5, range(5))] == [2, 2, 1]
    assert list(sending.batches(["x"] * 25, [3, 9, 24])) == [[3, 9, 24]]
    assert list(sending.batches([], [])) == []


def test_acknowledging_tries_again_what_was_not_deleted(at: Place) -> None:
    at.backend.queue.send([str(n) for n in range(12)])
    messages = at.backend.queue.lease(12, 600)
    first = [True]

    def fail_once(request: AWSRequest) -> AWSResponse | None:
        return failing(entries_of(request), "InternalError", sender=False) if first and first.pop() else None

    at.wire.on("DeleteMessageBatch", fail_once)

    at.backend.queue.acknowledge(messages)

    assert at.backend.queue.depth().in_flight == 0


def test_acknowledging_in_vain_is_an_error(at: Place) -> None:
    at.backend.queue.send(["a"])
    at.wire.on("DeleteMessageBatch", lambda request: failing(entries_of(request), "Busy", sender=False))

    with pytest.raises(ServiceError):
        at.backend.queue.acknowledge(at.backend.queue.lease(1, 600))


def test_messages_leased_before_a_fault_are_not_lost_sight_of(at: Place) -> None:
    at.backend.queue.send([str(n) for n in range(12)])
    seen = [0]

    def fail_the_second(_request: AWSRequest) -> AWSResponse | None:
        seen[0] += 1
        return fault("AccessDenied", 403) if seen[0] > 1 else None

    at.wire.on("ReceiveMessage", fail_the_second)

    assert len(at.backend.queue.lease(12, 600)) == 10


def test_purging_twice_in_a_minute_says_to_wait(at: Place) -> None:
    at.wire.on("PurgeQueue", lambda _: fault("PurgeQueueInProgress", 403))

    with pytest.raises(ServiceError) as raised:
        at.backend.queue.purge()

    assert "60 seconds" in str(raised.value)


def test_a_message_that_sqs_gave_up_has_no_reason(at: Place) -> None:
    at.backend.queue.send(["poison"])
    for _ in range(10):
        (message,) = at.backend.queue.lease(1, 600)
        at.backend.queue.give_back(message)
    assert at.backend.queue.lease(1, 600) == []

    (letter,) = at.backend.queue.lease_dead(10, 600)

    assert (letter.body, letter.reason) == ("poison", None)


def test_of_the_copies_that_a_killed_worker_leaves_one_is_given_out(at: Place) -> None:
    at.backend.queue.send(["a", "b"])
    for body, times in (("a", 3), ("b", 1)):
        (message,) = (one for one in [*at.backend.queue.lease(2, 0)] if one.body == body)
        for _ in range(times):
            at.aws.client("sqs").send_message(
                QueueUrl=at.backend.resources.dlq_url,
                MessageBody=message.body,
                MessageAttributes=letters.attributes_of(message, REASON),
            )

    found = at.backend.queue.lease_dead(10, 600)

    assert sorted(letter.body for letter in found) == ["a", "b"]
    assert at.backend.queue.depth().dead == 2
    at.backend.queue.delete_dead(found)
    assert at.backend.queue.depth().dead == 0


def test_a_dead_letter_is_the_original_message_with_its_reason(at: Place) -> None:
    at.backend.queue.send(["a"])
    (message,) = at.backend.queue.lease(1, 600)

    at.backend.queue.dead_letter(message, REASON)

    (letter,) = at.backend.queue.lease_dead(1, 600)
    assert (letter.id, letter.reason, letter.receive_count) == (message.id, REASON, 1)


def test_a_reason_travels_in_what_room_and_characters_sqs_gives(at: Place) -> None:
    at.backend.queue.send(["a"])
    (message,) = at.backend.queue.lease(1, 600)
    told = Reason(FailureCode.INTERNAL_ERROR, "é" * 2000, "begin" + "\x1b[31m" * 3000 + "end")

    at.backend.queue.dead_letter(message, told)

    (letter,) = at.backend.queue.lease_dead(1, 600)
    assert letter.reason is not None
    assert letter.reason.detail == "é" * 512
    assert letter.reason.output.endswith("\ufffd[31mend")
    assert len(letter.reason.output.encode()) <= letters.MOST_OUTPUT_BYTES


def test_a_body_that_fills_a_message_leaves_no_room_for_output() -> None:
    message = Message("id", "x" * (letters.MOST_BYTES - 600), "receipt", 1)

    attributes = letters.attributes_of(message, Reason(FailureCode.OUT_OF_TIME, "d" * 50, "o" * 5000))

    assert attributes[letters.DETAIL]["StringValue"] == "d" * 50
    assert len(attributes[letters.OUTPUT]["StringValue"]) == 38
