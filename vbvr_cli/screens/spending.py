"""How an estimate of cost and time is shown."""

from __future__ import annotations

from typing import Any

from vbvr_cli.costing import PRICES_AS_OF, PRICES_REGION, CostItem
from vbvr_cli.operations.spending import Estimate
from vbvr_cli.screens.console import note, show_table
from vbvr_cli.screens.units import count, duration, plural, usd

COLUMNS = (("cost", "left"), ("units", "right"), ("USD a unit", "right"), ("USD", "right"))


def show_estimate(estimate: Estimate, *, beside: bool) -> None:
    """A row for each item; on stderr, `beside` the result, where it is none itself."""
    cost = estimate.cost
    rows = [_row(item) for item in cost.making]
    rows += [["to make it", "", "", usd(cost.usd)], _row(cost.keeping), _row(cost.downloading)]
    show_table(COLUMNS, rows, beside=beside)
    terms = estimate.terms
    note(f"{plural(estimate.tasks, 'task')} of {plural(estimate.samples, 'sample')} to be sent")
    note(
        f"made in about {duration(estimate.seconds)} by up to {count(terms.max_workers)} functions at a "
        f"time, {count(terms.memory_mb)} MB, {terms.architecture}"
    )
    if terms.assumed:
        note(f"the functions' size and number are assumed: {terms.assumed}")
    note(f"an estimate: prices of {PRICES_REGION} in {PRICES_AS_OF}, no free tier, nothing tried twice")


def spending_question(estimate: Estimate) -> str:
    """What is asked before money is spent."""
    return f"Send {plural(estimate.tasks, 'task')}, to be made for about {usd(estimate.cost.usd)} USD?"


def estimate_as_json(estimate: Estimate) -> dict[str, Any]:
    """An estimate for scripts; `usd` is what making costs, and all amounts are in USD."""
    cost, terms = estimate.cost, estimate.terms
    return {
        "usd": round(cost.usd, 4),
        "items": [_item_as_json(item) for item in cost.making],
        "keeping_a_month": _item_as_json(cost.keeping),
        "downloading_once": _item_as_json(cost.downloading),
        "prices_as_of": PRICES_AS_OF,
        "prices_region": PRICES_REGION,
        "tasks": estimate.tasks,
        "samples": estimate.samples,
        "estimated_seconds": round(estimate.seconds, 1),
        "memory_mb": terms.memory_mb,
        "architecture": terms.architecture,
        "max_workers": terms.max_workers,
        "assumed": terms.assumed,
    }


def _row(item: CostItem) -> list[str]:
    whole = item.units >= 10 or float(item.units).is_integer()
    units = f"{item.units:,.0f}" if whole else f"{item.units:,.2f}"
    return [item.what, f"{units} {item.unit}", f"{item.price:.10f}".rstrip("0").rstrip("."), usd(item.usd)]


def _item_as_json(item: CostItem) -> dict[str, Any]:
    return {
        "what": item.what,
        "units": round(item.units, 3),
        "unit": item.unit,
        "price": item.price,
        "usd": round(item.usd, 4),
    }
