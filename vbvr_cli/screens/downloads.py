"""How a download shows itself."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from vbvr_cli.operations.download.report import Downloaded
from vbvr_cli.screens.console import err, note, say, show_json, warn
from vbvr_cli.screens.progress import PLAIN_EVERY_SECONDS
from vbvr_cli.screens.units import count, plural, size

SHOWN_PROBLEMS = 10


class DownloadProgress:
    """Samples, bytes and time left: a live line in a terminal, a plain line now and then elsewhere."""

    def __init__(self) -> None:
        self._live = Progress(
            TextColumn("[bold]samples[/bold] {task.fields[samples]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[bytes]}"),
            TransferSpeedColumn(),
            TimeRemainingColumn(compact=True),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )
        self._terminal = err.is_terminal  # looked up once: each sample is shown
        self._bar = self._live.add_task("download", total=None, samples="", bytes="")
        self._last_plain = time.monotonic()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, report: Downloaded) -> None:
        """Show how far it is."""
        if self._terminal:
            self._live.update(
                self._bar,
                total=report.bytes_total,
                completed=report.num_bytes,
                samples=_samples(report),
                bytes=size(report.num_bytes),
            )
        elif time.monotonic() - self._last_plain >= PLAIN_EVERY_SECONDS:
            self._last_plain = time.monotonic()
            note(f"samples {_samples(report)}, {size(report.num_bytes)}")


def _samples(report: Downloaded) -> str:
    total = "" if report.samples_total is None else f"/{count(report.samples_total)}"
    return f"{count(report.samples)}{total}"


def show_brought(report: Downloaded, destination: Path, *, as_json: bool) -> None:
    """What is in the folder now, and what is not."""
    if as_json:
        show_json({"dest": str(destination.absolute()), **asdict(report)})
        return
    what = (
        plural(report.samples, "sample") if report.checked else plural(report.files + report.present, "file")
    )
    there = f", {plural(report.present, 'file')} of them there already" if report.present else ""
    say(f"{what}, {size(report.num_bytes)}, in {destination / 'questions'}{there}")
    if not report.checked:
        note("The store has no manifests: questions/ was listed, and files were checked by their size alone.")
    if report.samples_missing:
        note(f"{plural(report.samples_missing, 'sample')} asked for are not made (yet): vbvr status")
    for problem in report.problems[:SHOWN_PROBLEMS]:
        warn(problem)
    if report.failed > SHOWN_PROBLEMS:
        warn(f"and {count(report.failed - SHOWN_PROBLEMS)} more")
