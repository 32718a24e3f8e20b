"""`vbvr submit --message`: what a person writes is looked at before it is sent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from places import PATIENCE_SECONDS, Vbvr

ONE = '{"type": "good", "num_samples": 1}'
NEEDY = "# vbvr-test: no such package is asked for\nnot-there-at-all==9.9.9\n"


@pytest.fixture
def good(vbvr: Vbvr) -> Vbvr:
    vbvr.add("good")
    return vbvr


def lines(*messages: dict[str, object]) -> str:
    return "\n".join(map(json.dumps, messages))


def waiting(vbvr: Vbvr) -> int:
    return int(vbvr.ok("queue", "count", "--json").json["waiting"])


def test_a_dry_run_shows_a_row_for_each_kind_of_task_and_sends_nothing(good: Vbvr) -> None:
    text = lines(
        {"type": "good", "num_samples": 4},
        {"type": "good", "num_samples": 4, "start_index": 4},
        {"type": "good", "num_samples": 3, "start_index": 8, "dedup": True},
    )

    shown = good.ok("submit", "--message", "-", "--dry-run", "--json", stdin=text).json

    assert shown["dry_run"] is True
    assert [(one["samples"], one["tasks"], one["batch_size"]) for one in shown["plan"]] == [
        (8, 2, 4),
        (3, 1, 3),
    ]
    assert waiting(good) == 0


def test_a_dry_run_names_generators_that_nobody_has(good: Vbvr) -> None:
    text = lines({"type": "nowhere", "num_samples": 1}, {"type": "good", "num_samples": 1})

    shown = good.ok("submit", "--message", "-", "--dry-run", stdin=text)

    assert "1 message of nowhere" in shown.stderr
    assert [line.split("\t")[0] for line in shown.stdout.splitlines()] == ["good"]


@pytest.mark.parametrize(
    "option",
    [("-n", "10000"), ("--seed", "0"), ("-b", "5"), ("--dedup",), ("--bucket", "there"), ("--resend",)],
    ids="-".join,
)
def test_an_option_that_a_message_answers_itself_is_refused(good: Vbvr, option: tuple[str, ...]) -> None:
    refused = good("submit", "--message", "-", *option, stdin=lines({"type": "good", "num_samples": 1}))

    assert refused.exit_code == 2
    assert "does not go with --message" in refused.stderr
    assert waiting(good) == 0


def test_a_dry_run_counts_every_kind_of_message_that_is_doomed(good: Vbvr) -> None:
    kept = good.ok("submit", "-g", "good", "-n", "4", "-b", "4", "--json").json["runs"][0]["run_id"]
    replaced = good.ok("submit", "-g", "good", "-n", "2", "--bucket", "there", "--json").json["runs"][0]
    good.ok("submit", "-g", "good", "-n", "2", "-s", "1", "--bucket", "there", "--replace")
    before = waiting(good)
    text = lines(
        {"type": "nowhere", "num_samples": 1},
        {"type": "good", "num_samples": 1, "output_bucket": "/etc"},
        {"type": "good", "num_samples": 2, "output_bucket": "/etc", "run_id": kept},
        {"type": "good", "num_samples": 1, "run_id": "0123456789abcdef"},
        {"type": "good", "num_samples": 2, "output_bucket": replaced["bucket"], "run_id": replaced["run_id"]},
        {"type": "good", "num_samples": 4, "run_id": kept},
        {"type": "good", "num_samples": 3, "run_id": "adhoc-0123"},
        {"type": "good", "num_samples": 3, "start_index": 40},
    )

    shown = good.ok("submit", "--message", "-", "--dry-run", "--json", stdin=text)

    assert {(one["of"], one["messages"]) for one in shown.json["doomed"]} == {
        ("nowhere", 1),
        ("bucket /etc", 2),
        ("run 0123456789abcdef", 1),
        (f"run {replaced['run_id']}", 1),
    }
    assert all(one["why"] for one in shown.json["doomed"])
    assert sorted((one["samples"], one["tasks"]) for one in shown.json["plan"]) == [(4, 1), (6, 2)]
    for said in ("1 message of nowhere", "2 messages of bucket /etc", "1 message of run 0123456789abcdef"):
        assert said in shown.stderr
    assert f"1 message of run {replaced['run_id']}: it was replaced" in shown.stderr
    assert waiting(good) == before


def test_nothing_doomed_is_said_so_too(good: Vbvr) -> None:
    assert good.ok("submit", "--message", "-", "--dry-run", "--json", stdin=ONE).json["doomed"] == []


def test_doomed_messages_are_named_and_sent_all_the_same(good: Vbvr) -> None:
    text = lines(
        {"type": "good", "num_samples": 1, "output_bucket": "/etc"}, {"type": "good", "num_samples": 1}
    )

    sent = good.ok("submit", "--message", "-", "--json", stdin=text)

    assert sent.json["tasks_sent"] == waiting(good) == 2
    assert "1 message of bucket /etc" in sent.stderr


@pytest.mark.parametrize("more", [("--dry-run",), ()], ids=["dry-run", "sent"])
def test_looking_at_messages_builds_no_environment(good: Vbvr, more: tuple[str, ...]) -> None:
    (good.generators / "good" / "requirements.txt").write_text(NEEDY)

    looked = good.ok("submit", "--message", "-", "--json", *more, stdin=ONE)

    assert "good" not in looked.stderr
    assert not (good.state / "environments").exists()
    assert looked.json.get("doomed", []) == []


@pytest.mark.parametrize("text", ["", "\n\n  \r\n", "\ufeff"], ids=["nothing", "blank", "mark"])
def test_no_message_at_all_is_a_mistake_of_the_user(good: Vbvr, text: str) -> None:
    (good.folder / "none.jsonl").write_text(text, encoding="utf-8")

    in_file = good("submit", "--message", "none.jsonl")
    in_stdin = good("submit", "--message", "-", stdin=text)

    assert (in_file.exit_code, in_stdin.exit_code) == (2, 2)
    assert "There is no message in none.jsonl" in in_file.stderr
    assert "There is no message in stdin" in in_stdin.stderr


def test_lines_end_where_json_lines_do(good: Vbvr) -> None:
    separated = json.dumps(
        {"type": "good", "num_samples": 1, "output_bucket": "a\u2028b"}, ensure_ascii=False
    )
    text = f"\ufeff{ONE}\r\n{separated}\r\n"
    (good.folder / "messages.jsonl").write_bytes(text.encode())

    assert good.ok("submit", "--message", "messages.jsonl", "--json").json["tasks_sent"] == 2
    assert good.ok("submit", "--message", "-", "--json", stdin=text).json["tasks_sent"] == 2


def given(vbvr: Vbvr, stdin: bytes | None) -> subprocess.CompletedProcess[bytes]:
    """Send messages from bytes on stdin, which a strict Python would refuse to decode; None: it is closed."""
    binary = Path(sys.executable).with_name("vbvr")
    closed = () if stdin is not None else ("sh", "-c", 'exec "$@" <&-', "sh")
    return subprocess.run(
        [*closed, str(binary), "submit", "--message", "-"],
        cwd=vbvr.folder,
        env={**vbvr.environment, "PYTHONIOENCODING": "utf-8:strict", "PYTHONUTF8": "0"},
        input=stdin,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def test_stdin_that_is_no_text_is_a_mistake_of_the_user(good: Vbvr) -> None:
    refused = given(good, b'{"type": "\xff", "num_samples": 1}')

    assert refused.returncode == 2
    assert b"stdin cannot be read" in refused.stderr
    assert b"not UTF-8" in refused.stderr


def test_stdin_that_is_closed_is_a_mistake_of_the_user(good: Vbvr) -> None:
    refused = given(good, None)

    assert refused.returncode == 2
    assert b"stdin cannot be read" in refused.stderr


def test_stopped_before_anything_was_sent_it_says_so(good: Vbvr) -> None:
    process = good.start("submit", "--message", "-")
    assert process.stdin is not None
    process.stdin.write(
        f"{ONE}\n" * 20_000
    )  # more than a pipe holds: it reads by now, and waits for the rest
    process.stdin.flush()
    os.kill(process.pid, signal.SIGINT)
    stopped = good.finish(process)

    assert stopped.exit_code == 130
    assert "Nothing was sent." in stopped.stderr
    assert "from stdin: they have to be given again" in stopped.stderr
    assert "vbvr submit --message -" in stopped.stderr
    assert waiting(good) == 0
