"""`vbvr monitor` as its users run it: once, in a pipe, and on a terminal that they resize and close."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import PATIENCE_SECONDS, Vbvr

OTHER_SCREEN, OWN_SCREEN = "\x1b[?1049h", "\x1b[?1049l"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


@pytest.fixture
def submitted(vbvr: Vbvr) -> Vbvr:
    """Two generators, three tasks of each waiting for a worker."""
    vbvr.add("good", "fails_on_some_seeds")
    vbvr.ok("submit", "-g", "all", "-n", "30", "-b", "10")
    return vbvr


class Terminal:
    """`vbvr` on a terminal of its own: what it draws, and what its user does."""

    def __init__(self, vbvr: Vbvr, *arguments: str, width: int = 80, height: int = 24) -> None:
        self._leader, follower = pty.openpty()
        self.resize(width, height)
        environment = {
            key: value for key, value in vbvr.environment.items() if key not in ("COLUMNS", "NO_COLOR")
        }
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("vbvr")), *arguments],
            cwd=vbvr.folder,
            env={**environment, "TERM": "xterm-256color"},
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509
        )
        os.close(follower)
        self.output = ""

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self._leader, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self._leader, keys.encode())

    def wait_for(self, words: str, *, after: int = 0) -> int:
        """Read until the words appear behind `after`; where they end."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := self.output.find(words, after)) < 0:
            if not select.select([self._leader], [], [], max(0.0, deadline - time.monotonic()))[0]:
                pytest.fail(f"{words!r} never appeared in {self.output!r}")
            self.output += os.read(self._leader, 65_536).decode()
        return found + len(words)

    def end(self) -> int:
        """Read all that is left; the exit code."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        try:
            while select.select([self._leader], [], [], max(0.0, deadline - time.monotonic()))[0] and (
                data := os.read(self._leader, 65_536)
            ):
                self.output += data.decode()
        except OSError:  # how a terminal says that nobody writes to it any more
            pass
        return self.process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        os.close(self._leader)


def _take_terminal() -> None:
    """In the new process: be led by the terminal, also where the tests run under nohup."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def terminal(submitted: Vbvr) -> Iterator[Terminal]:
    """A watch on a terminal that has drawn its first dashboard."""
    one = Terminal(submitted, "monitor", "--watch", "-i", "0.2")
    one.wait_for("generator")
    yield one
    one.process.kill()
    one.process.wait()


def test_once_in_a_pipe_it_is_a_line_and_one_for_each_generator(submitted: Vbvr):
    lines = submitted.ok("monitor").stdout.splitlines()

    assert "samples 0 of 60" in lines[0]
    assert "6 waiting" in lines[0]
    assert sorted(line.split("\t")[0] for line in lines[1:]) == ["fails_on_some_seeds", "good"]


def test_the_target_is_said_beside_the_result(submitted: Vbvr):
    finished = submitted.ok("monitor", "--json")

    assert "target: local" in finished.stderr
    assert finished.json["samples"]["planned"] == 60


def test_after_the_work_it_says_what_was_done_and_what_failed(submitted: Vbvr):
    submitted("worker", "--workers", "1")

    reading = submitted.ok("monitor", "--json").json

    assert reading["queue"]["waiting"] == 0
    assert reading["samples"]["open"] == 0
    assert reading["samples"]["done"] + reading["samples"]["failed"] == 60
    assert reading["tasks_lost"] == 0


def test_only_the_generators_asked_for_are_shown(submitted: Vbvr):
    reading = submitted.ok("monitor", "--json", "-g", "go*", "-g", "no-such-one").json

    assert [one["generator"] for one in reading["generators"]] == ["good"]


def test_a_generator_without_a_run_is_a_mistake(submitted: Vbvr):
    finished = submitted("monitor", "-g", "typo-*")

    assert finished.exit_code == 2
    assert "typo-*" in finished.stderr


def test_before_anything_is_submitted_it_says_so_and_leaves_nothing_behind(vbvr: Vbvr):
    before = vbvr.everything()

    finished = vbvr.ok("monitor")

    assert "nothing submitted yet" in finished.stdout
    assert vbvr.everything() == before


