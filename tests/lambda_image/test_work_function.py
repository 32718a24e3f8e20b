"""The function that works, behind the runtime interface client, on the tree that build.sh makes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from emulators.function_host import Answer
from serving import ESCAPES, FETCHED, GATED, OLD_NEEDS, STARTER, Served, event_of

from vbvr_cli.models import FailureCode, TaskMessage, TaskState


def message(generator: str, samples: int = 2, start: int = 0) -> TaskMessage:
    return TaskMessage(type=generator, num_samples=samples, start_index=start)


def test_a_task_is_made_recorded_and_its_message_let_go(served: Served) -> None:
    sent = message("good", 3)
    served.send(sent)
    delivery = served.deliver()
    assert delivery.answer.payload == {"batchItemFailures": []}
    assert served.depth() == 0
    record = served.record(sent)
    assert (record.state, record.attempts) == (TaskState.DONE, 1)
    lines = served.lines(served.task(sent))
    assert [line.index for line in lines] == [0, 1, 2]
    store = served.backend.store(served.resources.bucket)
    assert len(store.get(f"questions/{lines[0].folder}/first_frame.png")) == lines[0].files[1].size


@pytest.mark.parametrize("generator", [STARTER, FETCHED, OLD_NEEDS])
def test_a_generator_runs_in_its_environment(served: Served, generator: str) -> None:
    sent = message(generator, 1)
    served.send(sent)
    assert not served.deliver().failed
    assert served.record(sent).state is TaskState.DONE


def test_each_line_of_the_log_says_what_is_worked_on(served: Served) -> None:
    sent = message("good")
    served.send(sent)
    served.deliver()
    lines = served.log()
    assert lines
    for line in lines:
        assert line["request_id"]
        assert line["run"] == served.task(sent).run.run_id
        assert (line["generator"], line["task"]) == ("good", "00000000-00000001")
    assert any(line.get("ending") == "done" and line["level"] == "INFO" for line in lines if "level" in line)


def test_metrics_are_embedded_with_the_stack_as_their_only_dimension(served: Served) -> None:
    served.send(message("good", 2), message("good", 2, start=2))
    served.deliver()
    served.deliver()
    first, second = (line for line in served.log() if "_aws" in line)
    (directive,) = first["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("vbvr", [["Stack"]])
    named = [metric["Name"] for metric in directive["Metrics"]]
    assert named == ["Tasks", "Samples", "Bytes", "Seconds", "ColdStarts"]
    assert (first["Stack"], first["Tasks"], first["Samples"]) == ("test-stack", 1, 2)
    assert first["Bytes"] > 0
    assert "ColdStarts" not in second


def test_an_invalid_message_is_with_the_dead_letters_at_once_with_its_reason(served: Served) -> None:
    served.send('{"type": "good", "num_samples": 0}')
    delivery = served.deliver()
    assert not delivery.failed
    (letter,) = served.letters()
    assert letter.reason
    assert letter.reason.code is FailureCode.INVALID_MESSAGE
    assert "num_samples" in letter.reason.detail
    assert letter.id == delivery.messages[0]["MessageId"]
    assert letter.body == '{"type": "good", "num_samples": 0}'


@pytest.mark.parametrize(("generator", "why"), [("nobody", "no generator"), ("absent", "not in the image")])
def test_a_generator_that_the_image_lacks_is_refused_with_its_reason(
    served: Served, generator: str, why: str
) -> None:
    served.send(message(generator))
    assert not served.deliver().failed
    (letter,) = served.letters()
    assert letter.reason
    assert letter.reason.code is FailureCode.UNKNOWN_GENERATOR
    assert why in letter.reason.detail


def test_of_a_batch_only_what_may_still_succeed_is_delivered_again(served: Served) -> None:
    served.send(message("good"), message("kills_itself"), message("always_fails"), "nonsense")
    delivery = served.deliver(most=4)
    (killed,) = (one for one in delivery.messages if "kills_itself" in one["Body"])
    assert delivery.failed == [killed["MessageId"]]
    assert served.record(message("good")).state is TaskState.DONE
    assert served.record(message("always_fails")).state is TaskState.DEAD
    assert served.record(message("kills_itself")).state is TaskState.WAITING
    codes = {letter.reason.code for letter in served.letters() if letter.reason}
    assert codes == {FailureCode.GENERATOR_FAILED, FailureCode.INVALID_MESSAGE}
    assert served.receive() == [], "the message shows only after a pause"
    served.emulator.advance(10)
    assert [one["MessageId"] for one in served.receive()] == [killed["MessageId"]]


def test_a_failure_that_may_pass_is_dead_after_three_attempts(served: Served) -> None:
    served.send(message("kills_itself"))
    failed = []
    for _ in range(3):
        failed.append(bool(served.deliver().failed))
        served.emulator.advance(100)
    assert failed == [True, True, False]
    (letter,) = served.letters()
    assert letter.reason
    assert letter.reason.code is FailureCode.GENERATOR_KILLED


def test_a_task_that_hangs_stops_before_the_functions_time_runs_out(serve: Callable[..., Served]) -> None:
    served = serve(timeout=8)
    sent = message("hangs", 5)
    served.send(sent)
    delivery = served.deliver()
    assert not delivery.answer.failed
    assert not delivery.failed
    assert delivery.answer.seconds < 8
    (letter,) = served.letters()
    assert letter.reason
    assert letter.reason.code is FailureCode.OUT_OF_TIME
    assert letter.reason.detail.startswith("2 of 5 samples in ")
    assert letter.reason.detail.endswith("; redrive with --batch-size 1")
    assert children_of(served) == []
    assert served.record(sent).state is TaskState.DEAD


def test_a_task_behind_another_is_given_back_when_time_runs_out(serve: Callable[..., Served]) -> None:
    served = serve(timeout=8)
    served.send(message("good"))
    first = served.receive()
    served.send(message("hangs", 5))
    second = served.receive()
    delivery = served.invoke([*first, *second])
    assert delivery.failed == [second[0]["MessageId"]]
    record = served.record(message("hangs", 5))
    assert (record.state, record.attempts) == (TaskState.SENT, 0), "that was no attempt"


def test_without_time_left_nothing_is_begun(serve: Callable[..., Served]) -> None:
    served = serve(timeout=2)
    served.send(message("good"))
    assert served.deliver().failed
    assert served.backend.ledger.get_task(served.task(message("good"))) is None


def test_more_memory_than_the_function_has_is_a_reason(serve: Callable[..., Served]) -> None:
    served = serve(timeout=60, memory_mb=512)
    served.send(message("allocates_too_much", 30))
    assert not served.deliver().failed
    (letter,) = served.letters()
    assert letter.reason
    assert letter.reason.code is FailureCode.OUT_OF_MEMORY
    assert letter.reason.detail.startswith("more than 256 MB")


@pytest.mark.parametrize("generator", [ESCAPES, "leaves_processes", "leaves_files", "hangs", "kills_itself"])
def test_nothing_is_left_running_or_lying_when_the_handler_returns(
    serve: Callable[..., Served], generator: str
) -> None:
    served = serve(timeout=8)
    served.send(message("good"), message(generator, 3))
    served.deliver()
    threads = process_of(served).num_threads()
    served.deliver()
    assert children_of(served) == []
    assert process_of(served).num_threads() <= threads
    assert list(tmp_of(served).iterdir()) == []


def test_what_a_killed_invocation_left_is_gone_when_the_next_begins(served: Served) -> None:
    tmp = tmp_of(served)
    (tmp / "vbvr" / "tmp" / "worker-1").mkdir(parents=True)
    (tmp / "vbvr" / "tmp" / "worker-1.lock").touch()
    (tmp / "core").write_bytes(b"x" * 1000)
    served.send(message("leaves_files"))
    assert not served.deliver().failed
    assert list(tmp.iterdir()) == []


def test_a_generator_may_write_into_its_own_folder(served: Served, tree: Path) -> None:
    before = (tree / "generators" / "writes_into_its_own_folder" / "sample.py").read_bytes()
    for start in (0, 2):
        sent = message("writes_into_its_own_folder", 2, start)
        served.send(sent)
        served.deliver()
        assert served.record(sent).state is TaskState.DONE
    assert (tree / "generators" / "writes_into_its_own_folder" / "sample.py").read_bytes() == before


def test_the_runtime_cannot_write_into_the_tree(served: Served, tree: Path) -> None:
    served.send(message("good"))
    served.deliver()
    root = Path(f"/proc/{process_of(served).pid}/cwd")
    assert (root / "roster.json").is_file()
    with pytest.raises(OSError, match=r"Read-only|Permission"):
        (root / "written").touch()


def test_a_message_that_comes_twice_makes_its_samples_once(served: Served) -> None:
    sent = message("good")
    served.send(sent, sent)
    assert not served.deliver().failed
    assert not served.deliver().failed
    record = served.record(sent)
    assert (record.state, record.attempts) == (TaskState.DONE, 1)
    assert len(served.lines(served.task(sent))) == 2
    assert served.depth() == 0


def test_a_function_killed_at_work_is_followed_by_another_that_completes(
    serve: Callable[..., Served], gate: Path
) -> None:
    served = serve(timeout=6)
    sent = message(GATED)
    served.send(sent)
    messages = served.receive()
    answers: list[Answer] = []
    invoking = threading.Thread(
        target=lambda: answers.append(served.host.invoke(served.work, event_of(messages)))
    )
    invoking.start()
    served.wait_for(gate / "waiting")
    process_of(served).kill()
    invoking.join()
    assert (answers[0].failed, answers[0].payload["errorType"]) == (True, "Runtime.ExitError")
    assert list(tmp_of(served).iterdir()), "a killed function cleans nothing"
    (gate / "go").touch()
    held = served.invoke(messages)
    assert held.failed, "the dead function's claim still stands"
    while not (again := served.receive()):  # real time: the claim ends with the dead function's deadline
        time.sleep(0.2)
    assert not served.invoke(again).failed
    record = served.record(sent)
    assert (record.state, record.attempts) == (TaskState.DONE, 2)
    assert list(tmp_of(served).iterdir()) == []


def test_a_lost_table_raises_so_that_the_message_comes_back(served: Served) -> None:
    served.aws.client("dynamodb", endpoint_url=served.emulator.url).delete_table(
        TableName=served.resources.ledger_table
    )
    served.send(message("good"))
    delivery = served.deliver()
    assert delivery.answer.failed
    assert delivery.answer.payload["errorType"] == "ConfigurationError"
    assert served.resources.ledger_table in delivery.answer.payload["errorMessage"]
    assert "\n" not in delivery.answer.payload["errorMessage"]
    assert served.depth() == 1


def test_an_event_of_somebody_else_is_refused(served: Served) -> None:
    for event in ({"type": "good", "num_samples": 1}, {"Records": [{"s3": {}}]}, [], None):
        answer = served.host.invoke(served.work, event)
        assert (answer.failed, answer.payload["errorType"]) == (True, "InvalidRequest")
        assert "submit function" in answer.payload["errorMessage"]


def test_what_the_environment_lacks_is_said_at_each_invocation(served: Served) -> None:
    served.serve(timeout=60, environment={"SQS_DLQ_URL": "", "OUTPUT_BUCKET": ""})
    for _ in range(2):
        answer = served.host.invoke(served.work, event_of([]))
        assert answer.payload["errorType"] == "ConfigurationError"
        assert "SQS_DLQ_URL, OUTPUT_BUCKET" in answer.payload["errorMessage"]


@pytest.fixture
def gate(tree: Path) -> Path:
    """Where the gated generator waits; closed."""
    folder = tree.parent / "gate"
    for file in folder.iterdir():
        file.unlink()
    return folder


def process_of(served: Served) -> psutil.Process:
    (runtime,) = served.host.runtimes(served.work)
    return psutil.Process(runtime.pid)


def children_of(served: Served) -> list[psutil.Process]:
    return process_of(served).children(recursive=True)


def tmp_of(served: Served) -> Path:
    (runtime,) = served.host.runtimes(served.work)
    return runtime.tmp
