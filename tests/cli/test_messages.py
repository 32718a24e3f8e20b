"""`vbvr submit --message`: what a person writes is looked at before it is sent."""

from __future__ import annotations

import json

import pytest
from places import Vbvr


@pytest.fixture
def good(vbvr: Vbvr) -> Vbvr:
    vbvr.add("good")
    return vbvr


def lines(*messages: dict[str, object]) -> str:
    return "\n".join(map(json.dumps, messages))


def waiting(vbvr: Vbvr) -> int:
    return int(vbvr.ok("queue", "count", "--json").json["waiting"])


def test_a_dry_run_shows_a_row_for_each_kind_of_task_and_sends_nothing(good: Vbvr) -> None:
    text = lines(
        {"type": "good", "num_samples": 4},
        {"type": "good", "num_samples": 4, "start_index": 4},
        {"type": "good", "num_samples": 3, "start_index": 8, "dedup": True},
    )

    shown = good.ok("submit", "--message", "-", "--dry-run", "--json", stdin=text).json

    assert shown["dry_run"] is True
    assert [(one["samples"], one["tasks"], one["batch_size"]) for one in shown["plan"]] == [
        (8, 2, 4),
        (3, 1, 3),
    ]
    assert waiting(good) == 0


def test_a_dry_run_names_generators_that_nobody_has(good: Vbvr) -> None:
    text = lines({"type": "nowhere", "num_samples": 1}, {"type": "good", "num_samples": 1})

    shown = good.ok("submit", "--message", "-", "--dry-run", stdin=text)

    assert "1 message of nowhere" in shown.stderr
    assert [line.split("\t")[0] for line in shown.stdout.splitlines()] == ["good"]


@pytest.mark.parametrize(
    "option",
    [("-n", "10000"), ("--seed", "0"), ("-b", "5"), ("--dedup",), ("--bucket", "there"), ("--resend",)],
    ids="-".join,
)
def test_an_option_that_a_message_answers_itself_is_refused(good: Vbvr, option: tuple[str, ...]) -> None:
    refused = good("submit", "--message", "-", *option, stdin=lines({"type": "good", "num_samples": 1}))

    assert refused.exit_code == 2
    assert "does not go with --message" in refused.stderr
    assert waiting(good) == 0
