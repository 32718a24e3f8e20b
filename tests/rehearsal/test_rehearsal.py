"""The whole way on one machine without Docker: deploy, submit, work, repair, download, destroy.

Everything is what an operator has, but for AWS itself, which is an emulator that checks every key and
every policy: `make rehearse` prints each step with its seconds.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest
from rehearsal.scene import STACK, WORKER, Scene, scene

from vbvr_cli.manifest import parse_manifest

CRASHING = "crashes_on_some_seeds"
NONOGRAM = "O-nonogram_data-generator"


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("rehearsal"), "good", CRASHING) as playing:
        yield playing


def test_a_factory_is_deployed_used_repaired_and_destroyed(play: Scene) -> None:
    step = play.steps
    with step("strangers are turned away: exit code 3"):
        _strangers_are_turned_away(play)
    with step("vbvr deploy --diff changes nothing"):
        _a_difference_changes_nothing(play)
    with step("vbvr deploy"):
        _deploy(play)
    with step("a deployment that cannot be says why: exit code 4"):
        _a_bucket_belongs_to_one_stack(play)
    with step("the functions run on the credentials of their roles"):
        play.serve_both()
        _the_worker_may_not_do_more_than_it_needs(play)
    with step("vbvr submit: 160 samples"):
        assert play.vbvr.ok("submit", "-g", "good", "-n", "160", "-b", "10", "--yes", "--json").json[
            "tasks_sent"
        ]
    with step("the submit function submits: 40 samples"):
        answer = play.invoke_submit(
            {"generators": [NONOGRAM], "samples": 40, "batch_size": 10, "max_cost_usd": 1}
        )
        assert (answer["status"], answer["samples_sent"]) == ("complete", 40)
    with step("a message is sent by hand: 5 samples"):
        _send(play, {"type": "good", "num_samples": 5, "start_index": 100_000, "seed": 7})
    with step("all of it is worked on"):
        assert play.drained() == 0
    with step("vbvr monitor, status: nothing is missing"):
        _nothing_is_missing(play)
    with step("a poisoned message is with the dead letters, and why"):
        _poison(play)
    with step("its redrive is refused until its file is mended"):
        _mend(play)
    with step("a generator that crashes is redriven with new seeds until it is complete"):
        _redrive_with_new_seeds(play)
    with step("vbvr download: every byte checked"):
        _download(play)
    with step("vbvr destroy refuses while tasks wait"):
        _destroying_is_refused_while_tasks_wait(play)
    with step("vbvr destroy"):
        _destroy(play)
    with step("vbvr deploy, stopped with Ctrl-C: exit code 130, and what goes on is said"):
        _stop_a_deployment(play)
    with step("vbvr deploy takes up what stayed; nothing is made again"):
        _deploy_again(play)
    with step("vbvr destroy"):
        _destroy(play)


def _strangers_are_turned_away(play: Scene) -> None:
    unknown = play.vbvr(
        "deploy", "--diff", "--image-uri", play.image_uri, AWS_ACCESS_KEY_ID="AKIA7NOBODY7KNOWS7ME"
    )
    assert unknown.exit_code == 3
    assert "AWS does not know these credentials" in unknown.stderr


def _a_difference_changes_nothing(play: Scene) -> None:
    planned = play.vbvr.ok("deploy", "--diff", "--json", "--image-uri", play.image_uri).json
    assert (planned["status"], planned["exists"], planned["bootstrap"]) == ("planned", False, True)
    assert {"make"} == {change["action"] for change in planned["changes"]}
    assert play.client("cloudformation").describe_stacks()["Stacks"] == []


def _deploy(play: Scene) -> None:
    deployed = play.vbvr.ok("deploy", "--yes", "--json", "--image-uri", play.image_uri)
    for line in deployed.stderr.splitlines():
        play.steps.say(f"          {line}")
    assert deployed.json["status"] == "deployed"
    assert deployed.json["outputs"]["FunctionName"] == WORKER
    again = play.vbvr.ok("deploy", "--diff", "--json", "--image-uri", play.image_uri).json
    assert (again["changes"], again["permissions"], again["bootstrap"]) == ([], [], False)


def _a_bucket_belongs_to_one_stack(play: Scene) -> None:
    bucket = f"bucketName={STACK}-output-000000000000"
    failed = play.vbvr(
        "deploy", "--yes", "--stack", "second", "--context", bucket, "--image-uri", play.image_uri
    )
    assert failed.exit_code == 4
    assert "already exists in stack" in failed.stderr
    assert "second-us-east-2.log" in failed.stderr


def _the_worker_may_not_do_more_than_it_needs(play: Scene) -> None:
    s3 = play.client("s3", play.credentials_of(WORKER))
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.list_buckets()


def _send(play: Scene, message: object) -> None:
    queue = play.client("sqs").get_queue_url(QueueName=f"{STACK}-queue")["QueueUrl"]
    body = message if isinstance(message, str) else json.dumps(message)
    play.client("sqs").send_message(QueueUrl=queue, MessageBody=body)


def _nothing_is_missing(play: Scene) -> None:
    snapshot = json.loads(play.vbvr.ok("monitor", "--json").stdout)
    assert snapshot["queue"]["waiting"] == snapshot["queue"]["dead"] == 0
    runs = play.vbvr.ok("status", "--json").json
    assert sum(run["samples_done"] for run in runs) == 205
    for run in runs:
        (checked,) = play.vbvr.ok("status", run["run_id"], "--json").json
        assert checked["complete"], checked


def _poison(play: Scene) -> None:
    _send(play, {"type": "good", "num_samples": "ten", "start_index": 200_000})
    assert play.drained() == 1
    letter = json.loads(play.vbvr.ok("dlq", "list", "--bodies", "--json").stdout)
    assert letter["code"] == "invalid_message"
    assert "num_samples" in letter["detail"]


def _mend(play: Scene) -> None:
    assert play.vbvr("dlq", "redrive").exit_code == 5
    play.vbvr.ok("dlq", "download", "--output", "letters", "--delete")
    (file,) = (play.vbvr.folder / "letters").glob("*.json")
    refused = play.vbvr("dlq", "redrive", "--from", "letters")
    assert (refused.exit_code, "nothing was sent" in refused.stderr) == (2, True)
    letter = json.loads(file.read_text())
    file.write_text(
        json.dumps({**letter, "body": {"type": "good", "num_samples": 3, "start_index": 200_000}})
    )
    assert play.vbvr.ok("dlq", "redrive", "--from", "letters", "--json").json["tasks_sent"] == 1
    assert play.drained() == 0


def _redrive_with_new_seeds(play: Scene) -> None:
    play.vbvr.ok("submit", "-g", CRASHING, "-n", "12", "-b", "1", "--yes")
    redrives = 0
    while play.drained():
        redrives += 1
        assert redrives < 10
        play.vbvr.ok("dlq", "redrive", "-g", CRASHING, "--new-seed", "--json")
    assert redrives
    (run,) = [one for one in play.vbvr.ok("status", "--json").json if one["generator"] == CRASHING]
    assert run["samples_done"] == 12


def _download(play: Scene) -> None:
    play.vbvr.ok("download", "--dest", "results")
    results = play.vbvr.folder / "results"
    lines = [
        line
        for file in results.glob("manifests/*/*/*.jsonl")
        for line in parse_manifest(file.name, file.read_bytes())
    ]
    assert len(lines) == 160 + 40 + 5 + 3 + 12
    for line in lines:
        for entry in line.files:
            assert (results / "questions" / line.folder / entry.name).stat().st_size == entry.size


def _destroying_is_refused_while_tasks_wait(play: Scene) -> None:
    mapping = play.client("lambda").list_event_source_mappings(FunctionName=WORKER)["EventSourceMappings"][0]
    play.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    _send(play, {"type": "good", "num_samples": 1, "start_index": 300_000})
    refused = play.vbvr("destroy", "--yes")
    assert refused.exit_code == 2
    assert "--drop-tasks" in refused.stderr
    play.vbvr.ok("queue", "purge", "--yes")


def _destroy(play: Scene) -> None:
    gone = play.vbvr.ok("destroy", "--yes", "--json").json
    assert [one["kind"] for one in gone["kept"]] == ["bucket", "table", "table"]
    bucket = gone["kept"][0]["name"]
    assert play.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] > 200
    assert f"{STACK}-ledger" in play.client("dynamodb").list_tables()["TableNames"]
    assert play.client("sqs").list_queues().get("QueueUrls", []) == []
    assert play.vbvr("monitor", "--target", "aws", "--json").exit_code == 3


def _stop_a_deployment(play: Scene) -> None:
    process = play.vbvr.start("deploy", "--yes", "--image-uri", play.image_uri)
    assert process.stderr
    for line in process.stderr:
        if "Deploying stack" in line:
            process.send_signal(signal.SIGINT)
            break
    stopped = play.vbvr.finish(process)
    assert stopped.exit_code == 130
    assert "CloudFormation goes on" in stopped.stderr
    assert "aws cloudformation describe-stack-events --stack-name vbvr" in stopped.stderr


def _deploy_again(play: Scene) -> None:
    again = play.vbvr.ok("deploy", "--yes", "--json", "--image-uri", play.image_uri).json
    taken_up = {change["name"] for change in again["changes"] if change["action"] == "take up"}
    assert taken_up == {f"{STACK}-output-000000000000", f"{STACK}-ledger", f"{STACK}-dedup"}
    play.serve_both()
    submitted = play.vbvr.ok("submit", "-g", "good", "-n", "160", "-b", "10", "--yes", "--json").json
    assert submitted["tasks_sent"] == 0
