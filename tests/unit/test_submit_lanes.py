"""A submit that does several things at a time: every task is sent once, whatever goes wrong on the way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from emulators.interference import answer, fault
from emulators.place import Place, place
from generators.layout import lay_out

from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.errors import ConfigurationError, ExitCode, ServiceError
from vbvr_cli.models import TaskState
from vbvr_cli.operations import submit as submit_module
from vbvr_cli.operations.submit import Sent, Submitter
from vbvr_cli.planning import Request

NAMES = ["always_fails", "good", "several_tasks"]
TASKS = 30
"""Of each generator; in chunks of four."""


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(submit_module, "CHUNK", 4)
    with place() as one:
        yield one


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder: Path = tmp_path_factory.mktemp("generators")
    for name in NAMES:
        lay_out(folder, name)
    empty = folder.parent / "generators.yaml"
    empty.write_text("version: 1\ngenerators: []\n")
    return Catalog.load(empty, [folder])


class Submit:
    """`vbvr submit -g all` without its command line, again and again."""

    def __init__(self, at: Place, catalog: Catalog) -> None:
        self._backend = at.backend
        self._submitter = Submitter(at.backend, catalog)
        self._generators = catalog.select(NAMES)
        self.progress: list[Sent] = []

    def __call__(self) -> int:
        """How many tasks were sent."""
        self._submitter.adopt(self._generators)
        plans = self._submitter.plans(self._generators, Request(samples=TASKS, batch_size=1))
        return self._submitter.carry_out(plans, on_progress=self._on_progress).tasks_sent

    def _on_progress(self, sent: Sent) -> None:
        self.progress.append(sent)

    def sent(self) -> int:
        """How many tasks the ledger has as sent."""
        return sum(one.tasks.get(TaskState.SENT, 0) for one in self._backend.ledger.progress())


@pytest.fixture
def submit(at: Place, catalog: Catalog) -> Submit:
    return Submit(at, catalog)


def messages(at: Place) -> Counter[tuple[str, int]]:
    """What is in the queue, by generator and index; each is leased for good."""
    found: Counter[tuple[str, int]] = Counter()
    while leased := at.backend.queue.lease(10, 3600):
        for message in leased:
            body = json.loads(message.body)
            found[body["type"], body["start_index"]] += 1
    return found


EVERY_TASK = {(name, index) for name in NAMES for index in range(TASKS)}


def test_every_task_of_every_generator_is_sent_once(at: Place, submit: Submit) -> None:
    assert submit() == len(EVERY_TASK)
    assert submit() == 0

    assert messages(at) == Counter(EVERY_TASK)
    assert submit.sent() == len(EVERY_TASK)


def test_progress_only_grows_and_ends_with_all(at: Place, submit: Submit) -> None:
    submit()

    assert submit.progress == sorted(submit.progress, key=lambda one: (one.tasks, one.sent))
    assert (submit.progress[-1].tasks, submit.progress[-1].sent) == (len(EVERY_TASK), len(EVERY_TASK))


def test_runs_are_reported_in_the_order_of_the_request(at: Place, catalog: Catalog) -> None:
    report = Submitter(at.backend, catalog).submit(list(reversed(NAMES)), samples=TASKS, batch_size=1)

    runs = {run.key: run.spec.generator for run in at.backend.ledger.list_runs()}
    chosen = [generator.name for generator in catalog.select(list(reversed(NAMES)))]
    assert [runs[key] for key in report.runs] == chosen


def test_messages_that_sqs_refuses_are_the_only_ones_sent_again(at: Place, submit: Submit) -> None:
    def refuse_some(request: AWSRequest) -> AWSResponse | None:
        entries = json.loads(request.body)["Entries"]
        if '"start_index":8' not in entries[0]["MessageBody"]:
            return None
        failed = [{"Id": one["Id"], "Code": "No", "SenderFault": True, "Message": "no"} for one in entries]
        return answer(200, {"Successful": [], "Failed": failed})

    at.wire.on("SendMessageBatch", refuse_some)
    with pytest.raises(ServiceError, match="messages were not taken by the queue"):
        submit()
    sent = submit.sent()
    at.wire.reset()

    assert sent + submit() == len(EVERY_TASK)
    assert messages(at) == Counter(EVERY_TASK)


@pytest.mark.parametrize("operation", ["SendMessageBatch", "TransactWriteItems", "BatchGetItem"])
@pytest.mark.parametrize("first", [0, 5])
def test_credentials_that_expire_in_the_middle_lose_nothing(
    at: Place, submit: Submit, operation: str, first: int
) -> None:
    left = [first]

    def expire(_request: AWSRequest) -> AWSResponse | None:
        left[0] -= 1
        return fault("ExpiredToken", 403) if left[0] < 0 else None

    at.wire.on(operation, expire)
    with pytest.raises(ConfigurationError, match="credentials have expired") as raised:
        submit()
    at.wire.reset()
    before = submit.sent()
    again = submit()

    assert raised.value.exit_code is ExitCode.CONFIGURATION
    assert before + again == submit.sent() == len(EVERY_TASK)
    assert set(messages(at)) == EVERY_TASK
    assert submit() == 0


def test_an_interrupt_leaves_what_was_begun_sent_and_confirmed(at: Place, catalog: Catalog) -> None:
    class Interrupted(Submit):
        def _on_progress(self, sent: Sent) -> None:
            if sent.sent > 10:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Interrupted(at, catalog)()
    submit = Submit(at, catalog)
    before = submit.sent()

    assert 10 < before < len(EVERY_TASK)
    assert before + submit() == len(EVERY_TASK)
    assert messages(at) == Counter(EVERY_TASK)


def test_what_is_under_way_is_bounded_however_many_tasks_there_are(
    at: Place, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = 0
    tasks_of = submit_module.tasks_of
    ahead: list[int] = []

    def counted(run):  # type: ignore[no-untyped-def]
        nonlocal planned
        for task in tasks_of(run):
            planned += 1
            yield task

    monkeypatch.setattr(submit_module, "tasks_of", counted)
    monkeypatch.setattr(submit, "_on_progress", lambda sent: ahead.append(planned - sent.tasks))

    submit()

    assert planned == len(EVERY_TASK)
    assert max(ahead) <= (at.backend.lanes + 1) * 4
