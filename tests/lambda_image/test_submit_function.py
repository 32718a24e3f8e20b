"""The submit function, behind the runtime interface client, on the tree that build.sh makes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from serving import GENERATORS, STARTER, Served

from lambda_image.environment import FunctionBackend, FunctionSettings
from lambda_image.faults import InvalidRequest
from lambda_image.logs import JsonLines
from lambda_image.submit_function import SubmitFunction
from vbvr_cli.catalog.roster import Roster
from vbvr_cli.errors import ServiceError


def test_it_describes_what_the_image_holds(served: Served, tree: Path) -> None:
    answer = served.ask({"describe": True})
    roster = Roster.from_json(json.dumps(answer.payload["roster"]), root=tree)
    assert list(roster) == list(Roster.read(tree / "roster.json"))
    assert roster.get("good").path == tree / "generators" / "good"


def test_it_sends_what_is_missing_and_nothing_twice(served: Served) -> None:
    event = {"generators": ["good", "leaves_*"], "samples": 10, "batch_size": 4}
    first = served.ask(event).payload
    assert first["status"] == "complete"
    assert (first["tasks_sent"], first["samples_sent"]) == (9, 30)
    named = {run["generator"]: run["run_id"] for run in first["runs"]}
    assert sorted(named) == ["good", "leaves_files", "leaves_processes"]
    assert named["good"] == served.run("good").key.run_id
    assert served.depth() == 9
    again = served.ask(event).payload
    assert (again["status"], again["tasks_sent"]) == ("complete", 0)
    assert served.ask({**event, "samples": 12}).payload["samples_sent"] == 6
    assert served.ask({**event, "resend": True}).payload["tasks_sent"] == 12


def test_what_it_sends_the_other_function_makes(served: Served) -> None:
    served.ask({"generators": ["good"], "samples": 5, "batch_size": 3, "dedup": True, "output_format": "tar"})
    while served.depth():
        assert not served.deliver().failed
    assert [line.index for line in served.lines(*served.tasks("good"))] == [0, 1, 2, 3, 4]


def test_without_generators_it_sends_all_of_the_image(served: Served) -> None:
    answer = served.ask({"samples": 1, "dry_run": True}).payload
    names = [plan["generator"] for plan in answer["plans"]]
    assert set(names) >= {*GENERATORS, STARTER}
    assert "absent" not in names
    assert answer["left_out"] == 3
    assert [plan["generator"] for plan in served.ask(
        {"samples": 1, "dry_run": True, "roles": ["train"]}
    ).payload["plans"]] == [STARTER]  # fmt: skip


def test_a_dry_run_says_what_it_would_cost_and_changes_nothing(served: Served) -> None:
    answer = served.ask({"generators": ["good"], "samples": 1000, "batch_size": 100, "dry_run": True}).payload
    assert answer["status"] == "planned"
    assert 0 < answer["cost_usd"] < 1
    (plan,) = answer["plans"]
    assert (plan["action"], plan["new_tasks"], plan["new_samples"]) == ("create", 10, 1000)
    assert served.backend.ledger.list_runs(served.resources.bucket) == []
    assert served.depth() == 0


def test_what_costs_too_much_is_not_sent(served: Served) -> None:
    event = {"generators": ["good"], "samples": 100_000, "max_cost_usd": 0.01}
    answer = served.ask(event).payload
    assert answer["status"] == "refused"
    assert f"{answer['cost_usd']} USD exceeds max_cost_usd 0.01" in answer["why"]
    assert served.depth() == 0
    assert served.backend.ledger.list_runs(served.resources.bucket) == []


def test_a_range_that_is_taken_is_refused_with_the_ways_out(served: Served) -> None:
    served.ask({"generators": ["good"], "samples": 4})
    answer = served.ask({"generators": ["good"], "samples": 4, "seed": 1}).payload
    assert answer["status"] == "refused"
    assert "--append" in answer["refused"]["good"]
    assert served.ask({"generators": ["good"], "samples": 4, "seed": 1, "append": True}).payload[
        "status"
    ] == "complete"  # fmt: skip


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"generators": ["goood"]}, "no generator called 'goood'. Perhaps you meant good"),
        ({"generators": ["absent"]}, "absent is not in the image."),
        ({"generators": []}, "generators is empty: leave it out to mean all"),
        ({"categories": ["nothing"]}, "No generator has the category 'nothing'"),
        ({"samples": 0}, "samples: Input should be greater than or equal to 1 (got 0)"),
        ({"samples": 100_000_001}, "samples is 100000001. it must be from 0 to 100000000"),
        ({"samples": "10"}, "samples: Input should be a valid integer (got '10')"),
        ({"batch_size": 1001}, "batch_size is 1001. it must be from 1 to 1000"),
        ({"seed": -1}, "seed is -1."),
        ({"output_format": "zip"}, "output_format: Input should be 'files' or 'tar'"),
        ({"append": True, "replace": True}, "append and replace exclude each other"),
        ({"max_cost_usd": 0}, "max_cost_usd: Input should be greater than 0"),
        ({"generator": ["good"]}, "there is no field 'generator'; there are generators, categories"),
        ({"bucket": "somebody-elses"}, "Nobody allowed samples to be written to 'somebody-elses'"),
        ([], "The event is []: it must be an object"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(served: Served, event: Any, said: str) -> None:
    answer = served.ask(event)
    assert answer.failed
    expected = "ConfigurationError" if "absent" in said else "InvalidRequest"
    assert answer.payload["errorType"] == expected
    assert said in answer.payload["errorMessage"]
    assert "\n" not in answer.payload["errorMessage"]
    assert served.backend.ledger.list_runs(served.resources.bucket) == []


def test_a_bucket_that_the_operator_allows_is_taken(served: Served) -> None:
    (extra,) = served.resources.extra_buckets
    served.serve(timeout=60, environment={"VBVR_EXTRA_BUCKETS": f" {extra},"})
    answer = served.ask({"generators": ["good"], "samples": 2, "bucket": extra}).payload
    assert (answer["status"], answer["runs"][0]["bucket"]) == ("complete", extra)
    assert not served.deliver().failed
    assert list(served.backend.ledger.list_runs(extra, "good"))


class Hurry:
    """An invocation that has hardly any time left."""

    aws_request_id = "hurried"
    log_stream_name = None
    memory_limit_in_mb = "1024"

    def __init__(self, function_name: str) -> None:
        self.function_name = function_name

    def get_remaining_time_in_millis(self) -> int:
        return 100


@pytest.fixture
def hurried(served: Served, tree: Path, monkeypatch: pytest.MonkeyPatch) -> SubmitFunction:
    """The submit function in this process."""
    for name, value in served.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tree))
    settings = FunctionSettings.read()
    roster = Roster.read(tree / "roster.json")
    return SubmitFunction(settings, FunctionBackend(settings.resources), roster, JsonLines())


MANY = {"generators": ["good"], "samples": 8_000, "batch_size": 1}


def test_before_its_time_runs_out_it_lets_another_invocation_go_on(
    served: Served, hurried: SubmitFunction
) -> None:
    served.register(served.submit_tasks)
    answer = hurried(MANY, Hurry(served.submit_tasks))
    assert answer["status"] == "continued"
    assert 0 < answer["tasks_sent"] < 8_000
    assert answer["samples_sent"] == answer["tasks_sent"]
    deadline = time.monotonic() + 60
    while not any(line.get("message") == "Sent" for line in served.host.log(served.submit_tasks)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert served.depth() == 8_000, "each task was sent once"


def test_where_it_cannot_call_itself_it_says_how_to_go_on(served: Served, hurried: SubmitFunction) -> None:
    with pytest.raises(ServiceError, match="could not call itself") as raised:
        hurried(MANY, Hurry(served.submit_tasks))
    assert str(raised.value).endswith("Send the same event again: it goes on.")
    served.ask(MANY)
    assert served.depth() == 8_000


def test_it_does_not_go_on_for_ever(served: Served, hurried: SubmitFunction) -> None:
    with pytest.raises(ServiceError, match="100 times over"):
        hurried({**MANY, "continued": 100}, Hurry(served.submit_tasks))
    with pytest.raises(InvalidRequest, match="continued"):
        hurried({**MANY, "continued": 101}, Hurry(served.submit_tasks))


def test_what_is_sent_again_is_not_gone_on_with(served: Served, hurried: SubmitFunction) -> None:
    with pytest.raises(ServiceError, match="fewer generators at a time"):
        hurried({**MANY, "resend": True}, Hurry(served.submit_tasks))
