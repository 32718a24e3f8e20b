"""The same commands on SQS, S3 and DynamoDB, as an operator types them, against an emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from emulators.ministack import ministack
from emulators.stack import REGION, make_stack, session
from places import Vbvr, tree


@pytest.fixture
def on_aws(vbvr: Vbvr, tmp_path: Path) -> Iterator[Vbvr]:
    folder = tmp_path / "emulator"
    folder.mkdir()
    with ministack(folder) as emulator:
        stack = make_stack(session(), emulator.url)
        vbvr.environment |= {
            "VBVR_TARGET": "aws",
            "AWS_ENDPOINT_URL": emulator.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "SQS_QUEUE_URL": stack.queue_url,
            "SQS_DLQ_URL": stack.dlq_url,
            "OUTPUT_BUCKET": stack.bucket,
            "LEDGER_TABLE_NAME": stack.ledger_table,
            "DEDUP_TABLE_NAME": stack.dedup_table,
        }
        yield vbvr


def test_a_run_is_submitted_worked_on_watched_and_downloaded(on_aws: Vbvr) -> None:
    on_aws.add("good")
    sent = on_aws.ok("submit", "-g", "good", "-n", "6", "-b", "2", "--json").json
    again = on_aws.ok("submit", "-g", "good", "-n", "6", "--json").json
    worked = on_aws.ok("worker", "--workers", "2", "--json").json
    snapshot = json.loads(on_aws.ok("monitor", "--json").stdout)
    [run] = on_aws.ok("status", sent["runs"][0]["run_id"], "--json").json
    on_aws.ok("download", "--dest", "results")

    assert (sent["tasks_sent"], again["tasks_sent"]) == (3, 0)
    assert worked["samples_done"] == 6
    assert snapshot["queue"]["waiting"] == 0
    assert run["complete"]
    assert on_aws.folder.joinpath("results/questions/good").is_dir()


def test_the_bytes_are_those_that_this_machine_makes_alone(on_aws: Vbvr) -> None:
    on_aws.add("good")
    on_aws.ok("submit", "-g", "good", "-n", "4", "-b", "2", "-s", "7")
    on_aws.ok("worker", "--workers", "1")
    on_aws.ok("download", "--dest", "remote")
    on_aws.ok("generate", "-g", "good", "-n", "4", "-b", "2", "-s", "7", "--dest", "local")

    assert tree(on_aws.folder / "remote") == tree(on_aws.folder / "local")


def test_what_died_is_listed_with_its_reason_and_redriven(on_aws: Vbvr) -> None:
    on_aws.add("always_fails")
    on_aws.ok("submit", "-g", "always_fails", "-n", "4", "-b", "2")
    on_aws.ok("worker", "--workers", "1")
    listed = on_aws.ok("dlq", "list", "--json").json
    redriven = on_aws.ok("dlq", "redrive", "--reason", "generator_failed", "--new-seed", "--json").json
    on_aws.ok("cancel", "--yes")
    on_aws.ok("worker", "--workers", "1")

    assert [entry["code"] for entry in listed["entries"]] == ["generator_failed"] * 2
    assert redriven["tasks_sent"] == 2
    assert on_aws.ok("queue", "count", "--json").json["dead"] == 0
