"""What Ctrl-C means for a command that can go on later."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stoppable(kept: str) -> Iterator[None]:
    """Turn Ctrl-C into an error that says what is `kept` and how to go on: with the same command.

    What was begun is finished first, which can take a while where a service does not answer; a second Ctrl-C
    ends the process at once. That loses nothing that a SIGKILL would not lose: nothing.
    """
    from vbvr_cli.errors import InterruptedWorkError

    what, hint = f"Stopped. {kept}", f"Go on with: {shlex.join(['vbvr', *sys.argv[1:]])}"
    try:
        with _interrupting(f"error: {what}\n  fix: {hint}\n"):
            yield
    except KeyboardInterrupt:
        raise InterruptedWorkError(what, hint=hint) from None


@contextmanager
def _interrupting(last_words: str) -> Iterator[None]:
    """Let the first signal interrupt, and a second one end the process with these words."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        nonlocal stopping
        if stopping:
            _say(last_words)
            os._exit(130)
        stopping = True
        _say("Stopping: what was begun is finished first; again, and it ends at once.\n")
        raise KeyboardInterrupt

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    """Say something from within a signal handler: whatever else is being printed."""
    os.write(2, f"\n{text}".encode())
