"""How a plan and its outcome are shown, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vbvr_cli.models import Progress
from vbvr_cli.planning import GeneratorPlan
from vbvr_cli.screens.units import count, duration, size

PLAN_COLUMNS = (
    ("generator", "left"),
    ("what", "left"),
    ("samples", "right"),
    ("tasks", "right"),
    ("time", "right"),
    ("size", "right"),
)
RUN_COLUMNS = (
    ("generator", "left"),
    ("run", "left"),
    ("done", "right"),
    ("of", "right"),
    ("failed", "right"),
    ("remade", "right"),
    ("size", "right"),
    ("state", "left"),
)


def plan_rows(
    plans: Sequence[GeneratorPlan], workers: int, total_seconds: float | None = None
) -> list[list[str]]:
    """A row for each generator and one for the total; times are with so many workers.

    `total_seconds` is the time for all, where it is known better than by dividing.
    """
    rows = [
        [
            one.generator.name,
            one.action,
            count(one.new_samples),
            count(one.new_tasks),
            _about(_seconds(one, workers), one.measured),
            size(one.num_bytes),
        ]
        for one in plans
    ]
    if len(plans) > 1:
        wanted = [one for one in plans if not one.refusal]
        seconds = sum(one.seconds for one in wanted) / workers if total_seconds is None else total_seconds
        rows.append(
            [
                "total",
                "",
                count(sum(one.new_samples for one in wanted)),
                count(sum(one.new_tasks for one in wanted)),
                _about(seconds, all(one.measured for one in wanted)),
                size(sum(one.num_bytes for one in wanted)),
            ]
        )
    return rows


def plan_as_json(plans: Sequence[GeneratorPlan], workers: int) -> list[dict[str, Any]]:
    """The plan for scripts; seconds are wall time with so many workers."""
    return [
        {
            "generator": one.generator.name,
            "action": one.action,
            "samples": one.new_samples,
            "tasks": one.new_tasks,
            "batch_size": one.spec.batch_size,
            "first_index": one.spec.first_index,
            "seed": one.spec.seed,
            "estimated_seconds": round(_seconds(one, workers), 1),
            "estimated_bytes": round(one.num_bytes),
            "measured": one.measured,
            "refused": str(one.refusal) if one.refusal else None,
        }
        for one in plans
    ]


def run_rows(progress: Sequence[Progress]) -> list[list[str]]:
    """A row for each run."""
    return [
        [
            one.generator,
            one.run.run_id,
            count(one.samples_done),
            count(one.samples_planned),
            count(one.samples_dead),
            count(one.remade),
            size(one.num_bytes),
            state(one),
        ]
        for one in progress
    ]


def state(one: Progress) -> str:
    """How a run stands, in a word or two."""
    if one.cancelled:
        return "cancelled"
    if one.samples_open:
        return "open"
    return "complete" if not one.samples_dead else "part failed"


def progress_as_json(one: Progress) -> dict[str, Any]:
    """A run's counters for scripts."""
    return {
        "generator": one.generator,
        "run_id": one.run.run_id,
        "bucket": one.run.bucket,
        "samples_planned": one.samples_planned,
        "samples_done": one.samples_done,
        "samples_dead": one.samples_dead,
        "samples_open": one.samples_open,
        "bytes": one.num_bytes,
        "seconds": round(one.seconds, 3),
        "remade": one.remade,
        "duplicates": one.duplicates,
        "tasks": dict(one.tasks),
        "reasons": dict(one.reasons),
        "cancelled": one.cancelled,
    }


def _seconds(one: GeneratorPlan, workers: int) -> float:
    """Time for one generator alone: no more workers are at it than there are tasks."""
    return one.seconds / max(1, min(workers, one.new_tasks))


def _about(seconds: float, measured: bool) -> str:
    return duration(seconds) if measured else f"~{duration(seconds)}"
