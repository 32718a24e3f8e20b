"""Task messages that a person wrote: read, estimated and sent as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from vbvr_cli.backends.ports import Backend
from vbvr_cli.catalog.selection import Offer
from vbvr_cli.errors import ConfigurationError, InvalidRequestError
from vbvr_cli.models import RunSpec, TaskMessage
from vbvr_cli.operations.submit import SubmitReport, require_all_sent
from vbvr_cli.planning import Action, GeneratorPlan
from vbvr_cli.worker.admission import parse_message
from vbvr_cli.worker.failures import TaskFailedError


@dataclass(frozen=True, slots=True)
class Handwritten:
    """Messages, and what they ask for: `plans`, a plan for each generator, size and kind of task.

    `unknown` counts the messages of generators that nobody there can make: they end as dead letters.
    """

    messages: tuple[TaskMessage, ...]
    plans: tuple[GeneratorPlan, ...]
    unknown: Counter[str]


def read_messages(text: str) -> list[TaskMessage]:
    """Read task messages, one JSON object a line. Raises InvalidRequestError naming the first bad line."""
    messages = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            messages.append(parse_message(line))
        except TaskFailedError as error:
            raise InvalidRequestError(
                f"Line {number} is no task message; nothing was sent.",
                why=error.reason.detail,
                hint='A message is for example {"type": "O-nonogram_data-generator", "num_samples": 25}.',
            ) from error
    return messages


def plan_messages(messages: Sequence[TaskMessage], offer: Offer) -> Handwritten:
    """What messages ask for of the generators on offer."""
    kinds = Counter((one.type, one.num_samples, one.output_format, one.dedup) for one in messages)
    plans = []
    unknown: Counter[str] = Counter()
    for (name, num_samples, output_format, dedup), number in kinds.items():
        try:
            generator = offer.get(name)
        except (ConfigurationError, InvalidRequestError):
            unknown[name] += number
            continue
        spec = RunSpec(
            generator=name,
            provenance=generator.provenance,
            environment=generator.environment.id,
            output_format=output_format,
            dedup=dedup,
            batch_size=num_samples,
        )
        plans.append(GeneratorPlan(generator, Action.CREATE, spec, number * num_samples))
    return Handwritten(tuple(messages), tuple(plans), unknown)


def send_messages(backend: Backend, messages: Sequence[TaskMessage]) -> SubmitReport:
    """Send messages as they are. Raises ServiceError, or what is wrong, where not all were taken."""
    if messages:
        report = backend.queue.send([message.to_json() for message in messages])
        require_all_sent(report, "Run the same command again: a task that is sent twice is made once.")
    return SubmitReport((), len(messages), sum(message.num_samples for message in messages))
