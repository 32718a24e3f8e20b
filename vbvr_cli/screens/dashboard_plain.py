"""Readings for pipes and scripts: a line of text, a table of tabs, a line of JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from vbvr_cli.operations.monitor import Outage, Reading
from vbvr_cli.operations.snapshot import Counts
from vbvr_cli.screens.dashboard_failures import failures_in_one_line
from vbvr_cli.screens.dashboard_summary import clock_time, prospect, queue_state, speed
from vbvr_cli.screens.units import count, plural, size, usd


def plain_line(reading: Reading) -> str:
    """All that matters in one line."""
    snapshot = reading.snapshot
    total = snapshot.total
    parts = [f"samples {count(total.done)} of {count(total.planned)}"]
    if total.failed:
        parts.append(f"{count(total.failed)} failed ({failures_in_one_line(snapshot.reasons, 60)})")
    parts += [speed(reading), prospect(reading)]
    parts += [f"queue {queue_state(snapshot)}", plural(snapshot.queue.dead, "dead letter")]
    if reading.lost:
        parts.append(f"{plural(reading.lost, 'task')} lost")
    if snapshot.cancelled_runs:
        parts.append(f"{plural(snapshot.cancelled_runs, 'run')} cancelled")
    if snapshot.functions is not None:
        parts.append(plural(snapshot.functions, "function"))
    if snapshot.cost is not None:
        parts.append(f"cost so far {usd(snapshot.cost)} USD")
    if reading.outage:
        parts.append(f"no answer since {clock_time(reading.outage.since)}: {reading.outage.error}")
    return f"{clock_time(snapshot.taken_at)}  {', '.join(part for part in parts if part)}"


def outage_line(outage: Outage) -> str:
    """What is said while there is no reading yet."""
    why = f" ({outage.error.why})" if outage.error.why else ""
    return f"no answer since {clock_time(outage.since)}: {outage.error}{why}; trying again"


def detail_lines(reading: Reading) -> list[str]:
    """The line of text, then one for each generator: name, phase, done, planned, failed, remade, size."""
    return [
        plain_line(reading),
        *(
            "\t".join(
                [
                    name,
                    one.phase,
                    count(one.done),
                    count(one.planned),
                    count(one.failed),
                    count(one.remade),
                    size(one.num_bytes),
                ]
            )
            for name, one in reading.snapshot.generators.items()
        ),
    ]


def reading_as_json(reading: Reading) -> dict[str, Any]:
    """A reading for scripts; times in seconds since the epoch, rates in samples a second."""
    snapshot, left = reading.snapshot, reading.seconds_left
    return {
        "taken_at": round(snapshot.taken_at, 3),
        "queue": asdict(snapshot.queue),
        "samples": _counts_as_json(snapshot.total),
        "samples_per_second": round(reading.per_second, 3),
        "measured": reading.measured,
        "seconds_left": None if left is None else round(left, 1),
        "workers": snapshot.total.working,
        "reasons": dict(snapshot.reasons),
        "tasks_lost": reading.lost,
        "runs_cancelled": snapshot.cancelled_runs,
        "cost_usd": None if snapshot.cost is None else round(snapshot.cost, 4),
        "functions": snapshot.functions,
        "max_functions": snapshot.max_functions,
        "stale": _outage_as_json(reading.outage) if reading.outage else None,
        "generators": [
            {"generator": name, "phase": one.phase, "working": one.working, **_counts_as_json(one)}
            for name, one in snapshot.generators.items()
        ],
    }


def _counts_as_json(counts: Counts) -> dict[str, int]:
    return {
        "planned": counts.planned,
        "done": counts.done,
        "failed": counts.failed,
        "making": counts.making,
        "open": counts.open,
        "cancelled": counts.cancelled,
        "remade": counts.remade,
        "duplicates": counts.duplicates,
        "bytes": counts.num_bytes,
    }


def _outage_as_json(outage: Outage) -> dict[str, Any]:
    error = outage.error
    return {"since": round(outage.since, 3), "error": error.what, "why": error.why, "hint": error.hint}
