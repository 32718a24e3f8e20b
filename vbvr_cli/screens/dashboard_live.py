"""Shows readings one after the other: on a screen that stays in place, or as lines for whoever reads them."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NoReturn, Protocol, Self

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
        out.print(Dashboard(reading, place, below=2), end="")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in detail_lines(reading)))


def watch(monitor: Monitor, place: str, interval: float, *, as_json: bool) -> None:
    """Show a reading every `interval` seconds, until the user ends it or nobody is there to see it.

    Raises KeyboardInterrupt if ended before there was any.
    """
    seen: Reading | None = None
    display = Screen(place) if not as_json and _is_screen() else Lines(as_json=as_json)
    try:
        with _hangup_interrupts(), display:
            while True:
                due = time.monotonic() + interval
                reading = monitor.look_on()
                display.show(reading)
                seen = reading if isinstance(reading, Reading) else seen
                while (left := due - time.monotonic()) > 0:
                    time.sleep(min(left, RESIZE_SECONDS))
                    display.adapt()
    except KeyboardInterrupt:
        if seen is None:
            raise
    except OSError as error:
        if error.errno not in GONE:
            raise
        _write_nowhere()
        return
    display.leave(seen)


class Display(Protocol):
    """Where readings are shown."""

    def show(self, reading: Reading | Outage) -> None:
        """Show a reading, or that there is none yet."""

    def adapt(self) -> None:
        """Follow the terminal if its size has changed."""

    def leave(self, last: Reading) -> None:
        """Say a last word when the watch has ended."""


class Screen:
    """The dashboard on the terminal's other screen: nothing scrolls, and what was there comes back.

    Drawn only for a new reading or a new size, over what stands there: nothing flickers.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._live = Live(console=out, screen=True, auto_refresh=False)
        self._size = out.size

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, reading: Reading | Outage) -> None:
        self._size = out.size
        self._live.update(Dashboard(reading, self._place), refresh=True)

    def adapt(self) -> None:
        if out.size != self._size:
            self._size = out.size
            self._live.refresh()

    def leave(self, last: Reading) -> None:
        """The last figures, where the prompt comes back."""
        _print(plain_line(last))


class Lines:
    """A line a reading, of text or JSON, on stdout; what keeps readings from coming, on stderr."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._warned = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, reading: Reading | Outage) -> None:
        if isinstance(reading, Outage):
            if outage_line(reading) != self._warned:
                self._warned = outage_line(reading)
                warn(self._warned)
        elif self._as_json:
            show_json(reading_as_json(reading))
            sys.stdout.flush()
        else:
            _print(plain_line(reading))

    def adapt(self) -> None:
        pass

    def leave(self, last: Reading) -> None:
        pass