def test_without_a_watch_a_back_end_that_fails_is_an_error(submitted: Vbvr):
    (submitted.state / "ledger.sqlite3").write_text("nonsense " * 1_000)

    finished = submitted("monitor")

    assert finished.exit_code == 3
    assert "ledger.sqlite3" in finished.stderr
    assert submitted("monitor", "--watch").exit_code == 3


def test_an_interval_that_makes_no_sense_is_refused(vbvr: Vbvr):
    assert vbvr("monitor", "--watch", "-i", "0").exit_code == 2
    assert vbvr("monitor", "--watch", "-i", "often").exit_code == 2


def test_a_watch_in_a_pipe_is_a_line_a_reading_until_it_is_interrupted(submitted: Vbvr):
    process = submitted.start("monitor", "--watch", "-i", "0.2")
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(3)]
    process.send_signal(signal.SIGINT)

    finished = submitted.finish(process)

    assert all("samples 0 of 60" in line for line in lines)
    assert finished.exit_code == 0
    assert "\x1b" not in "".join(lines) + finished.stdout
    assert "Traceback" not in finished.stderr


def test_a_watch_with_json_is_a_document_a_line(submitted: Vbvr):
    process = submitted.start("monitor", "--watch", "-i", "0.2", "--json")
    assert process.stdout
    first, second = (json.loads(process.stdout.readline()) for _ in range(2))
    process.send_signal(signal.SIGTERM)

    assert submitted.finish(process).exit_code == 0
    assert first["taken_at"] < second["taken_at"]


def test_a_watch_ends_quietly_when_nobody_reads_it_any_more(submitted: Vbvr):
    process = submitted.start("monitor", "--watch", "-i", "0.2")
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()

    assert process.wait(PATIENCE_SECONDS) == 0
    assert process.stderr.read().splitlines() == ["target: local, state in .vbvr"]


def test_on_a_terminal_the_dashboard_has_the_screen_to_itself_and_gives_it_back(terminal: Terminal):
    terminal.press("\x03")

    assert terminal.end() == 0
    output = terminal.output
    assert output.index(OTHER_SCREEN) < output.index(HIDE_CURSOR) < output.index("generator")
    assert output.rindex("generator") < output.rindex(SHOW_CURSOR) < output.rindex(OWN_SCREEN)
    left_behind = output[output.rindex(OWN_SCREEN) + len(OWN_SCREEN) :]
    assert "samples 0 of 60" in left_behind
    assert "Traceback" not in left_behind


def test_the_screen_is_drawn_over_and_never_cleared(terminal: Terminal):
    drawn_once = terminal.wait_for("generator")
    terminal.wait_for("generator", after=drawn_once)
    terminal.press("\x03")
    terminal.end()

    assert "\x1b[2J" not in terminal.output
    assert "\x1b[K" not in terminal.output


def test_the_dashboard_follows_the_size_of_the_terminal(terminal: Terminal):
    before = terminal.output
    terminal.resize(160, 50)
    terminal.wait_for("working", after=len(before))
    after = len(terminal.output)
    terminal.resize(60, 20)
    terminal.wait_for("generator", after=after)
    terminal.press("\x03")

    assert "working" not in before
    assert terminal.end() == 0


def test_a_terminal_that_goes_away_ends_the_watch_quietly(terminal: Terminal):
    terminal.close()

    assert terminal.process.wait(PATIENCE_SECONDS) == 0


def test_a_hangup_gives_the_screen_back(terminal: Terminal):
    terminal.process.send_signal(signal.SIGHUP)

    assert terminal.end() == 0
    assert OWN_SCREEN in terminal.output
    assert SHOW_CURSOR in terminal.output


def test_once_on_a_terminal_it_is_printed_where_the_prompt_is(submitted: Vbvr):
    terminal = Terminal(submitted, "monitor", width=80, height=12)

    assert terminal.end() == 0
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in terminal.output.splitlines()]
    assert OTHER_SCREEN not in terminal.output
    assert len(lines) < 12
    assert max(map(len, lines)) <= 80
    assert any("good" in line for line in lines)
