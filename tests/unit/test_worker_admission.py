"""Which messages a worker takes, and the reason with which it refuses the others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from places import Place, check_dataset

from vbvr_cli.backends.ports import Depth
from vbvr_cli.models import FailureCode, TaskState


def send(place: Place, *messages: dict[str, Any] | str) -> None:
    place.add("good")
    place.backend.allow_bucket(place.bucket)
    bodies = [message if isinstance(message, str) else json.dumps(message) for message in messages]
    place.backend.queue.send(bodies)


def refusal(place: Place, message: dict[str, Any] | str) -> tuple[str, str]:
    """Code and detail with which a worker refuses a message; nothing else comes of it."""
    before = len(place.reasons())
    send(place, message)
    place.work()
    *_, reason = place.reasons()
    assert len(place.reasons()) == before + 1
    return reason


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("", "the message"),
        ("no json", "the message"),
        ("[]", "the message"),
        ('{"num_samples": 1}', "type: Field required"),
        ('{"type": "good"}', "num_samples: Field required"),
        ('{"type": "good", "num_samples": "1"}', "num_samples"),
        ('{"type": "good", "num_samples": 1.5}', "num_samples"),
        ('{"type": "good", "num_samples": true}', "num_samples"),
        ('{"type": "good", "num_samples": 0}', "greater than or equal to 1"),
        ('{"type": "good", "num_samples": 1001}', "less than or equal to 1000"),
        ('{"type": "good", "num_samples": 1, "start_index": -1}', "start_index"),
        ('{"type": "good", "num_samples": 2, "start_index": 99999999}', "99999999"),
        ('{"type": "good", "num_samples": 1, "seed": 2147483648}', "seed"),
        ('{"type": "good", "num_samples": 1, "output_format": "zip"}', "output_format"),
        ('{"type": "good", "num_samples": 1, "run_id": "a/b"}', "run_id"),
        ('{"type": "../../etc", "num_samples": 1}', "type"),
        ('{"type": "good", "num_samples": 1, "shape": "round"}', "shape"),
    ],
)
def test_a_malformed_message_is_invalid_and_each_wrong_field_is_named(
    body: str, named: str, place: Place
) -> None:
    code, detail = refusal(place, body)
    assert code == FailureCode.INVALID_MESSAGE
    assert named in detail
    assert not place.dest.exists()


def test_a_long_value_is_not_repeated_at_length(place: Place) -> None:
    _, detail = refusal(place, {"type": "x" * 100_000, "num_samples": 1})
    assert len(detail) < 500


def test_a_generator_that_is_not_here_is_unknown(place: Place) -> None:
    code, detail = refusal(place, {"type": "nobody", "num_samples": 1})
    assert code == FailureCode.UNKNOWN_GENERATOR
    assert "nobody" in detail


def test_a_bucket_that_nobody_allowed_is_unknown(place: Place) -> None:
    code, detail = refusal(place, {"type": "good", "num_samples": 1, "output_bucket": "/elsewhere"})
    assert code == FailureCode.UNKNOWN_BUCKET
    assert "/elsewhere" in detail


def test_a_run_that_the_ledger_does_not_know_is_unknown(place: Place) -> None:
    message = {"type": "good", "num_samples": 1, "run_id": "feedfeedfeedfeed"}
    code, detail = refusal(place, message)
    assert code == FailureCode.UNKNOWN_RUN
    assert "feedfeedfeedfeed" in detail


def test_a_range_that_belongs_to_another_run_is_taken(place: Place) -> None:
    place.make("good", 4)
    message = {"type": "good", "num_samples": 2, "start_index": 3, "output_bucket": place.bucket}
    code, detail = refusal(place, message)
    assert code == FailureCode.RANGE_TAKEN
    assert place.run("good").key.run_id in detail
    check_dataset(place, "good", 4)


@pytest.mark.parametrize(
    "change",
    [
        {"num_samples": 2},
        {"start_index": 1, "num_samples": 2},
        {"seed": 12},
        {"output_format": "tar"},
        {"dedup": True},
        {"start_index": 4},
    ],
)
def test_a_message_that_is_no_task_of_the_run_it_names_is_invalid(
    change: dict[str, Any], place: Place
) -> None:
    place.make("good", 4, batch_size=4, seed=3)
    (task,) = place.tasks("good")
    code, detail = refusal(place, {**json.loads(task.to_message().to_json()), **change})
    assert code == FailureCode.INVALID_MESSAGE
    assert task.run.run_id in detail
    check_dataset(place, "good", 4)
    assert len(place.records("good")) == 1


def test_a_task_that_replaces_a_dead_one_is_admitted(place: Place) -> None:
    from dataclasses import replace

    place.submit("good", samples=4, batch_size=4)
    (parent,) = place.tasks("good")
    halves = [replace(parent, start_index=start, num_samples=2, seed=start) for start in (0, 2)]
    place.backend.ledger.supersede(parent, halves)
    place.backend.queue.send([half.to_message().to_json() for half in halves])
    place.work()
    assert place.reasons() == []
    check_dataset(place, "good", 4)
    assert [line.seed for line in place.lines("good")] == [0, 0, 2, 2]


@pytest.mark.parametrize(
    ("changed", "code"),
    [("program", FailureCode.WRONG_COMMIT), ("options", FailureCode.WRONG_ENVIRONMENT)],
)
def test_a_generator_in_another_state_than_the_runs_does_not_run(
    changed: str, code: FailureCode, place: Place
) -> None:
    place.submit("good", samples=2)
    if changed == "program":
        (place.generators / "good" / "sample.py").open("a").write("# another commit\n")
    else:
        place.tuned = {"options": ("--other",)}
    place.work()
    assert [one for one, _ in place.reasons()] == [code]
    record = place.record("good")
    assert record.state is TaskState.DEAD
    assert record.reason is not None
    assert record.reason.code is code


def test_a_message_that_names_no_run_is_a_run_of_its_own_and_the_same_again_is_the_same(place: Place) -> None:
    message = {"type": "good", "num_samples": 2, "output_bucket": place.bucket, "start_index": 5}
    send(place, message, message)
    place.work()
    run = place.run("good")
    assert run.key.run_id.startswith("adhoc-")
    check_dataset(place, "good", 2, first=5)
    assert (place.dest / "manifests" / "good" / run.key.run_id / "run.json").exists()
    assert place.backend.queue.depth() == Depth(waiting=0, in_flight=0, delayed=0, dead=0)


def test_a_hand_written_run_that_was_cut_short_before_its_description_gets_it(place: Place) -> None:
    message = {"type": "good", "num_samples": 2, "output_bucket": place.bucket}
    send(place, message)
    place.work()
    record = place.dest / "manifests" / "good" / place.run("good").key.run_id / "run.json"
    described = record.read_bytes()
    record.unlink()
    send(place, message)
    place.work()
    assert record.read_bytes() == described


def test_a_task_by_hand_makes_what_its_seed_says(place: Place) -> None:
    send(place, {"type": "good", "num_samples": 2, "seed": 77, "output_bucket": place.bucket})
    place.work()
    assert {line.seed for line in place.lines("good")} == {77}
