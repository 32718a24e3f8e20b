"""What a user gets wrong: the error names it, says why and the way out, and nothing is half-done."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from pathlib import Path

import pytest
from places import Vbvr

UNCHANGED = ["generators.yaml", "user"]


@pytest.fixture
def good(vbvr: Vbvr) -> Vbvr:
    vbvr.add("good", "good_video")
    return vbvr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("-g", "goood"), ["'goood'", "good or good_video", "vbvr generators list"]),
        (("-g", "X-*"), ["'X-*'", "vbvr generators list"]),
        (("-g", "good", "-s", "-1"), ["--seed is -1", "from 0 to 2147483647"]),
        (("-g", "good", "-s", "2147483648"), ["--seed is 2147483648"]),
        (("-g", "good", "-n", "-1"), ["--samples"]),
        (("-g", "good", "-n", "100000001"), ["--samples is 100000001"]),
        (("-g", "good", "-b", "0"), ["--batch-size is 0", "from 1 to 1000"]),
        (("-g", "good", "-b", "1001"), ["--batch-size is 1001", "from 1 to 1000"]),
        (("-g", "good", "--append", "--replace"), ["--append", "--replace"]),
        (("-g", "good", "--output-format", "zip"), ["zip", "tar"]),
        (("-g", "good", "-n", "many"), ["--samples"]),
        (("-g", "good", "--nonsense"), ["--nonsense"]),
    ],
)
@pytest.mark.parametrize("command", ["generate", "submit"])
def test_a_request_that_cannot_be_is_a_mistake_of_the_user(
    command: str, arguments: tuple[str, ...], named: list[str], good: Vbvr
) -> None:
    refused = good(command, *arguments)
    assert refused.exit_code == 2
    assert refused.stdout == ""
    for part in named:
        assert part in refused.stderr
    assert good.everything() == UNCHANGED


@pytest.mark.parametrize("command", ["generate", "submit"])
def test_without_a_generator_a_request_says_what_is_missing(command: str, good: Vbvr) -> None:
    refused = good(command)
    assert refused.exit_code == 2
    assert "-g" in refused.stderr


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("version: 1\ngenerators:\n  - name: a\n    sauce: {path: x}\n", ["line 4", "sauce", "source"]),
        ("version: 1\ngenerators:\n  - {name: a, source: {path: x}, role: teacher}\n", ["line 3", "role"]),
        ("version: 1\ngenerators: [\n", ["line 3"]),
        ("version: 2\ngenerators: []\n", ["line 1", "version"]),
    ],
)
def test_a_broken_catalog_is_named_with_line_and_field(text: str, named: list[str], good: Vbvr) -> None:
    (good.folder / "generators.yaml").write_text(text)
    refused = good("generate", "-g", "all", "-n", "1")
    assert refused.exit_code == 3
    for part in ("generators.yaml", *named):
        assert part in refused.stderr
    assert good.everything() == UNCHANGED


def test_a_generators_path_that_is_no_folder_is_named(good: Vbvr) -> None:
    refused = good("generate", "-g", "all", "--generators-path", "nowhere")
    assert refused.exit_code == 3
    assert "nowhere" in refused.stderr
    assert good.everything() == UNCHANGED


def test_a_destination_that_is_a_file_is_refused_and_no_run_is_begun(good: Vbvr) -> None:
    (good.folder / "data").write_text("mine")
    refused = good("generate", "-g", "good", "-n", "2", "--dest", "data")
    assert refused.exit_code == 3
    assert str(good.folder / "data") in refused.stderr
    assert good.ok("status", "--json").json == []
    assert (good.folder / "data").read_text() == "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="/sys takes no files, not even root's")
def test_a_destination_that_cannot_be_written_is_refused_and_no_run_is_begun(good: Vbvr) -> None:
    refused = good("generate", "-g", "good", "-n", "2", "--dest", "/sys/vbvr-data")
    assert refused.exit_code == 3
    assert "/sys/vbvr-data" in refused.stderr
    assert good.ok("status", "--json").json == []


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_a_read_only_destination_is_refused(good: Vbvr) -> None:
    (good.folder / "data").mkdir(mode=0o555)
    refused = good("generate", "-g", "good", "-n", "2", "--dest", "data")
    assert refused.exit_code == 3
    assert str(good.folder / "data") in refused.stderr


def test_a_state_folder_that_cannot_be_made_is_named(good: Vbvr) -> None:
    (good.folder / ".vbvr").write_text("mine")
    refused = good("generate", "-g", "good", "-n", "2", "--dest", "data")
    assert refused.exit_code == 3
    assert ".vbvr" in refused.stderr
    assert not (good.folder / "data").exists()


@pytest.mark.parametrize("command", ["generate -g good -n 1", "status", "dlq list", "worker"])
def test_a_state_folder_of_another_version_is_left_alone(command: str, good: Vbvr) -> None:
    good.ok("submit", "-g", "good", "-n", "1")
    for file in ("queue", "ledger"):
        with sqlite3.connect(good.state / f"{file}.sqlite3") as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
    refused = good(*command.split())
    assert refused.exit_code == 3
    assert "layout 99" in refused.stderr
    assert "--home" in refused.stderr


def test_a_state_that_is_no_database_is_named(good: Vbvr) -> None:
    good.state.mkdir()
    (good.state / "ledger.sqlite3").write_text(
        "not a database at all, but long enough to be read as one" * 30
    )
    refused = good("status")
    assert refused.exit_code == 3
    assert "ledger.sqlite3" in refused.stderr


def test_a_target_that_does_not_exist_is_named_with_its_origin(good: Vbvr) -> None:
    refused = good("status", VBVR_TARGET="moon")
    assert refused.exit_code == 3
    assert "'moon'" in refused.stderr
    assert "environment" in refused.stderr


def test_an_interpreter_that_does_not_run_is_named(good: Vbvr) -> None:
    refused = good("generate", "-g", "good", "-n", "1", VBVR_PYTHON="/nowhere/python")
    assert refused.exit_code == 3
    assert "/nowhere/python" in refused.stderr
    assert "VBVR_PYTHON" in refused.stderr


def test_with_json_an_error_is_json_on_stderr_and_stdout_is_empty(good: Vbvr) -> None:
    refused = good("generate", "-g", "goood", "--json")
    assert refused.stdout == ""
    described = json.loads(refused.stderr.splitlines()[-1])
    assert described["exit_code"] == 2
    assert "goood" in described["error"]
    assert "good" in described["hint"]


def test_a_message_file_that_is_not_there_is_named(good: Vbvr) -> None:
    refused = good("submit", "--message", "nowhere.jsonl")
    assert refused.exit_code == 2
    assert "nowhere.jsonl" in refused.stderr
    assert good.everything() == UNCHANGED


def test_a_destination_is_named_however_its_path_is_written(good: Vbvr) -> None:
    (good.folder / "deep").mkdir()
    good.ok("generate", "-g", "good", "-n", "2", "--dest", "deep/../data")
    again = good.ok("generate", "-g", "good", "-n", "2", "--dest", Path("./data/"), "--json").json
    assert [run["samples_done"] for run in again["runs"]] == [2]
    assert len(good.ok("status", "--json").json) == 1


@pytest.mark.parametrize(
    "arguments",
    [("cancel", ""), ("status", ""), ("download", "--run", ""), ("submit", "-g", "good", "--home=")],
    ids=" ".join,
)
def test_an_empty_argument_is_refused_and_does_not_mean_everything(
    arguments: tuple[str, ...], good: Vbvr
) -> None:
    good.ok("submit", "-g", "good", "-n", "2")

    refused = good(*arguments)

    assert refused.exit_code == 2
    assert "is empty" in refused.stderr
    assert "a variable that is not set" in refused.stderr
    (run,) = good.ok("status", "--json").json
    assert not run["cancelled"]


def test_a_home_that_there_is_not_is_named(good: Vbvr) -> None:
    refused = good("generate", "-g", "good", "-n", "1", "--dest", "~nobody-is-called-so/x")

    assert refused.exit_code == 3
    assert "~nobody-is-called-so/x" in refused.stderr
