"""Each permission is needed: without it, and only without it, the function fails at what it is for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError
from emulators.ministack import ministack
from infra.granted import Scene, Stack

from vbvr_cli.backends.aws import calls
from vbvr_cli.models import RunKey
from vbvr_infra.permissions import PERMISSIONS, On, Permission, Who

Play = Callable[[Scene], Callable[[], str]]
"""Sets a scene, and returns what the function then does; its text is what went wrong."""


def task(scene: Scene) -> Callable[[], str]:
    """The worker makes a task."""
    scene.submit(scene.generator("good"), 1)
    return scene.work


def task_by_hand(scene: Scene) -> Callable[[], str]:
    """The worker makes a task that nobody submitted."""
    scene.send(json.dumps({"type": scene.generator("good"), "num_samples": 1}))
    return scene.work


def task_with_dedup(scene: Scene) -> Callable[[], str]:
    """The worker makes a task without duplicates."""
    scene.submit(scene.generator("good"), 1, dedup=True)
    return scene.work


def task_that_dies(scene: Scene) -> Callable[[], str]:
    """The worker gives a task up that asks for more puzzles than there are; the dead letter says so."""
    scene.submit(scene.generator("ten_puzzles"), 20, dedup=True)

    def work() -> str:
        found = scene.work()
        return "" if found.startswith("pool_exhausted") else found

    return work


def task_held_by_another(scene: Scene) -> Callable[[], str]:
    """The worker leaves a task to another that has it."""
    name = scene.generator("good")
    scene.submit(name, 1)
    backend = scene.as_root()
    (run,) = backend.ledger.list_runs(scene.stack.resources.bucket, name)
    (record,) = backend.ledger.tasks(run.key)
    backend.ledger.claim(record.task, "another", 60)
    backend.close()
    return scene.work


def no_task(scene: Scene) -> Callable[[], str]:
    """The worker refuses a message that is none."""
    scene.send("this is no task")

    def work() -> str:
        found = scene.work()
        return "" if found.startswith("invalid_message") else found

    return work


def request(scene: Scene) -> Callable[[], str]:
    """The submit function makes a run and sends its tasks."""
    name = scene.generator("good")
    return lambda: scene.ask(generators=[name], samples=4, batch_size=2)


def long_request(scene: Scene) -> Callable[[], str]:
    """The submit function has no time left after the first tasks."""
    name = scene.generator("good")
    return lambda: scene.ask(seconds=0.001, generators=[name], samples=2, batch_size=2)


def replacing_request(scene: Scene) -> Callable[[], str]:
    """The submit function discards a run that is complete, and makes another."""
    name = scene.generator("good")
    scene.complete(name, 1, dedup=True)
    return lambda: scene.ask(generators=[name], samples=1, seed=9, replace=True, dedup=True)


def request_for_a_forgotten_run(scene: Scene) -> Callable[[], str]:
    """The submit function takes up a run that the bucket describes and the tables have forgotten."""
    name = scene.generator("good")
    scene.complete(name, 1, dedup=True)
    backend = scene.as_root()
    bucket = scene.stack.resources.bucket
    (run,) = backend.ledger.list_runs(bucket, name)
    backend.dedup.release(bucket, name, run.key.run_id, 0, 1)
    backend.ledger.remove_run(RunKey(bucket, run.key.run_id))
    backend.close()
    return lambda: scene.ask(generators=[name], samples=1, dedup=True)


def asked_in_its_name(who: Who, service: str, operation: str, **parameters: str) -> Play:
    """What Lambda, or S3 where an object is absent, asks in the function's name, which no emulator does."""

    def play(scene: Scene) -> Callable[[], str]:
        resources = scene.stack.resources
        scene.generator("good")
        values = {
            "QueueUrl": resources.queue_url,
            "Bucket": resources.bucket,
            "logGroupName": f"/aws/lambda/vbvr-{'worker' if who is Who.WORKER else 'submit-tasks'}",
        }
        given = {name: values.get(name, value) for name, value in parameters.items()}

        def ask() -> str:
            try:
                getattr(scene.client(who, service), operation)(**given)
            except ClientError as error:
                denied = error.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}
                return f"{error.operation_name} is denied" if denied else ""
            return ""

        return ask

    return play


def logs(who: Who, operation: str, **parameters: object) -> Play:
    """What Lambda writes for a function."""
    return asked_in_its_name(who, "logs", operation, logGroupName="", logStreamName="s", **parameters)  # type: ignore[arg-type]


def case(who: Who, on: On, action: str, play: Play, fails_at: str = "") -> tuple[Who, On, str, Play, str]:
    return who, on, action, play, fails_at or action.partition(":")[2]


