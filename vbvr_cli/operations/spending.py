"""What sending a plan will cost and take on a fleet, and the limit that somebody set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vbvr_cli.backends.ports import Backend, FleetTerms
from vbvr_cli.costing import START_SECONDS, Cost, cost_of
from vbvr_cli.errors import InvalidRequestError
from vbvr_cli.models import Progress, Run
from vbvr_cli.planning import GeneratorPlan

STARTED_A_SECOND = 5.0
"""Functions that SQS's poller adds: about 300 a minute."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is sent of runs that are there already: all that is not done (`again`), or what was never sent."""

    tasks: int
    samples: int
    again: bool


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is to be sent, `seconds` until all of it is made, and what that costs on functions of `terms`.

    `earlier` is a part of it.
    """

    tasks: int
    samples: int
    seconds: float
    cost: Cost
    terms: FleetTerms
    earlier: Earlier


def estimate(
    backend: Backend, plans: Sequence[GeneratorPlan], terms: FleetTerms, *, resend: bool = False
) -> Estimate:
    """Estimate a plan: its new samples, and those of its runs that were never sent (`resend`: not done).

    Counters are read, never tasks. Where a redrive has split tasks, unsent ones may be taken for sent.
    """
    wanted = [plan for plan in plans if not plan.refusal]
    left = _left(backend, wanted, resend=resend)
    whole = [
        replace(plan, new_samples=plan.new_samples + samples)
        for plan, samples in zip(wanted, left, strict=True)
    ]
    return Estimate(
        tasks=sum(plan.new_tasks for plan in whole),
        samples=sum(plan.new_samples for plan in whole),
        seconds=_seconds(whole, terms.max_workers),
        cost=cost_of(whole, memory_mb=terms.memory_mb, architecture=terms.architecture),
        terms=terms,
        earlier=_earlier(wanted, left, again=resend),
    )


def earlier_work(backend: Backend, plans: Sequence[GeneratorPlan], *, resend: bool) -> Earlier:
    """What carrying out a plan will send of runs that are there already. Read as `estimate` does."""
    wanted = [plan for plan in plans if not plan.refusal]
    return _earlier(wanted, _left(backend, wanted, resend=resend), again=resend)


def require_within(estimate: Estimate, max_cost: float | None) -> None:
    """Raise InvalidRequestError if a plan is estimated at more USD than somebody allowed."""
    if max_cost is not None and estimate.cost.usd > max_cost:
        estimated, allowed = _in_digits(estimate.cost.usd, max_cost), _in_digits(max_cost)
        raise InvalidRequestError(
            f"The estimate is {estimated} USD, more than --max-cost {allowed}.",
            why="nothing was sent; this is checked before sending only, and stops no work later",
            hint="Ask for fewer samples or generators, or allow more.",
        )


def _in_digits(usd: float, above: float | None = None) -> str:
    """An amount in two digits, or in as many as it takes to show it whole, or to be `above` another."""
    for digits in range(2, 13):
        shown = round(usd, digits)
        if shown == usd if above is None else shown > above:
            return f"{usd:,.{digits}f}"
    return str(usd)


def _left(backend: Backend, plans: Sequence[GeneratorPlan], *, resend: bool) -> list[int]:
    """How many samples will be sent of each plan's runs that are there already."""
    keys = [run.key for plan in plans for run in plan.existing]
    progress = {one.run: one for one in backend.ledger.progress(keys)} if keys else {}
    return [
        sum(_to_send(run, progress.get(run.key), resend=resend) for run in plan.existing) for plan in plans
    ]


def _earlier(plans: Sequence[GeneratorPlan], left: Sequence[int], *, again: bool) -> Earlier:
    cut = [replace(plan, new_samples=samples).new_tasks for plan, samples in zip(plans, left, strict=True)]
    return Earlier(sum(cut), sum(left), again)


def _to_send(run: Run, known: Progress | None, *, resend: bool) -> int:
    """How many samples of a run will be sent anew."""
    if known is None:
        return run.num_samples
    if resend:
        return run.num_samples - known.samples_done
    tasks = sum(math.ceil((end - start) / run.spec.batch_size) for start, end in run.extents)
    unsent = max(0, tasks - sum(known.tasks.values()))
    return min(unsent * run.spec.batch_size, known.samples_open)


def _seconds(plans: Sequence[GeneratorPlan], most: int) -> float:
    """Time until all is made, by up to so many functions, of which some more are started each second."""
    tasks = sum(plan.new_tasks for plan in plans)
    if tasks == 0:
        return 0.0
    work = sum(plan.seconds for plan in plans) + tasks * START_SECONDS
    functions = min(most, tasks)
    starting = functions / STARTED_A_SECOND
    meanwhile = functions * starting / 2
    if work <= meanwhile:
        spread = math.sqrt(2 * work / STARTED_A_SECOND)
    else:
        spread = starting + (work - meanwhile) / functions
    return max(spread, *(_longest_task(plan) for plan in plans))


def _longest_task(plan: GeneratorPlan) -> float:
    samples = min(plan.new_samples, plan.spec.batch_size)
    return START_SECONDS + samples * plan.seconds / plan.new_samples if samples else 0.0
