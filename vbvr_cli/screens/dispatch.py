"""What `generate`, `submit` and `worker` say before and after the work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vbvr_cli.backends.ports import Depth
from vbvr_cli.operations.generate import GenerateReport
from vbvr_cli.operations.messages import Doom, Handwritten
from vbvr_cli.operations.spending import Earlier, Estimate
from vbvr_cli.operations.submit import SubmitReport
from vbvr_cli.operations.work import Worked
from vbvr_cli.planning import Action, GeneratorPlan
from vbvr_cli.screens.console import note, say, show_json, show_table, warn
from vbvr_cli.screens.plans import (
    PLAN_COLUMNS,
    RUN_COLUMNS,
    plan_as_json,
    plan_rows,
    progress_as_json,
    run_rows,
)
from vbvr_cli.screens.spending import estimate_as_json, show_estimate
from vbvr_cli.screens.units import count, plural, rate, size


def show_plan(
    plans: Sequence[GeneratorPlan],
    workers: int,
    estimate: Estimate | None = None,
    *,
    earlier: Earlier | None = None,
    doomed: Counter[Doom] | None = None,
    as_json: bool,
) -> None:
    """The result of a dry run; `estimate` where the work costs something, `doomed` of messages."""
    if as_json:
        shown = {"dry_run": True, "workers": workers, "plan": plan_as_json(plans, workers)}
        if earlier:
            shown["earlier"] = {"tasks": earlier.tasks, "samples": earlier.samples}
        if doomed is not None:
            shown["doomed"] = [
                {"of": doom.of, "why": doom.why, "messages": number} for doom, number in doomed.items()
            ]
        if estimate:
            shown["cost"] = estimate_as_json(estimate)
        show_json(shown)
        return
    if estimate:
        _show_plan_and_cost(plans, estimate, beside=False)
        note("Nothing was changed.")
        return
    show_table(PLAN_COLUMNS, plan_rows(plans, workers))
    if earlier:
        _note_earlier(earlier)
    note(f"Nothing was changed. Times are for {plural(workers, 'worker')}; ~ means not measured yet.")


def announce_cost(plans: Sequence[GeneratorPlan], estimate: Estimate) -> None:
    """The plan and what it costs, before it is asked whether to go on."""
    _show_plan_and_cost(plans, estimate, beside=True)


def _show_plan_and_cost(plans: Sequence[GeneratorPlan], estimate: Estimate, *, beside: bool) -> None:
    rows = plan_rows(plans, estimate.terms.max_workers, estimate.seconds)
    show_table(PLAN_COLUMNS, rows, beside=beside)
    _note_earlier(estimate.earlier)
    if not all(one.measured for one in plans):
        note("~ means not measured yet.")
    show_estimate(estimate, beside=beside)


def _note_earlier(earlier: Earlier) -> None:
    """What the rows of a plan do not have: they are of new samples alone."""
    if earlier.tasks:
        left = "that are not done are sent again" if earlier.again else "that were never sent are sent"
        note(
            f"beside what the rows say, {plural(earlier.tasks, 'task')} of earlier requests "
            f"({plural(earlier.samples, 'sample')}) {left}"
        )


def announce_plan(plans: Sequence[GeneratorPlan], bucket: str, seed: int) -> None:
    """What is about to be done, and what is left out."""
    wanted = [one for one in plans if one.action is not Action.REFUSE]
    asked = plural(sum(one.samples for one in wanted), "sample")
    new = count(sum(one.new_samples for one in wanted))
    if wanted:
        note(f"{asked} of {plural(len(wanted), 'generator')} ({new} new), seed {seed}, into {bucket}")
    for one in plans:
        for run in one.replaced:
            warn(f"{one.generator.name}: run {run.key.run_id} and its samples are discarded")
        if one.refusal and len(plans) > 1:  # alone, it is the error with which the command ends
            warn(str(one.refusal))
        if one.exceeds_pool:
            warn(
                f"{one.generator.name}: {count(one.samples)} samples are wanted, but it seems to have about "
                f"{count(one.generator.pool or 0)} distinct puzzles"
            )


def warn_of_doomed(asked: Handwritten) -> None:
    """Messages that come to nothing, because nobody there will make what they ask for."""
    for doom, number in asked.doomed.items():
        warn(f"{plural(number, 'message')} of {doom.of}: {doom.why}")


def announce_backlog(depth: Depth) -> None:
    """What the workers will do first: the queue is one for all runs."""
    if depth.waiting:
        note(f"{plural(depth.waiting, 'task')} in the queue already, of this request or others, come first")


def show_generated(report: GenerateReport, bucket: str, *, as_json: bool) -> None:
    """The dataset, and what to do next."""
    progress = report.standing.progress
    if as_json:
        show_json(
            {
                "dest": bucket,
                "seconds": round(report.standing.seconds, 3),
                "runs": [progress_as_json(one) for one in progress],
                "refused": dict(report.refused),
            }
        )
        return
    show_table(RUN_COLUMNS, run_rows(progress))
    done = sum(one.samples_done for one in progress)
    made = size(sum(one.num_bytes for one in progress))
    say(f"{plural(done, 'sample')}, {made}, in {Path(bucket) / 'questions'}")


def show_submitted(report: SubmitReport, estimate: Estimate | None = None, *, as_json: bool) -> None:
    """What was sent; for scripts with the `estimate` that it was sent on."""
    if as_json:
        show_json(
            {
                "runs": [{"run_id": run.run_id, "bucket": run.bucket} for run in report.runs],
                "tasks_sent": report.tasks_sent,
                "samples_sent": report.samples_sent,
                "refused": dict(report.refused),
                **({"cost": estimate_as_json(estimate)} if estimate else {}),
            }
        )
        return
    sent = f"sent {plural(report.tasks_sent, 'task')} of {plural(report.samples_sent, 'sample')}"
    say(sent if report.tasks_sent else "nothing to send: every task is done or in the queue")


def show_worked(worked: Worked, *, as_json: bool) -> None:
    """What workers did, and whether there is something that they could not do."""
    if as_json:
        show_json(
            {
                "tasks_done": worked.tasks,
                "samples_done": worked.samples,
                "seconds": round(worked.seconds, 3),
                "dead_letters": worked.dead_letters,
                "died": worked.died,
            }
        )
        return
    speed = f", {rate(worked.samples / worked.seconds)}" if worked.seconds > 0 and worked.samples else ""
    say(f"{plural(worked.tasks, 'task')} done, {plural(worked.samples, 'sample')}{speed}")
    earlier = worked.dead_letters - worked.died
    if earlier > 0:
        warn(f"there are {plural(earlier, 'dead letter')} of earlier work: vbvr dlq list")
