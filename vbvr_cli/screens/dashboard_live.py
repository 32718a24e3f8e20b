"""Shows readings one after the other: on a screen that stays in place, or as lines for whoever reads them."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import NoReturn, Self

from rich.live import Live

from vbvr_cli.operations.monitor import Monitor, Outage, Reading
from vbvr_cli.screens.console import out, show_json, warn
from vbvr_cli.screens.dashboard import Dashboard
from vbvr_cli.screens.dashboard_plain import detail_lines, outage_line, plain_line, reading_as_json

RESIZE_SECONDS = 0.2
"""How often the size of the terminal is looked at between two readings."""
GONE = frozenset({errno.EPIPE, errno.EIO})
"""What writing fails with when nobody reads any more, or the terminal is gone."""


def show_reading(reading: Reading, place: str, *, as_json: bool) -> None:
    """One reading and no more."""
    if as_json:
        show_json(reading_as_json(reading))
    elif out.is_terminal:
        out.print(Dashboard(reading, place, below=2))
    else:
        sys.stdout.write("".join(f"{line}\n" for line in detail_lines(reading)))


def watch(monitor: Monitor, place: str, interval: float, *, as_json: bool) -> None:
    """Show a reading every `interval` seconds, until the user ends it or nobody is there to see it.

    Raises KeyboardInterrupt if ended before there was any.
    """
    seen = False
    display: Screen | Lines = Screen(place) if not as_json and _is_screen() else Lines(as_json=as_json)
    try:
        with _hangup_interrupts(), display:
            while True:
                due = time.monotonic() + interval
                reading = monitor.look_on()
                seen = seen or isinstance(reading, Reading)
                display.show(reading)
                while (left := due - time.monotonic()) > 0:
                    time.sleep(min(left, RESIZE_SECONDS))
                    display.adapt()
    except KeyboardInterrupt:
        if not seen:
            raise
    except OSError as error:
        if error.errno not in GONE:
            raise
        _write_nowhere()


class Screen:
    """The dashboard on the terminal's other screen: nothing scrolls, and what was there comes back.

    Drawn only for a new reading or a new size, over what stands there: nothing flickers.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._live = Live(console=out, screen=True, auto_refresh=False)
        self._size = out.size
        self._last: Reading | None = None

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        if self._last:
            _print(plain_line(self._last))

    def show(self, reading: Reading | Outage) -> None:
        """Draw a reading, or that there is none yet."""
        if isinstance(reading, Reading):
            self._last = reading
        self._size = out.size
        self._live.update(Dashboard(reading, self._place), refresh=True)

    def adapt(self) -> None:
        """Draw anew if the size has changed."""
        if out.size != self._size:
            self._size = out.size
            self._live.refresh()


class Lines:
    """A line a reading, of text or JSON, on stdout; on stderr what keeps the first from coming."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._said = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing has to be put back."""

    def show(self, reading: Reading | Outage) -> None:
        """Write a reading, or once that there is none yet."""
        if isinstance(reading, Outage):
            if outage_line(reading) != self._said:
                self._said = outage_line(reading)
                warn(self._said)
        elif self._as_json:
            _print(json.dumps(reading_as_json(reading)))
        else:
            _print(plain_line(reading))

    def adapt(self) -> None:
        """Lines are as long as they are."""


def _print(line: str) -> None:
    """At once, and past Rich: it would end the process when nobody reads."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _is_screen() -> bool:
    return out.is_terminal and not out.is_dumb_terminal and sys.stdout.isatty()


@contextmanager
def _hangup_interrupts() -> Iterator[None]:
    """Let a terminal that is closed end the watch as Ctrl-C does, unless hangups are ignored (nohup)."""
    before = signal.getsignal(signal.SIGHUP)
    if before is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _write_nowhere() -> None:
    """What is still in a buffer must not fail once more when the process ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
