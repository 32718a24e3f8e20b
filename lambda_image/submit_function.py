"""The function that submits as `vbvr submit` does, and goes on by itself where its time runs out."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from lambda_image.environment import Context, FunctionBackend, FunctionSettings
from lambda_image.faults import InvalidRequest, flat, one_line
from lambda_image.logs import JsonLines, set_up
from lambda_image.submit_request import MOST_CONTINUATIONS, SubmitEvent
from vbvr_cli.backends.ports import FleetTerms
from vbvr_cli.catalog.roster import Roster
from vbvr_cli.errors import InvalidRequestError, ServiceError, VbvrError
from vbvr_cli.operations.spending import estimate
from vbvr_cli.operations.submit import Sent, SubmitReport, Submitter
from vbvr_cli.planning import Action, GeneratorPlan

logger = logging.getLogger(__name__)

RESERVE_SECONDS = 20.0
"""What ending in order may take, out of the function's time; at most a quarter of it."""
MEMORY_VARIABLE = "VBVR_FUNCTION_MEMORY_MB"
DEFAULT_MEMORY_MB = 3072
MOST_WORKERS = 1000
"""What SQS's event source may have at work at most; the cost does not depend on it."""


class SubmitFunction:
    """Answers events, see SubmitEvent."""

    def __init__(
        self, settings: FunctionSettings, backend: FunctionBackend, roster: Roster, lines: JsonLines
    ) -> None:
        self._settings = settings
        self._backend = backend
        self._roster = roster
        self._lines = lines

    def __call__(self, event: Any, context: Context) -> dict[str, Any]:
        """Do what an event asks. Raises InvalidRequest, ConfigurationError, ServiceError, each one line."""
        self._lines.fields = {"request_id": context.aws_request_id}
        try:
            return self._answer(SubmitEvent.read(event), context)
        except InvalidRequestError as error:
            raise InvalidRequest(one_line(error)) from error
        except VbvrError as error:
            raise flat(error) from error
        finally:
            self._lines.fields = {}
            self._backend.rest()

    def _answer(self, event: SubmitEvent, context: Context) -> dict[str, Any]:
        if event.describe:
            return {"roster": json.loads(self._roster.to_json())}
        remaining = context.get_remaining_time_in_millis() / 1000
        stop_at = time.monotonic() + remaining - min(RESERVE_SECONDS, remaining / 4)
        request = event.request()
        bucket = event.bucket or self._backend.default_bucket
        self._backend.store(bucket)  # refuses one that nobody allowed
        filters = (event.patterns, event.categories, event.roles)
        chosen = self._roster.select(*filters)
        submitter = Submitter(self._backend, self._roster, bucket)
        if not event.dry_run:
            submitter.adopt(chosen)
        plans = submitter.plans(chosen, request)
        answer = self._describe(event, plans, bucket)
        answer["left_out"] = len(self._roster.left_out(*filters))
        if event.dry_run:
            return {"status": "planned", **answer, "plans": [_describe_plan(plan) for plan in plans]}
        if event.max_cost_usd is not None and answer["cost_usd"] > event.max_cost_usd:
            why = f"the estimate of {answer['cost_usd']} USD exceeds max_cost_usd {event.max_cost_usd:g}"
            return {"status": "refused", **answer, "why": why}
        if all(plan.refusal for plan in plans):
            return {"status": "refused", **answer, "why": "each generator is refused"}
        watch = _Watch(stop_at)
        try:
            report = submitter.carry_out(plans, resend=event.resend, on_progress=watch)
        except _TimeIsUpError:
            self._go_on(event, watch.sent, context)
            return {"status": "continued", **answer, **_counts(watch.sent)}
        logger.info("Sent", extra={"fields": _counts(report)})
        return {"status": "complete", **answer, **_counts(report)}

    def _describe(self, event: SubmitEvent, plans: Sequence[GeneratorPlan], bucket: str) -> dict[str, Any]:
        memory_mb = int(os.environ.get(MEMORY_VARIABLE) or DEFAULT_MEMORY_MB)
        terms = FleetTerms(memory_mb, self._roster.architecture, max_workers=MOST_WORKERS)
        expected = estimate(self._backend, plans, terms, resend=event.resend)
        wanted = [plan for plan in plans if not plan.refusal]
        runs = [
            {"bucket": bucket, "run_id": run_id, "generator": plan.generator.name}
            for plan in wanted
            for run_id in _run_ids(plan)
        ]
        return {
            "runs": runs,
            "tasks_sent": 0,
            "samples_sent": 0,
            "refused": {plan.generator.name: one_line(plan.refusal) for plan in plans if plan.refusal},
            "exceeds_pool": [plan.generator.name for plan in wanted if plan.exceeds_pool],
            "cost_usd": round(expected.cost.usd, 4),
            "target": self._backend.description,
        }

    def _go_on(self, event: SubmitEvent, sent: Sent, context: Context) -> None:
        """Have the rest sent by another invocation. Raises ServiceError where that cannot be."""
        so_far = f"Time ran out after {sent.sent} tasks were sent"
        if event.resend:
            raise ServiceError(
                f"{so_far} again.",
                why="what is sent again is not told from what was, so that nobody can go on",
                hint="Send the event for fewer generators at a time.",
            )
        if event.continued == MOST_CONTINUATIONS:
            raise ServiceError(
                f"{so_far}, {MOST_CONTINUATIONS} times over.",
                hint="Send the same event again: it goes on.",
            )
        following = event.model_copy(update={"continued": event.continued + 1})
        body = following.model_dump(exclude_defaults=True)
        try:
            self._backend.invoke_later(context.function_name, body)
        except VbvrError as error:
            raise ServiceError(
                f"{so_far}, and the function could not call itself for the rest.",
                why=one_line(error),
                hint="Send the same event again: it goes on.",
            ) from error
        logger.info(
            "%s; another invocation goes on", so_far, extra={"fields": {"continued": event.continued}}
        )


