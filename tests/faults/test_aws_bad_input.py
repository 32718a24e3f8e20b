"""What is wrong on AWS is said with its cause and the way out, loses nothing, and going on finishes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from dead_tasks import let_die
from emulators.faulty_wire import Answer, Asked, fault
from emulators.target import Target, check_bucket, check_nothing_is_left
from places import Finished

from vbvr_cli.models import TaskState

SUBMIT = ("submit", "--yes", "-g", "good", "-n", "4", "-b", "2")
WORKER = {"VBVR_SUPERVISED": "1"}
NAMES = ("SQS_QUEUE_URL", "SQS_DLQ_URL", "OUTPUT_BUCKET", "LEDGER_TABLE_NAME", "DEDUP_TABLE_NAME")


@pytest.fixture(autouse=True)
def a_generator(on_aws: Target) -> None:
    on_aws.vbvr.add("good")


def check_said(finished: Finished, *words: str, code: int = 3) -> None:
    """An error with its cause and a way out, in which these words are; and the exit code."""
    assert finished.exit_code == code, finished.stderr
    said = finished.stderr[finished.stderr.index("error: ") :]
    assert "\n  why: " in said
    assert "\n  fix: " in said
    assert [word for word in words if word not in said] == []


def denied(service: str) -> Callable[[Asked], Answer | None]:
    """A rule by which a service lets nobody in, as that of another account does."""
    return lambda asked: fault(asked, "AccessDenied", 403) if asked.service == service else None


def finish(on_aws: Target, samples: int = 4) -> None:
    """Going on with the same commands brings it to its end."""
    on_aws.wire.clear()
    on_aws.let_leases_lapse()
    on_aws.vbvr.ok(*SUBMIT)
    on_aws.work()
    check_bucket(on_aws, good=samples)
    check_nothing_is_left(on_aws)


def test_a_bucket_of_another_account_is_refused_and_nothing_is_sent(on_aws: Target) -> None:
    on_aws.wire.before = denied("s3")

    for options in (["--bucket", "somebodys"], []):
        check_said(on_aws.vbvr(*SUBMIT, *options), "is denied", "another account", "s3:ListBucket")
    check_said(on_aws.vbvr("download", "--dest", "results"), "is denied")
    on_aws.wire.clear()
    check_said(on_aws.vbvr(*SUBMIT, "--bucket", "nobodys"), "There is no bucket nobodys", "--bucket")

    assert on_aws.vbvr.ok("status", "--json").json == []
    assert on_aws.backend.queue.depth().waiting == 0
    finish(on_aws)


def test_a_worker_that_may_not_write_stops_and_costs_no_task_an_attempt(on_aws: Target) -> None:
    on_aws.vbvr.ok(*SUBMIT)
    on_aws.wire.before = lambda asked: denied("s3")(asked) if asked.operation == "PutObject" else None

    for _ in range(4):  # more often than a task is tried
        check_said(on_aws.vbvr("worker", **WORKER), "PutObject is denied", "s3:PutObject")

    (progress,) = on_aws.backend.ledger.progress()
    assert progress.tasks[TaskState.SENT] == 2
    finish(on_aws)


def test_a_queue_a_dead_letter_queue_or_a_table_that_is_gone_is_named(on_aws: Target) -> None:
    vbvr, submit = on_aws.vbvr, (*SUBMIT, "--dedup")
    vbvr.add("always_fails")
    gone_queue, gone_dlq = (f"{vbvr.environment[name]}-gone" for name in NAMES[:2])

    check_said(vbvr(*submit, SQS_QUEUE_URL=gone_queue), "There is no queue", "SQS_QUEUE_URL")
    check_said(vbvr("worker", **WORKER, SQS_QUEUE_URL=gone_queue), "There is no queue")
    check_said(vbvr(*submit, LEDGER_TABLE_NAME="gone"), "There is no table gone", "LEDGER_TABLE_NAME")
    check_said(vbvr("status", LEDGER_TABLE_NAME="gone"), "There is no table gone")
    vbvr.ok("submit", "--yes", "-g", "always_fails", "-n", "1")
    check_said(vbvr("worker", **WORKER, SQS_DLQ_URL=gone_dlq), "There is no queue", "SQS_DLQ_URL")
    vbvr.ok(*submit)
    check_said(vbvr("worker", **WORKER, DEDUP_TABLE_NAME="gone"), "There is no table gone")

    on_aws.let_leases_lapse()
    on_aws.work()
    check_bucket(on_aws, good=4)
    listed = vbvr.ok("dlq", "list", "--json").json
    assert [(entry["generator"], entry["code"]) for entry in listed["entries"]] == [
        ("always_fails", "generator_failed")
    ]
    assert on_aws.backend.queue.depth().dead == 1


@pytest.mark.parametrize(
    ("setting", "value", "command"),
    [
        ("AWS_ENDPOINT_URL", "foo", ("status",)),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:99999", ("submit", "--yes", "--message", "messages.jsonl")),
        ("AWS_ENDPOINT_URL", "ftp://localhost", ("download",)),
        ("AWS_CA_BUNDLE", "", ("status",)),
        ("AWS_SECRET_ACCESS_KEY", "not-to-be-shown\n", SUBMIT),
    ],
)
def test_a_setting_that_cannot_be_right_is_named_and_nothing_is_sent(
    on_aws: Target, setting: str, value: str, command: tuple[str, ...]
) -> None:
    vbvr = on_aws.vbvr
    (vbvr.folder / "messages.jsonl").write_text('{"type": "good", "num_samples": 1, "start_index": 0}\n')

    finished = vbvr(*command, **{setting: value})

    check_said(finished, setting)
    assert "not-to-be-shown" not in finished.stderr
    assert on_aws.backend.queue.depth().waiting == 0


def test_a_table_of_another_schema_is_said_to_be_one(on_aws: Target) -> None:
    client, vbvr = on_aws.client("dynamodb"), on_aws.vbvr
    other = f"{on_aws.resources.bucket}-other"
    client.create_table(
        TableName=other,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    vbvr.ok(*SUBMIT, "--dedup")
    for command in (SUBMIT, ("status",), ("download",), ("dlq", "list"), ("cancel", "--yes")):
        said = vbvr(*command, LEDGER_TABLE_NAME=other)
        check_said(said, f"The table {other} is no table of this vbvr", "vbvr deploy")
    for name in ("LEDGER_TABLE_NAME", "DEDUP_TABLE_NAME"):
        check_said(vbvr("worker", **WORKER, **{name: other}), f"The table {other} is no table of this vbvr")
        on_aws.let_leases_lapse()

    let_die(on_aws.backend)
    for index in on_aws.client("dynamodb").describe_table(TableName=on_aws.resources.ledger_table)["Table"][
        "GlobalSecondaryIndexes"
    ]:
        client.update_table(
            TableName=on_aws.resources.ledger_table,
            GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": index["IndexName"]}}],
        )
    check_said(vbvr("dlq", "list"), "is no table of this vbvr", "dead_tasks")


def test_credentials_that_expire_in_the_middle_leave_work_that_the_same_command_finishes(
    on_aws: Target,
) -> None:
    vbvr, wire = on_aws.vbvr, on_aws.wire

    def expire_during(*command: str, after: dict[str, int], **environment: str) -> None:
        """Run a command again and again, whose credentials expire after some of its requests."""
        for operation, number in after.items():
            wire.fail(operation, code="ExpiredToken", status=403, first=number)
            check_said(vbvr(*command, **environment), "credentials have expired", "aws sso login")
            wire.clear()
            on_aws.let_leases_lapse()

    expire_during(*SUBMIT, after={"ListObjectsV2": 0, "PutObject": 0, "SendMessageBatch": 0})
    vbvr.ok(*SUBMIT)
    expire_during(
        "worker", after={"PutObject": 2, "TransactWriteItems": 1, "DeleteMessageBatch": 0}, **WORKER
    )
    on_aws.work()
    check_bucket(on_aws, good=4)
    check_nothing_is_left(on_aws)

    expire_during("download", "--dest", "results", after={"Query": 0, "GetObject": 7})
    vbvr.ok("download", "--dest", "results")
    vbvr.ok("generate", "-g", "good", "-n", "4", "-b", "2", "--dest", "made-here", VBVR_TARGET="local")
    assert dataset(on_aws, "results") == dataset(on_aws, "made-here")


def dataset(on_aws: Target, folder: str) -> dict[str, bytes]:
    root = on_aws.vbvr.folder / folder
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


def test_an_object_whose_bytes_do_not_match_is_named_and_the_others_are_brought(on_aws: Target) -> None:
    vbvr = on_aws.vbvr
    vbvr.ok(*SUBMIT)
    on_aws.work()
    store = on_aws.backend.store(on_aws.resources.bucket)
    wrong, short, gone = [key for key in on_aws.objects("questions/") if key.endswith("final_frame.png")][:3]
    good = store.get(wrong)
    store.put(wrong, good[:-1] + b"?")
    store.put(short, good[:-9])
    store.delete([gone])

    downloaded = vbvr("download", "--dest", "results")

    assert downloaded.exit_code == 5
    for key in (wrong, short, gone):
        assert key in downloaded.stderr
        assert not (vbvr.folder / "results" / key).exists()
    assert len(dataset(on_aws, "results")) > 12
    (run,) = vbvr.ok("status", "--json").json
    vbvr("status", run["run_id"], "--repair")
    finish(on_aws)
    vbvr.ok("download", "--dest", "results")
    assert (vbvr.folder / "results" / wrong).read_bytes() == good


def test_who_one_is_and_where_one_looks_is_said_when_it_is_wrong(on_aws: Target) -> None:
    vbvr = on_aws.vbvr
    count = ("queue", "count")
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}

    check_said(vbvr(*count, **nobody), "No AWS credentials were found", "aws configure sso")
    check_said(vbvr(*count, AWS_PROFILE="nobodys"), "profile does not exist", "list-profiles")
    check_said(vbvr(*count, AWS_REGION="us-west-2"), "There is no queue", "--region")
    check_said(vbvr(*count, AWS_REGION="near me"), "no such AWS region", "us-east-2")
    on_aws.wire.before = elsewhere
    check_said(vbvr(*SUBMIT), "is in another region", "--region")
    stack = dict.fromkeys(NAMES, "")
    on_aws.wire.clear()
    check_said(
        vbvr(*count, **stack, VBVR_STACK="nowhere"), "no stack nowhere", "vbvr deploy", "--target local"
    )
    on_aws.wire.before = denied("cloudformation")
    check_said(vbvr(*count, **stack), "DescribeStacks is denied", *NAMES)


def elsewhere(asked: Asked) -> Answer | None:
    """What S3 says of a bucket of another region."""
    if asked.service != "s3":
        return None
    said = fault(asked, "PermanentRedirect", 301)
    return Answer(said.status, said.body, {"x-amz-bucket-region": "eu-west-1"})


@pytest.mark.parametrize("command", [("queue", "count"), SUBMIT, ("worker",), ("download",)], ids=" ".join)
def test_an_endpoint_that_is_down_may_be_tried_again(on_aws: Target, command: tuple[str, ...]) -> None:
    finished = on_aws.vbvr(*command, AWS_ENDPOINT_URL="http://127.0.0.1:1")

    check_said(finished, "could not be reached", "again", code=4)
