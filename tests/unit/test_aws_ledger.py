"""The ledger and the registry of duplicates on DynamoDB: under throttling and contention, and at scale."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from emulators.interference import answer, fault
from emulators.place import Place, place

from vbvr_cli.backends.aws.schema import DEDUP, LEDGER, create_arguments, require_schema
from vbvr_cli.errors import ConfigurationError, ExitCode, ServiceError
from vbvr_cli.models import (
    Claim,
    FailureCode,
    Outcome,
    Progress,
    Provenance,
    Reason,
    Run,
    RunKey,
    RunSpec,
    Task,
    TaskState,
)

OUTCOME = Outcome(10, 4_000, 2.5)


@pytest.fixture
def at() -> Iterator[Place]:
    with place() as one:
        yield one


def create_run(at: Place, generator: str = "G-1_maze", samples: int = 1_000_000) -> Run:
    spec = RunSpec(generator=generator, provenance=Provenance(commit="0123"), environment="e0", batch_size=10)
    return at.backend.ledger.create_run(
        RunKey(at.backend.default_bucket, spec.run_id), spec, num_samples=samples
    )


def tasks_of(run: Run, count: int, size: int = 10, first: int = 0) -> list[Task]:
    return [Task(run.key, run.spec.generator, first + n * size, size, seed=n) for n in range(count)]


def progress_of(at: Place, run: Run) -> Progress:
    (progress,) = at.backend.ledger.progress([run.key])
    return progress


def claim(at: Place, task: Task) -> Claim:
    answered = at.backend.ledger.claim(task, "worker", 60)
    assert isinstance(answered, Claim)
    return answered


def cancelled(*codes: str) -> AWSResponse:
    """A transaction that was not done, and why for each of its writes."""
    reasons = [{"Code": code, "Message": "no"} for code in codes]
    return answer(
        400,
        {
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "Transaction cancelled",
            "CancellationReasons": reasons,
        },
    )


def test_a_thousand_tasks_are_confirmed_with_few_requests(at: Place) -> None:
    run = create_run(at)
    tasks = tasks_of(run, 1000)
    at.wire.requests.clear()

    assert at.backend.ledger.states(run.key, tasks) == [TaskState.PLANNED] * 1000
    at.backend.ledger.confirm_sent(run.key, tasks)

    assert sum(at.wire.requests.values()) <= 3
    assert progress_of(at, run).tasks == {TaskState.SENT: 1000}


def test_a_snapshot_costs_no_more_requests_for_more_tasks(at: Place) -> None:
    runs = [create_run(at, f"G-{n}_maze") for n in range(8)]

    def requests_of_a_snapshot() -> int:
        at.wire.requests.clear()
        at.backend.ledger.progress()
        return sum(at.wire.requests.values())

    before = requests_of_a_snapshot()
    for run in runs:
        at.backend.ledger.confirm_sent(run.key, tasks_of(run, 500))

    assert requests_of_a_snapshot() == before <= 3


@pytest.mark.parametrize(
    "failure",
    [
        lambda: fault("ProvisionedThroughputExceededException"),
        lambda: fault("ThrottlingException"),
        lambda: fault("InternalServerError", 500),
        lambda: cancelled("None", "TransactionConflict"),
        lambda: cancelled("ThrottlingError", "None"),
        lambda: cancelled("ConditionalCheckFailed", "None"),
    ],
)
def test_what_dynamodb_does_not_take_is_written_again_and_counted_once(at: Place, failure) -> None:
    run = create_run(at)
    task, *others = tasks_of(run, 3)
    at.wire.fail("TransactWriteItems", failure, times=3)
    at.backend.ledger.confirm_sent(run.key, [task, *others])
    at.wire.fail("TransactWriteItems", failure, times=3)
    held = claim(at, task)
    at.wire.fail("TransactWriteItems", failure, times=3)
    at.backend.ledger.complete(held, OUTCOME)

    progress = progress_of(at, run)
    assert progress.tasks == {TaskState.SENT: 2, TaskState.DONE: 1}
    assert (progress.samples_done, progress.seconds) == (10, 2.5)


def test_a_change_whose_answer_is_lost_is_sent_again_with_the_same_token(at: Place) -> None:
    run = create_run(at)
    (task,) = tasks_of(run, 1)
    tokens: list[str] = []

    def remember(request: AWSRequest) -> AWSResponse | None:
        tokens.append(json.loads(request.body)["ClientRequestToken"])
        return fault("InternalServerError", 500) if len(tokens) < 3 else None

    at.wire.on("TransactWriteItems", remember)

    at.backend.ledger.settle(task, OUTCOME)

    assert len(tokens) == 3
    assert len(set(tokens)) == 1


def test_a_change_that_is_never_taken_is_an_error_that_says_so(at: Place) -> None:
    run = create_run(at)
    at.wire.on("TransactWriteItems", lambda _: cancelled("TransactionConflict"))

    with pytest.raises(ServiceError) as raised:
        at.backend.ledger.settle(tasks_of(run, 1)[0], OUTCOME)

    assert raised.value.exit_code is ExitCode.SERVICE
    assert "again" in (raised.value.hint or "")


def test_keys_that_dynamodb_leaves_unprocessed_are_read_again(at: Place) -> None:
    run = create_run(at)
    tasks = tasks_of(run, 5)
    for task in tasks:
        at.backend.ledger.settle(task, OUTCOME)

    def leave_half(request: AWSRequest) -> AWSResponse | None:
        (table, asked), *_ = json.loads(request.body)["RequestItems"].items()
        if len(asked["Keys"]) < 3:
            return None
        at.wire.on("BatchGetItem", lambda _: None)
        return answer(200, {"Responses": {table: []}, "UnprocessedKeys": {table: asked}})

    at.wire.on("BatchGetItem", leave_half)

    assert at.backend.ledger.states(run.key, tasks) == [TaskState.DONE] * 5


def test_items_that_dynamodb_leaves_unprocessed_are_deleted_again(at: Place) -> None:
    run = create_run(at)
    tasks = tasks_of(run, 30)
    for task in tasks:
        at.backend.ledger.settle(task, OUTCOME)

    def leave_all_once(request: AWSRequest) -> AWSResponse:
        at.wire.on("BatchWriteItem", lambda _: None)
        return answer(200, {"UnprocessedItems": json.loads(request.body)["RequestItems"]})

    at.wire.on("BatchWriteItem", leave_all_once)

    at.backend.ledger.remove_run(run.key)

    assert list(at.backend.ledger.tasks(run.key)) == []
    assert at.backend.ledger.states(run.key, tasks) == [TaskState.PLANNED] * 30


def test_tasks_of_all_sizes_are_listed_in_order_whoever_has_begun_them(at: Place) -> None:
    run = create_run(at)
    tasks = [
        *tasks_of(run, 200, size=1),
        *tasks_of(run, 30, size=100, first=50),
        *tasks_of(run, 20, size=7, first=1000),
    ]
    at.backend.ledger.confirm_sent(run.key, tasks)
    for task in tasks[::9]:
        at.backend.ledger.settle(task, OUTCOME)

    listed = list(at.backend.ledger.tasks(run.key))

    assert [record.task for record in listed] == sorted(
        tasks, key=lambda task: (task.start_index, task.num_samples, task.seed)
    )
    assert {record.task for record in listed if record.state is TaskState.DONE} == set(tasks[::9])


def test_a_task_that_is_begun_while_it_is_confirmed_is_counted_once(at: Place) -> None:
    run = create_run(at)
    tasks = tasks_of(run, 10)

    def claim_in_between(_request: AWSRequest) -> None:
        at.wire.on("TransactWriteItems", lambda _: None)
        claim(at, tasks[3])

    at.wire.on("TransactWriteItems", claim_in_between)

    at.backend.ledger.confirm_sent(run.key, tasks)

    assert progress_of(at, run).tasks == {TaskState.SENT: 9, TaskState.CLAIMED: 1}
    assert at.backend.ledger.states(run.key, tasks)[3] is TaskState.CLAIMED


def test_a_claim_from_before_a_run_was_removed_is_good_for_nothing(at: Place) -> None:
    run = create_run(at)
    (task,) = tasks_of(run, 1)
    stale = claim(at, task)
    at.backend.ledger.remove_run(run.key)
    create_run(at)

    current = claim(at, task)

    assert current.fence != stale.fence


def test_dead_tasks_are_found_without_reading_the_others(at: Place) -> None:
    run = create_run(at)
    tasks = tasks_of(run, 20)
    for task in tasks:
        at.backend.ledger.settle(task, OUTCOME)
    dead = tasks_of(run, 21)[-1]
    at.backend.ledger.fail(claim(at, dead), Reason(FailureCode.OUT_OF_TIME, "3 of 10"))
    read: list[str] = []
    at.wire.on("Query", lambda request: read.append(json.loads(request.body).get("IndexName", "")))

    assert [r.task for r in at.backend.ledger.tasks(run.key, [TaskState.DEAD])] == [dead]
    assert read == ["dead_tasks"]

    at.backend.ledger.reopen(run.key, [dead])
    assert list(at.backend.ledger.tasks(run.key, [TaskState.DEAD])) == []


def test_a_contested_puzzle_is_given_to_one(at: Place) -> None:
    at.wire.fail("TransactWriteItems", lambda: cancelled("TransactionConflict"), times=4)

    assert at.backend.dedup.register("b", "g", "run1", [(0, "aa"), (1, "bb")]) == [True, True]
    assert at.backend.dedup.register("b", "g", "run2", [(0, "aa"), (1, "cc")]) == [False, True]


def test_a_task_registers_its_puzzles_with_few_requests(at: Place) -> None:
    at.wire.requests.clear()

    at.backend.dedup.register("b", "g", "run1", [(n, f"{n:x}") for n in range(100)])

    assert sum(at.wire.requests.values()) == 3


def test_a_table_of_another_schema_is_said_to_be_one(at: Place) -> None:
    client = at.aws.client("dynamodb")
    resources = at.backend.resources
    client.delete_table(TableName=resources.ledger_table)
    client.create_table(
        TableName=resources.ledger_table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )

    with pytest.raises(ConfigurationError) as raised:
        at.backend.ledger.get_run(RunKey("b", "r"))

    assert f"{resources.ledger_table} is no table of this vbvr" in str(raised.value)


def test_a_table_that_lacks_an_index_is_of_another_schema(at: Place) -> None:
    client = at.aws.client("dynamodb")
    client.create_table(**create_arguments("plain", DEDUP))

    require_schema(client, "plain", DEDUP)
    with pytest.raises(ConfigurationError) as raised:
        require_schema(client, "plain", LEDGER)
    assert "dead_tasks" in (raised.value.why or "")