W, S = Who.WORKER, Who.SUBMIT
CASES = [
    case(W, On.QUEUE, "sqs:ReceiveMessage", asked_in_its_name(W, "sqs", "receive_message", QueueUrl="")),
    case(
        W,
        On.QUEUE,
        "sqs:GetQueueAttributes",
        asked_in_its_name(W, "sqs", "get_queue_attributes", QueueUrl=""),
    ),
    case(
        W,
        On.QUEUE,
        "sqs:DeleteMessage",
        asked_in_its_name(W, "sqs", "delete_message", QueueUrl="", ReceiptHandle="none"),
    ),
    case(W, On.QUEUE, "sqs:ChangeMessageVisibility", task_held_by_another),
    case(W, On.DLQ, "sqs:SendMessage", no_task),
    case(
        W,
        On.BUCKET,
        "s3:ListBucket",
        asked_in_its_name(W, "s3", "list_objects_v2", Bucket=""),
        "ListObjectsV2",
    ),
    case(W, On.MANIFESTS, "s3:GetObject", task),
    case(W, On.MANIFESTS, "s3:PutObject", task),
    case(W, On.QUESTIONS, "s3:PutObject", task),
    case(
        W,
        On.QUESTIONS,
        "s3:AbortMultipartUpload",
        asked_in_its_name(W, "s3", "abort_multipart_upload", Bucket="", Key="questions/a", UploadId="none"),
    ),
    case(W, On.LEDGER, "dynamodb:GetItem", task),
    case(W, On.LEDGER, "dynamodb:BatchGetItem", task),
    case(W, On.LEDGER, "dynamodb:Query", task_by_hand),
    case(W, On.LEDGER, "dynamodb:PutItem", task, "TransactWriteItems"),
    case(W, On.LEDGER, "dynamodb:UpdateItem", task, "TransactWriteItems"),
    case(W, On.DEDUP, "dynamodb:BatchGetItem", task_with_dedup),
    case(W, On.DEDUP, "dynamodb:PutItem", task_with_dedup, "TransactWriteItems"),
    case(W, On.DEDUP, "dynamodb:UpdateItem", task_with_dedup, "TransactWriteItems"),
    case(W, On.DEDUP, "dynamodb:Query", task_that_dies),
    case(W, On.DEDUP, "dynamodb:DeleteItem", task_that_dies, "TransactWriteItems"),
    case(W, On.LOGS, "logs:CreateLogStream", logs(W, "create_log_stream")),
    case(
        W,
        On.LOGS,
        "logs:PutLogEvents",
        logs(W, "put_log_events", logEvents=[{"timestamp": 1, "message": "m"}]),
    ),
    case(S, On.QUEUE, "sqs:SendMessage", request, "SendMessageBatch"),
    case(S, On.BUCKET, "s3:ListBucket", request, "ListObjectsV2"),
    case(S, On.MANIFESTS, "s3:GetObject", request),
    case(S, On.MANIFESTS, "s3:PutObject", request),
    case(S, On.MANIFESTS, "s3:DeleteObject", replacing_request, "DeleteObjects"),
    case(S, On.QUESTIONS, "s3:DeleteObject", replacing_request, "DeleteObjects"),
    case(S, On.LEDGER, "dynamodb:GetItem", request),
    case(S, On.LEDGER, "dynamodb:BatchGetItem", request),
    case(S, On.LEDGER, "dynamodb:Query", request),
    case(S, On.LEDGER, "dynamodb:PutItem", request, "TransactWriteItems"),
    case(S, On.LEDGER, "dynamodb:UpdateItem", request, "TransactWriteItems"),
    case(S, On.LEDGER, "dynamodb:DeleteItem", replacing_request, "TransactWriteItems"),
    case(S, On.LEDGER, "dynamodb:BatchWriteItem", replacing_request),
    case(S, On.DEDUP, "dynamodb:BatchGetItem", replacing_request),
    case(S, On.DEDUP, "dynamodb:Query", replacing_request),
    case(S, On.DEDUP, "dynamodb:DeleteItem", replacing_request, "TransactWriteItems"),
    case(S, On.DEDUP, "dynamodb:PutItem", request_for_a_forgotten_run, "TransactWriteItems"),
    case(S, On.DEDUP, "dynamodb:UpdateItem", request_for_a_forgotten_run, "TransactWriteItems"),
    case(S, On.SELF, "lambda:InvokeFunction", long_request, "could not call itself"),
    case(S, On.LOGS, "logs:CreateLogStream", logs(S, "create_log_stream")),
    case(
        S,
        On.LOGS,
        "logs:PutLogEvents",
        logs(S, "put_log_events", logEvents=[{"timestamp": 1, "message": "m"}]),
    ),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("granted")
    with ministack(folder, AUTH="true") as emulator:
        yield Stack(emulator.url, folder)


@pytest.fixture
def scene(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(calls, "BACKOFF", calls.Backoff(tries=3, first=0.0, most=0.0))
    stack.root.client("sqs", endpoint_url=stack.url).purge_queue(QueueUrl=stack.resources.queue_url)
    return Scene(stack, monkeypatch)


def test_every_permission_there_is_has_a_case() -> None:
    cases = [Permission(who, action, on, "") for who, on, action, _, _ in CASES]
    assert sorted((one.who, one.on, one.action) for one in cases) == sorted(
        (one.who, one.on, one.action) for one in PERMISSIONS
    )


@pytest.mark.parametrize(
    ("who", "on", "action", "play", "fails_at"),
    CASES,
    ids=[f"{who}-{on.name.lower()}-{action}" for who, on, action, _, _ in CASES],
)
def test_without_a_permission_the_function_fails_at_what_it_is_for(
    scene: Scene, *, who: Who, on: On, action: str, play: Play, fails_at: str
) -> None:
    act = play(scene)
    with scene.stack.without(who, action, on):
        failure = act()
    assert fails_at in failure


PLAYS = sorted({play for *_, play, _ in CASES if play.__name__ != "play"}, key=lambda play: play.__name__)


@pytest.mark.parametrize("play", PLAYS, ids=[play.__name__ for play in PLAYS])
def test_with_its_role_as_deployed_a_function_does_all_of_it(scene: Scene, play: Play) -> None:
    assert play(scene)() == ""
