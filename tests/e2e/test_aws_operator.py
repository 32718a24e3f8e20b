"""What an operator of a stack sees: where things are, what they will cost, what is offered, what is wrong."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from emulators.deployed import RAISES, deploy, make_outputs
from emulators.ministack import Ministack, ministack
from emulators.stack import REGION, make_stack, session
from places import PATIENCE_SECONDS, Vbvr, wait_until

from vbvr_cli.backends.aws.backend import AwsBackend
from vbvr_cli.backends.aws.resources import Resources
from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.catalog.roster import LeftOut, Roster
from vbvr_cli.models import TaskState
from vbvr_cli.planning import tasks_of


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    with ministack(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@dataclass(frozen=True)
class Operator:
    """A user with credentials and a deployed stack, whose image holds `good` alone."""

    vbvr: Vbvr
    stack: str
    resources: Resources
    url: str

    def client(self, service: str) -> Any:
        return session().client(service, endpoint_url=self.url)  # type: ignore[call-overload]

    def submit(self, *arguments: str) -> Any:
        return self.vbvr("submit", "--target", "aws", "--stack", self.stack, *arguments)

    def waiting(self) -> int:
        """Messages in the queue."""
        name = "ApproximateNumberOfMessages"
        answer = self.client("sqs").get_queue_attributes(
            QueueUrl=self.resources.queue_url, AttributeNames=[name]
        )
        return int(answer["Attributes"][name])

    def sent(self) -> list[str]:
        """The body of every message, taken out of the queue."""
        client, bodies = self.client("sqs"), []
        while found := client.receive_message(
            QueueUrl=self.resources.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=600
        ).get("Messages", []):
            bodies += [message["Body"] for message in found]
        return bodies


def roster_of(vbvr: Vbvr) -> str:
    catalog = Catalog.load(vbvr.folder / "generators.yaml", [vbvr.generators])
    left_out = {"G-9_render_data-generator": LeftOut(reason="it needs Blender")}
    return Roster.of([catalog.get("good")], root=Path("/"), architecture="arm64", left_out=left_out).to_json()


def operator_of(vbvr: Vbvr, emulator: Ministack, **deployment: Any) -> Operator:
    vbvr.add("good", "always_fails")
    vbvr.environment |= {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    stack = f"s-{uuid4().hex[:8]}"
    resources = make_stack(session(), emulator.url)
    deployment = {"roster": roster_of(vbvr), **deployment}
    deploy(session(), resources, name=stack, endpoint_url=emulator.url, **deployment)
    return Operator(vbvr, stack, resources, emulator.url)


@pytest.fixture
def operator(vbvr: Vbvr, emulator: Ministack) -> Operator:
    return operator_of(vbvr, emulator)


def test_a_stack_that_was_used_once_is_the_target_from_then_on(operator: Operator) -> None:
    vbvr = operator.vbvr
    before = vbvr.ok("queue", "count", VBVR_STACK=operator.stack)
    vbvr.ok("queue", "count", "--target", "aws", "--stack", operator.stack)
    after = vbvr.ok("queue", "count", "--stack", operator.stack)

    assert "target: local" in before.stderr
    assert f"target: aws, stack {operator.stack} in {REGION}" in after.stderr
    assert "target: local" in vbvr.ok("queue", "count", "--target", "local").stderr


def test_a_dry_run_shows_plan_cost_and_time_and_sends_nothing(operator: Operator) -> None:
    shown = operator.submit("-g", "all", "-n", "10000", "-b", "100", "--dry-run")
    as_json = operator.submit("-g", "all", "-n", "10000", "-b", "100", "--dry-run", "--json").json

    cost = as_json["cost"]
    assert (cost["tasks"], cost["samples"], cost["architecture"]) == (100, 10_000, "arm64")
    assert (cost["memory_mb"], cost["max_workers"], cost["assumed"]) == (2048, 40, None)
    assert cost["usd"] == pytest.approx(sum(item["usd"] for item in cost["items"]), abs=0.001)
    assert cost["items"][0]["units"] == pytest.approx((10_000 + 100) * 2)
    for item in ("Lambda, time", "S3, writing", "SQS", "DynamoDB", "S3, a month", "download, once"):
        assert f"{item}\t" in shown.stdout
    assert f"prices of us-east-1 in {cost['prices_as_of']}" in shown.stderr
    assert "up to 40 functions at a time" in shown.stderr
    assert operator.waiting() == 0
    assert not operator.vbvr.ok("status", "--stack", operator.stack, "--json").json


def test_all_is_what_the_image_holds(operator: Operator) -> None:
    submitted = operator.submit("-g", "all", "-n", "4", "-b", "2", "--yes")
    unknown = operator.submit("-g", "always_fails", "-n", "4", "--yes")
    left_out = operator.submit("-g", "G-9_render_data-generator", "-n", "4", "--yes")
    listed = operator.vbvr.ok("generators", "list", "--stack", operator.stack, "--all", "--json").json

    assert submitted.exit_code == 0
    assert {json.loads(body)["type"] for body in operator.sent()} == {"good"}
    assert "1 of the generators meant cannot run yet" in submitted.stderr
    assert (unknown.exit_code, left_out.exit_code) == (2, 3)
    assert "it needs Blender" in left_out.stderr
    assert [one["name"] for one in listed["generators"]] == ["good"]
    assert [one["name"] for one in listed["unavailable"]] == ["G-9_render_data-generator"]


def test_an_image_that_does_not_answer_keeps_a_submit_from_guessing(vbvr: Vbvr, emulator: Ministack) -> None:
    operator = operator_of(vbvr, emulator, code=RAISES)

    refused = operator.submit("-g", "all", "-n", "4", "--yes")

    assert refused.exit_code == 4
    assert "the image is broken" in refused.stderr
    assert operator.waiting() == 0


def test_without_an_answer_nothing_is_spent(operator: Operator) -> None:
    refused = operator.submit("-g", "all", "-n", "10")

    assert refused.exit_code == 2
    assert "nobody is there to answer" in refused.stderr
    assert "--yes" in refused.stderr
    assert operator.waiting() == 0


@pytest.mark.parametrize("more", [("--yes",), ("--dry-run",)])
def test_more_than_the_limit_is_refused(operator: Operator, more: tuple[str, ...]) -> None:
    refused = operator.submit("-g", "all", "-n", "100000", "--max-cost", "0.5", *more)

    assert refused.exit_code == 2
    assert "more than --max-cost 0.50" in refused.stderr
    assert "checked before sending only" in refused.stderr
    assert operator.waiting() == 0


def test_within_the_limit_it_is_sent_and_said_for_what(operator: Operator) -> None:
    submitted = operator.submit("-g", "all", "-n", "10", "-b", "2", "--max-cost", "0.5", "--yes", "--json")
    again = operator.submit("-g", "all", "-n", "10", "--json")

    assert submitted.json["tasks_sent"] == submitted.json["cost"]["tasks"] == operator.waiting() == 5
    assert (again.exit_code, again.json["tasks_sent"], again.json["cost"]["usd"]) == (0, 0, 0)


def on_a_terminal(operator: Operator, answer: str) -> str:
    """What a person sees who is asked and answers."""
    terminal, theirs = pty.openpty()
    command = ["submit", "--target", "aws", "--stack", operator.stack, "-g", "all", "-n", "10", "-b", "2"]
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("vbvr")), *command],
        cwd=operator.vbvr.folder,
        env=operator.vbvr.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown, deadline = b"", time.monotonic() + PATIENCE_SECONDS
    while b"[y/N]" not in shown and time.monotonic() < deadline:
        shown += os.read(terminal, 4096)
    os.write(terminal, f"{answer}\n".encode())
    while True:
        try:
            more = os.read(terminal, 4096)
        except OSError:  # how Linux says that nobody writes any more
            break
        if not more:
            break
        shown += more
    assert process.wait(PATIENCE_SECONDS) == 0
    os.close(terminal)
    return shown.decode()


def test_a_person_is_asked_after_seeing_what_it_costs(operator: Operator) -> None:
    declined = on_a_terminal(operator, "n")
    assert "Nothing was sent." in declined
    assert operator.waiting() == 0

    accepted = on_a_terminal(operator, "y")
    assert accepted.index("Lambda, time") < accepted.index("Send 5 tasks")
    assert operator.waiting() == 5


def test_messages_by_hand_are_estimated_and_asked_about_too(operator: Operator, tmp_path: Path) -> None:
    messages = tmp_path / "messages.jsonl"
    messages.write_text('{"type": "good", "num_samples": 1000}\n{"type": "nowhere", "num_samples": 1000}\n')

    shown = operator.submit("--message", messages, "--dry-run", "--json").json["cost"]
    unasked = operator.submit("--message", messages)
    too_much = operator.submit("--message", messages, "--max-cost", "0.0001", "--yes")
    assert (shown["tasks"], shown["samples"]) == (1, 1000)
    assert unasked.exit_code == too_much.exit_code == 2
    assert "Send 1 task, to be made for about" in unasked.stderr
    assert "more than --max-cost" in too_much.stderr
    assert "1 message of nowhere" in too_much.stderr
    assert operator.waiting() == 0

    sent = operator.submit("--message", messages, "--yes", "--json").json
    assert (sent["tasks_sent"], sent["cost"]["tasks"]) == (2, 1)
    assert operator.waiting() == 2


def test_messages_that_are_doomed_are_named_and_asked_about(operator: Operator, tmp_path: Path) -> None:
    messages = tmp_path / "messages.jsonl"
    doomed = [
        {"type": "good", "num_samples": 5, "output_bucket": "somebody-elses"},
        {"type": "good", "num_samples": 5, "run_id": "0123456789abcdef"},
    ]
    messages.write_text("\n".join(map(json.dumps, doomed)))

    shown = operator.submit("--message", messages, "--dry-run", "--json").json
    unasked = operator.submit("--message", messages)

    assert [(one["of"], one["messages"]) for one in shown["doomed"]] == [
        ("bucket somebody-elses", 1),
        ("run 0123456789abcdef", 1),
    ]
    assert (shown["plan"], shown["cost"]["usd"]) == ([], 0)
    assert unasked.exit_code == 2
    assert "Submit all the same?" in unasked.stderr
    assert operator.waiting() == 0
    assert operator.submit("--message", messages, "--yes", "--json").json["tasks_sent"] == 2
    assert operator.waiting() == 2


@pytest.mark.parametrize("piped", [False, True], ids=["file", "stdin"])
def test_messages_that_were_stopped_say_how_to_go_on(operator: Operator, tmp_path: Path, piped: bool) -> None:
    text = "".join(f'{{"type": "good", "num_samples": 1, "start_index": {n}}}\n' for n in range(20_000))
    messages = tmp_path / "messages.jsonl"
    messages.write_text(text)
    source = "-" if piped else str(messages)
    command = ["submit", "--target", "aws", "--stack", operator.stack, "--message", source, "--yes"]
    process = operator.vbvr.start(*command)
    if piped:
        assert process.stdin is not None
        process.stdin.write(text)
        process.stdin.close()
        process.stdin = None
    wait_until(lambda: operator.waiting() or process.poll() is not None, "the first messages")
    os.kill(process.pid, signal.SIGINT)
    stopped = operator.vbvr.finish(process)

    assert 0 < operator.waiting() < 20_000
    assert stopped.exit_code == 130
    assert "Some of the messages may have been sent" in stopped.stderr
    assert "sent twice is made once" in stopped.stderr
    assert ("have to be given again" in stopped.stderr) is piped
    assert f"vbvr {' '.join(command)}" in stopped.stderr


def test_what_is_sent_again_is_said_beside_the_plan(operator: Operator) -> None:
    request = ("-g", "good", "-n", "40", "-b", "10")
    operator.submit(*request, "--yes")

    shown = operator.submit(*request, "--resend", "--dry-run")
    counted = operator.submit(*request, "--resend", "--dry-run", "--json").json

    assert "4 tasks of earlier requests (40 samples) that are not done are sent again" in shown.stderr
    assert counted["earlier"] == {"tasks": 4, "samples": 40}
    assert "earlier requests" not in operator.submit(*request, "--dry-run").stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_stopped_submit_loses_nothing_and_says_how_to_go_on(
    operator: Operator, number: signal.Signals
) -> None:
    command = ["submit", "--target", "aws", "--stack", operator.stack, "-g", "good", "-n", "12000", "-b", "1"]
    process = operator.vbvr.start(*command, "--yes")
    wait_until(lambda: operator.waiting() or process.poll() is not None, "the first messages")
    os.kill(process.pid, number)
    stopped = operator.vbvr.finish(process)
    sent_before = operator.waiting()

    assert stopped.exit_code == 130
    assert f"vbvr {' '.join(command)} --yes" in stopped.stderr
    assert 0 < sent_before < 12_000
    estimated = operator.vbvr.ok(*command, "--dry-run", "--json").json["cost"]["tasks"]
    again = operator.vbvr.ok(*command, "--yes", "--json").json
    assert (estimated, again["tasks_sent"]) == (12_000 - sent_before, 12_000 - sent_before)
    with closing(AwsBackend(operator.resources, session(), endpoint_url=operator.url)) as backend:
        [run] = backend.ledger.list_runs()
        states = backend.ledger.states(run.key, list(tasks_of(run)))
    assert states == [TaskState.SENT] * 12_000
    assert operator.waiting() == 12_000


def test_the_doctor_says_what_each_setting_is_and_comes_from(operator: Operator) -> None:
    (operator.vbvr.folder / ".env").write_text(f"LEDGER_TABLE_NAME={operator.resources.ledger_table}\n")
    (operator.vbvr.folder / "vbvr.yaml").write_text(f"region: {REGION}\n")

    shown = operator.vbvr("doctor", "--target", "aws", "--json", VBVR_STACK=operator.stack)

    found = {finding["what"]: finding for finding in shown.json}
    resources = operator.resources
    assert found["target"]["detail"] == "aws (from: option)"
    assert found["stack"]["detail"] == f"{operator.stack} (from: VBVR_STACK)"
    assert found["region"]["detail"] == f"{REGION} (from: vbvr.yaml)"
    assert found["ledger table"]["detail"] == f"{resources.ledger_table} (from: .env)"
    assert found["bucket"]["detail"] == f"{resources.bucket} (from: stack {operator.stack})"
    assert found["queue url"]["detail"] == f"{resources.queue_url} (from: stack {operator.stack})"
    assert found["profile"]["detail"] == "not set"
    assert found["image"]["detail"] == "1 generators, 1 left out, arm64, vbvr 0.1.0"
    for part in ("credentials", "queue", "dead letters", "store", "ledger", "dedup", "state"):
        assert found[part]["health"] == "ok", found[part]
    assert "does not feed" in found["function"]["detail"]  # the emulated stack is made so
    assert shown.exit_code == 3


@pytest.mark.parametrize(
    ("arguments", "environment", "said", "mend"),
    [
        (["--stack", "nowhere"], {}, "There is no stack nowhere", "vbvr deploy --stack nowhere"),
        (["--profile", "nobody"], {}, "profile does not exist", "aws configure list-profiles"),
        ([], {"AWS_ACCESS_KEY_ID": ""}, "No AWS credentials were found", "aws configure sso"),
        (
            ["--region", "eu-west-1"],
            {"SQS_QUEUE_URL": "gone"},
            "There is no stack vbvr in eu-west-1",
            "--region eu-west-1",
        ),
    ],
    ids=["absent-stack", "missing-profile", "no-credentials", "other-region"],
)
def test_what_keeps_the_target_from_opening_is_named_by_every_command(
    operator: Operator, arguments: list[str], environment: dict[str, str], said: str, mend: str
) -> None:
    for command in (["queue", "count"], ["status"], ["monitor"], ["dlq", "list"], ["doctor"]):
        shown = operator.vbvr(*command, "--target", "aws", *arguments, **environment)
        told = f"{shown.stdout} {shown.stderr}"
        assert shown.exit_code == 3, told
        assert said in told
        assert mend in told


def test_a_login_that_expired_is_said_to_be_one(operator: Operator) -> None:
    folder = operator.vbvr.folder / "user" / ".aws"
    folder.mkdir()
    (folder / "config").write_text(
        "[sso-session work]\nsso_start_url = https://example.awsapps.com/start\nsso_region = us-east-2\n"
        "[profile sso]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = dev\n"
    )

    shown = operator.vbvr(
        "queue",
        "count",
        "--target",
        "aws",
        "--profile",
        "sso",
        AWS_ACCESS_KEY_ID="",
        AWS_SECRET_ACCESS_KEY="",
    )

    assert shown.exit_code == 3
    assert "The AWS login has expired" in shown.stderr
    assert "aws sso login" in shown.stderr


def test_the_monitor_shows_functions_at_work_and_what_was_spent(operator: Operator) -> None:
    operator.submit("-g", "good", "-n", "4", "-b", "2", "--yes")
    operator.client("cloudwatch").put_metric_data(
        Namespace="AWS/Lambda",
        MetricData=[
            {
                "MetricName": "ConcurrentExecutions",
                "Dimensions": [{"Name": "FunctionName", "Value": f"{operator.stack}-worker"}],
                "Timestamp": datetime.now(UTC),
                "Value": 37.0,
            }
        ],
    )
    before = operator.vbvr.ok("monitor", "--stack", operator.stack, "--json").json
    operator.vbvr.ok("worker", "--workers", "1", "--stack", operator.stack)
    after = operator.vbvr.ok("monitor", "--stack", operator.stack, "--json").json
    plain = operator.vbvr.ok("monitor", "--stack", operator.stack).stdout

    assert (before["functions"], before["max_functions"], before["cost_usd"]) == (37, 40, 0)
    assert after["cost_usd"] > 0
    assert "37 functions, cost so far " in plain


def test_a_stack_without_functions_still_works_with_what_is_here(operator: Operator) -> None:
    resources = make_stack(session(), operator.url)
    outputs = {
        "QueueUrl": resources.queue_url,
        "DlqUrl": resources.dlq_url,
        "BucketName": resources.bucket,
        "DedupTableName": resources.dedup_table,
        "LedgerTableName": resources.ledger_table,
    }
    make_outputs(session(), f"{operator.stack}-plain", outputs, operator.url)
    options = ["--target", "aws", "--stack", f"{operator.stack}-plain"]

    shown = operator.vbvr.ok("submit", *options, "-g", "always_fails", "-n", "2", "--yes", "--json")

    assert "function works here" in shown.json["cost"]["assumed"]
    assert shown.json["tasks_sent"] == 1


def test_generate_is_for_this_machine(operator: Operator) -> None:
    refused = operator.vbvr("generate", "-g", "good", "-n", "2", "--target", "aws")
    made = operator.vbvr.ok("generate", "-g", "good", "-n", "2", VBVR_TARGET="aws")

    assert refused.exit_code == 2
    assert "vbvr submit --target aws" in refused.stderr
    assert "target: local" in made.stderr
