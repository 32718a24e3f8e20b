"""How long work shows itself: a live line in a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from vbvr_cli.operations.generate import Standing
from vbvr_cli.operations.pace import Pace
from vbvr_cli.operations.submit import Sent
from vbvr_cli.screens.console import err, note
from vbvr_cli.screens.units import count, duration, plural, rate

PLAIN_EVERY_SECONDS = 10.0


class SampleProgress:
    """Samples done, rate, time left and failures of a request, on stderr."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._pace = Pace()
        self._quiet = quiet
        self._live: Progress | None = None
        self._bar = TaskID(0)
        self._last_plain = 0.0

    def __enter__(self) -> Self:
        if err.is_terminal and not self._quiet:
            self._live = Progress(
                TextColumn("[bold]samples[/bold]"),
                BarColumn(bar_width=None),
                TextColumn("{task.fields[done]}"),
                TextColumn("[dim]{task.fields[more]}[/dim]"),
                console=err,
                transient=True,
            )
            self._bar = self._live.add_task("samples", total=None, done="", more="beginning")
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, standing: Standing) -> None:
        """Show where the work stands."""
        planned = sum(one.samples_planned for one in standing.progress)
        finished = sum(one.samples_done for one in standing.progress)
        dead = sum(one.samples_dead for one in standing.progress)
        made = finished + sum(one.samples_making for one in standing.progress)
        per_second = self._pace.update(standing.seconds, made)
        left = planned - made - dead
        parts = [plural(standing.workers, "worker")]
        if per_second > 0:
            parts = [rate(per_second), f"{duration(left / per_second)} left", *parts]
        if dead:
            parts.append(f"{count(dead)} failed")
        done, more = f"{count(min(made, planned))}/{count(planned)}", ", ".join(parts)
        if self._live:
            self._live.update(self._bar, total=planned, completed=made + dead, done=done, more=more)
        elif not self._quiet and time.monotonic() - self._last_plain >= PLAIN_EVERY_SECONDS:
            self._last_plain = time.monotonic()
            note(f"samples {done}, {more}")


class TaskProgress:
    """Tasks looked at and sent by a submit, on stderr in a terminal."""

    def __init__(self) -> None:
        self._live = Progress(
            TextColumn("[bold]tasks[/bold] {task.fields[text]}"),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )
        self._line = self._live.add_task("tasks", text="")

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, sent: Sent) -> None:
        """Show how many tasks were looked at, and how many of them were sent."""
        self._live.update(self._line, text=f"{count(sent.sent)} sent of {count(sent.tasks)}")
