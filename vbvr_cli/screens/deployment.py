"""How a deployment is shown: what it would do, how far it is, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from vbvr_cli.operations.deploy.changes import Action, Grant
from vbvr_cli.operations.deploy.deploying import Deployed, Plan
from vbvr_cli.operations.deploy.destroying import Farewell
from vbvr_cli.operations.deploy.progress import Step
from vbvr_cli.screens.console import note, say, show_json, warn
from vbvr_cli.screens.units import count, duration, plural

_SIGNS = {Action.MAKE: "+", Action.CHANGE: "~", Action.REMOVE: "-", Action.TAKE_UP: "="}


class Progress:
    """A line on stderr for each thing that begins or has ended, with the time since the start."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def phase(self, text: str) -> None:
        """Something begins."""
        note(f"{self._elapsed()} {text}")

    def step(self, step: Step) -> None:
        """A resource's turn has ended."""
        if step.failed:
            warn(f"{step.kind} {step.name} failed: {step.reason or 'CloudFormation says why at the end'}")
            return
        known = step.done is not None and step.total is not None and step.done <= step.total
        far = f" ({step.done} of {step.total})" if known else ""
        note(f"{self._elapsed()}   {step.what}: {step.kind} {step.name}{far}")

    def _elapsed(self) -> str:
        return f"[{round(time.monotonic() - self._begun):>3} s]"


def show_plan(plan: Plan) -> None:
    """What would change, who may do what, and what it costs while nothing is made; on stderr."""
    for line in _plan_lines(plan):
        note(line)
    for text in plan.notes:
        warn(text)


def show_difference(plan: Plan, *, as_json: bool) -> None:
    """The plan as the result of the command."""
    if as_json:
        show_json(plan_as_json(plan))
        return
    for line in _plan_lines(plan):
        say(line)
    for text in plan.notes:
        warn(text)


def show_deployed(plan: Plan, deployed: Deployed, *, as_json: bool) -> None:
    """Where things are now, and what can be done with them."""
    if as_json:
        status = "deployed" if plan.changes or plan.bootstrap else "unchanged"
        outcome = {"status": status, "seconds": round(deployed.seconds, 1), "outputs": dict(deployed.outputs)}
        show_json({**plan_as_json(plan), **outcome})
        return
    state = plan.state
    took = duration(deployed.seconds)
    say(f"Stack {state.name} is deployed in {state.region}, account {plan.account} ({took}).")
    _say_pairs(deployed.outputs)
    where = "" if state.name == "vbvr" else f" --stack {state.name}"
    say("Next:")
    say(f"  vbvr submit{where} -g all -n 100 --dry-run   what it would make and cost; then without --dry-run")
    say(f"  vbvr monitor{where} --watch                  how far it is")
    say(f"  vbvr download{where} --dest results          the dataset, checked")


def show_farewell(farewell: Farewell) -> None:
    """What goes and what stays; on stderr."""
    state = farewell.state
    note(f"Stack {state.name} in {state.region}, account {farewell.account}: functions, queues, alarms go.")
    waiting, dead = (
        "an unknown number of" if known is None else count(known)
        for known in (farewell.waiting, farewell.dead)
    )
    note(f"With the queues go {waiting} messages that wait, and {dead} dead letters.")
    for one in farewell.kept:
        note(f"{one.kind} {one.name} stays: {one.holds}")


def show_destroyed(farewell: Farewell, seconds: float, *, as_json: bool) -> None:
    """What is left, and how that is removed or taken up again."""
    state = farewell.state
    if as_json:
        show_json(
            {
                "status": "destroyed",
                "stack": state.name,
                "region": state.region,
                "account": farewell.account,
                "seconds": round(seconds, 1),
                "messages_dropped": farewell.waiting,
                "dead_letters_dropped": farewell.dead,
                "kept": [asdict(one) for one in farewell.kept],
            }
        )
        return
    say(f"Stack {state.name} in {state.region} is gone ({duration(seconds)}).")
    if farewell.kept:
        say(f"`vbvr deploy --stack {state.name}` takes up again what stayed; to remove it for good:")
        for one in farewell.kept:
            say(f"  {one.removal}   # {one.holds}")


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """The plan for scripts."""
    return {
        "status": "planned",
        "stack": plan.state.name,
        "region": plan.state.region,
        "account": plan.account,
        "exists": plan.state.exists,
        "bootstrap": plan.bootstrap,
        "changes": [asdict(one) for one in plan.changes],
        "permissions": [asdict(one) for one in plan.grants],
        "fixed_usd_a_month": round(plan.monthly_usd, 2),
        "notes": list(plan.notes),
    }


def _plan_lines(plan: Plan) -> Iterable[str]:
    state = plan.state
    yield f"stack {state.name} in {state.region}, account {plan.account}: " + (
        f"there already, {state.status}" if state.exists else "new"
    )
    if plan.bootstrap:
        yield "+ stack CDKToolkit: a bucket, an image repository and five roles, once for account and region"
    if not plan.changes:
        yield "nothing changes"
    for change in plan.changes:
        details = f": {', '.join(change.details)}" if change.details else ""
        yield f"{_SIGNS[change.action]} {change.action} {change.kind} {change.name}{details}"
    yield from map(_grant_line, plan.grants)
    if plan.changes:
        changes = plural(len(plan.changes), "change")
        yield (
            f"{changes}; fixed costs at most ${plan.monthly_usd:.2f} a month for alarms and dashboard; "
            "storage and all else by use"
        )


def _grant_line(grant: Grant) -> str:
    word = "no longer may" if grant.removed else "may"
    return f"{'-' if grant.removed else '+'} {grant.role} {word} {', '.join(grant.actions)} on {grant.on}"


def _say_pairs(pairs: Mapping[str, str]) -> None:
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        say(f"  {name:<{width}}  {value}")
