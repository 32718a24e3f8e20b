"""How runs and their gaps are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from vbvr_cli.models import Progress
from vbvr_cli.operations.reconcile import Comparison
from vbvr_cli.screens.console import note, say, show_json, show_table
from vbvr_cli.screens.plans import RUN_COLUMNS, progress_as_json, run_rows
from vbvr_cli.screens.units import count

SHOWN_PER_KIND = 10


def show_runs(progress: Sequence[Progress], *, as_json: bool) -> None:
    """A row for each run."""
    if as_json:
        show_json([progress_as_json(one) for one in progress])
    elif progress:
        show_table(RUN_COLUMNS, run_rows(progress))
    else:
        note("There are no runs yet. Begin with: vbvr generate -g all -n 10")


def show_examined(examined: Sequence[Comparison], *, as_json: bool) -> None:
    """Each run with its gaps by kind; every gap with --json."""
    if as_json:
        show_json([_as_json(one) for one in examined])
        return
    for one in examined:
        _show(one)


def _show(one: Comparison) -> None:
    spec = one.run.spec
    where = f"samples {one.run.start_index}-{one.run.end_index - 1}, seed {spec.seed}"
    verdict = "complete" if one.complete else "incomplete"
    present = f"{count(one.samples_present)} of {count(one.run.num_samples)}"
    say(f"{one.run.key.run_id} {spec.generator}: {verdict}, {present} ({where}, in {one.run.key.bucket})")
    counts = Counter(gap.kind for gap in one.gaps)
    by_kind = groupby(sorted(one.gaps, key=lambda gap: gap.kind), key=lambda gap: gap.kind)
    for kind, gaps in by_kind:
        say(f"  {kind}: {counts[kind]}")
        for number, gap in enumerate(gaps):
            if number == SHOWN_PER_KIND:
                say(f"    ... and {counts[kind] - SHOWN_PER_KIND} more (--json lists all)")
                break
            say(f"    {gap.where}" + (f"  {gap.detail}" if gap.detail else ""))


def _as_json(one: Comparison) -> dict[str, object]:
    return {
        "run_id": one.run.key.run_id,
        "bucket": one.run.key.bucket,
        "generator": one.run.spec.generator,
        "complete": one.complete,
        "samples_planned": one.run.num_samples,
        "samples_present": one.samples_present,
        "gaps": [{"kind": gap.kind, "where": gap.where, "detail": gap.detail} for gap in one.gaps],
    }


def show_cancelled(runs: Sequence[Progress], *, as_json: bool) -> None:
    """Which runs are marked, and what they leave undone."""
    if as_json:
        cancelled = [{"run_id": one.run.run_id, "samples_open": one.samples_open} for one in runs]
        show_json({"cancelled": cancelled})
        return
    for one in runs:
        say(f"{one.run.run_id} {one.generator}: cancelled, {count(one.samples_open)} samples not made")
    if not runs:
        note("Nothing to cancel: no such run is unfinished.")