class _TimeIsUpError(Exception):
    """Stops a submit between two chunks: what was begun ends in order."""


class _Watch:
    """Looks at the clock whenever something was sent."""

    def __init__(self, stop_at: float) -> None:
        self.sent = Sent(0, 0)
        self._stop_at = stop_at

    def __call__(self, sent: Sent) -> None:
        self.sent = sent
        if time.monotonic() >= self._stop_at:
            raise _TimeIsUpError


def _counts(sent: Sent | SubmitReport) -> dict[str, int]:
    if isinstance(sent, Sent):
        return {"tasks_sent": sent.sent, "samples_sent": sent.samples}
    return {"tasks_sent": sent.tasks_sent, "samples_sent": sent.samples_sent}


def _run_ids(plan: GeneratorPlan) -> list[str]:
    existing = [run.key.run_id for run in plan.existing]
    return [*existing, plan.spec.run_id] if plan.action is Action.CREATE else existing


def _describe_plan(plan: GeneratorPlan) -> dict[str, Any]:
    return {
        "generator": plan.generator.name,
        "action": str(plan.action),
        "new_samples": plan.new_samples,
        "new_tasks": plan.new_tasks,
        "batch_size": plan.spec.batch_size,
        "seconds": round(plan.seconds, 1),
        "num_bytes": plan.num_bytes,
        "measured": plan.measured,
    }


def open_handler() -> Callable[[Any, Context], dict[str, Any]]:
    """The handler of this process. What keeps it from working is raised at each invocation."""
    lines = set_up()
    try:
        settings = FunctionSettings.read()
        return SubmitFunction(settings, FunctionBackend(settings.resources), settings.read_roster(), lines)
    except VbvrError as error:
        return partial(_refuse, flat(error))


def _refuse(reason: VbvrError, _event: Any, _context: Context) -> dict[str, Any]:
    raise reason
