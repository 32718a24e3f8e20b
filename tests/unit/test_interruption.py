"""Ctrl-C: the first lets finish what was begun, the second ends the command at once."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from places import PATIENCE_SECONDS

PROGRAM = """
import sys, threading
from vbvr_cli.commands.interruption import stoppable
from vbvr_cli.errors import VbvrError

sys.argv = ["vbvr", "submit", "-g", "all"]
never = threading.Event()
try:
    with stoppable("What was sent is recorded."):
        try:
            print("begun", flush=True)
            never.wait(60)
        finally:
            never.wait(FINISHING)
except VbvrError as error:
    print(error, error.hint, flush=True)
    sys.exit(error.exit_code)
"""


def begin(finishing: float) -> subprocess.Popen[str]:
    program = PROGRAM.replace("FINISHING", str(finishing))
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_lets_finish_what_was_begun(number: signal.Signals) -> None:
    process = begin(finishing=0.1)

    process.send_signal(number)
    said, beside = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 130
    assert said == "Stopped. What was sent is recorded. Go on with: vbvr submit -g all\n"
    assert "what was begun is finished first" in beside


def test_the_second_ends_at_once_and_says_how_to_go_on() -> None:
    process = begin(finishing=60)
    assert process.stderr
    process.send_signal(signal.SIGINT)
    assert process.stderr.readline() == "\n"
    assert "what was begun is finished first" in process.stderr.readline()

    process.send_signal(signal.SIGINT)
    _, beside = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 130
    assert "error: Stopped. What was sent is recorded.\n  fix: Go on with: vbvr submit -g all" in beside


def test_who_ignores_interrupts_is_not_interrupted() -> None:
    program = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + PROGRAM.replace(
        "never.wait(60)", "never.wait(0.2)"
    ).replace("FINISHING", "0")
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "begun\n"

    process.send_signal(signal.SIGINT)

    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
