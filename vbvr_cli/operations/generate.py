"""Submit, work and collect in one, on this machine."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vbvr_cli.backends.ports import Backend
from vbvr_cli.errors import ServiceError, WorkFailedError
from vbvr_cli.models import Progress, RunKey
from vbvr_cli.operations.reconcile import reopen_unmanifested
from vbvr_cli.operations.submit import Sent, Submitter
from vbvr_cli.operations.workforce import Workforce
from vbvr_cli.planning import GeneratorPlan

POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the runs of a request are. `seconds` since the work began, `workers` at work now."""

    progress: tuple[Progress, ...]
    seconds: float
    workers: int

    @property
    def settled(self) -> bool:
        """Whether every sample is done or given up."""
        return all(one.samples_open == 0 or one.cancelled for one in self.progress)


@dataclass(frozen=True, slots=True)
class GenerateReport:
    """What came of it, and which generators were left out and why."""

    standing: Standing
    refused: Mapping[str, str]


def generate(
    backend: Backend,
    submitter: Submitter,
    plans: Sequence[GeneratorPlan],
    *,
    workers: int,
    environment: Mapping[str, str],
    logs: Path,
    on_standing: Callable[[Standing], None],
    on_sent: Callable[[Sent], None] = lambda _: None,
) -> GenerateReport:
    """Send what is missing of the plans, and work until each sample is done or given up.

    `environment` tells worker processes where things are; what they print goes to `logs`. Raises what
    `Submitter.carry_out` and `Workforce.check` do, and ServiceError where the ledger forgets a run.
    """
    for one in plans:
        for run in one.existing:
            reopen_unmanifested(backend, run)
    report = submitter.carry_out(plans, on_progress=on_sent)
    started = time.monotonic()

    def look(running: int) -> Standing:
        progress = tuple(backend.ledger.progress(report.runs))
        _require_all(progress, report.runs)
        return Standing(progress, time.monotonic() - started, running)

    standing = look(0)
    if not standing.settled:
        with Workforce(workers, environment, logs, forever=False) as workforce:
            while (running := workforce.check()) and not standing.settled:
                standing = look(running)
                on_standing(standing)
                time.sleep(POLL_SECONDS)
        standing = look(0)
    on_standing(standing)
    return GenerateReport(standing, report.refused)


def _require_all(progress: Sequence[Progress], runs: Sequence[RunKey]) -> None:
    if len(progress) < len(runs):
        raise ServiceError(
            f"{len(runs) - len(progress)} of the runs were forgotten while they were worked on.",
            why="the state folder was removed, or another command replaced them",
            hint="Run the same command again: it goes on with what is in the destination.",
        )


def unfinished_error(report: GenerateReport) -> WorkFailedError | None:
    """The error for what is missing of the dataset, or None if it is complete."""
    dead = sum(one.samples_dead for one in report.standing.progress)
    still_open = [one for one in report.standing.progress if one.samples_open]
    open_samples = sum(one.samples_open for one in still_open)
    if dead:
        reasons = Counter[str]()
        for one in report.standing.progress:
            reasons.update({str(code): number for code, number in one.reasons.items()})
        listed = ", ".join(f"{code} ({number})" for code, number in reasons.most_common())
        return WorkFailedError(
            f"{dead:,} samples could not be made; the rest is done and kept.",
            why=f"tasks failed: {listed}",
            hint="See `vbvr dlq list`.",
        )
    cancelled = [one.run.run_id for one in still_open if one.cancelled]
    if cancelled:
        return WorkFailedError(
            f"{open_samples:,} samples are not made.",
            why=f"cancelled: {', '.join(cancelled)}",
            hint="Run the same command again: that lifts the mark.",
        )
    if still_open:
        return WorkFailedError(
            f"{open_samples:,} samples are neither done nor failed.",
            why="their tasks are no longer in the queue",
            hint=f"See `vbvr status {still_open[0].run.run_id}`; `vbvr submit --resend` sends them again.",
        )
    if report.refused:
        return WorkFailedError(
            f"{len(report.refused)} of the generators were left out.",
            why="; ".join(report.refused.values()),
            hint="Add --append to start at the next free index, or --replace to discard the other run.",
        )
    return None
