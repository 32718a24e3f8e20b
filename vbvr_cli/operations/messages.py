"""Task messages that a person wrote: read, looked at, estimated and sent as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vbvr_cli.backends.ports import Backend
from vbvr_cli.catalog.generator import Generator
from vbvr_cli.catalog.selection import Offer
from vbvr_cli.errors import ConfigurationError, InvalidRequestError, UnknownBucketError
from vbvr_cli.lanes import in_lanes
from vbvr_cli.models import ADHOC, OutputFormat, RunKey, RunSpec, TaskMessage
from vbvr_cli.operations.submit import SubmitReport, require_all_sent
from vbvr_cli.planning import Action, GeneratorPlan
from vbvr_cli.worker.admission import parse_message
from vbvr_cli.worker.failures import TaskFailedError

TELLING = "dead letters will say so"


@dataclass(frozen=True, slots=True)
class Doom:
    """Why messages come to nothing there: what is wrong with what they are `of`."""

    of: str
    why: str


@dataclass(frozen=True, slots=True)
class Handwritten:
    """Messages, and what they ask for: `plans`, a plan for each generator, size and kind of task.

    `doomed` counts the messages that nobody there will make, as far as can be seen; no plan has them.
    """

    messages: tuple[TaskMessage, ...]
    plans: tuple[GeneratorPlan, ...]
    doomed: Counter[Doom]


def read_messages(text: str, name: str = "the text") -> list[TaskMessage]:
    """Read task messages, one JSON object a line, from what the user calls `name`.

    Raises InvalidRequestError naming the first bad line, or if there is no message at all.
    """
    messages = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            messages.append(parse_message(line))
        except TaskFailedError as error:
            raise InvalidRequestError(
                f"Line {number} of {name} is no task message; nothing was sent.",
                why=error.reason.detail,
                hint='A message is for example {"type": "O-nonogram_data-generator", "num_samples": 25}.',
            ) from error
    if not messages:
        raise InvalidRequestError(
            f"There is no message in {name}; nothing was sent.",
            hint='Write one a line, for example {"type": "O-nonogram_data-generator", "num_samples": 25}.',
        )
    return messages


def plan_messages(messages: Sequence[TaskMessage], offer: Offer, backend: Backend) -> Handwritten:
    """What messages ask for of the generators on offer, and which of them will come to nothing.

    Each bucket, run and generator is looked at once, and nothing is built or changed. Raises ServiceError.
    """
    buckets = _doomed_buckets(backend, (one.output_bucket for one in messages if one.output_bucket))
    keys = (_run_of(one, backend) for one in messages if one.output_bucket not in buckets)
    runs = _doomed_runs(backend, (key for key in keys if key))
    made, unmade = _find(offer, (one.type for one in messages))
    doomed: Counter[Doom] = Counter()
    kinds: Counter[tuple[str, int, OutputFormat, bool]] = Counter()
    for one in messages:
        doom = buckets.get(one.output_bucket) or unmade.get(one.type) or runs.get(_run_of(one, backend))
        if doom:
            doomed[doom] += 1
        else:
            kinds[one.type, one.num_samples, one.output_format, one.dedup] += 1
    plans = []
    for (name, num_samples, output_format, dedup), number in kinds.items():
        generator = made[name]
        spec = RunSpec(
            generator=name,
            provenance=generator.provenance,
            environment=generator.environment.id,
            output_format=output_format,
            dedup=dedup,
            batch_size=num_samples,
        )
        plans.append(GeneratorPlan(generator, Action.CREATE, spec, number * num_samples))
    return Handwritten(tuple(messages), tuple(plans), doomed)


def send_messages(backend: Backend, messages: Sequence[TaskMessage]) -> SubmitReport:
    """Send messages as they are. Raises ServiceError, or what is wrong, where not all were taken."""
    if messages:
        report = backend.queue.send([message.to_json() for message in messages])
        require_all_sent(report, "Run the same command again: a task that is sent twice is made once.")
    return SubmitReport((), len(messages), sum(message.num_samples for message in messages))


def _run_of(message: TaskMessage, backend: Backend) -> RunKey | None:
    """The run that a message names, which the ledger must know; a run of its own need not be known."""
    if message.run_id is None or message.run_id.startswith(ADHOC):
        return None
    return RunKey(message.output_bucket or backend.default_bucket, message.run_id)


def _doomed_buckets(backend: Backend, buckets: Iterable[str]) -> Mapping[str | None, Doom]:
    def look(bucket: str) -> tuple[str, Doom | None]:
        try:
            backend.store(bucket)
        except UnknownBucketError:
            return bucket, Doom(f"bucket {bucket}", f"nobody allowed samples to be written to it; {TELLING}")
        return bucket, None

    looked = in_lanes(look, dict.fromkeys(buckets), backend.lanes)
    return {bucket: doom for bucket, doom in looked if doom}


def _doomed_runs(backend: Backend, keys: Iterable[RunKey]) -> Mapping[RunKey | None, Doom]:
    def look(key: RunKey) -> tuple[RunKey, Doom | None]:
        if backend.ledger.get_run(key):
            return key, None
        if backend.ledger.was_removed(key):
            return key, Doom(f"run {key.run_id}", "it was replaced by another; workers drop them")
        return key, Doom(f"run {key.run_id}", f"the ledger knows no such run in {key.bucket}; {TELLING}")

    looked = in_lanes(look, dict.fromkeys(keys), backend.lanes)
    return {key: doom for key, doom in looked if doom}


def _find(offer: Offer, names: Iterable[str]) -> tuple[dict[str, Generator], dict[str, Doom]]:
    made, unmade = {}, {}
    for name in dict.fromkeys(names):
        try:
            made[name] = offer.foresee(name)
        except (ConfigurationError, InvalidRequestError):
            unmade[name] = Doom(name, f"it cannot be made there; {TELLING}")
    return made, unmade
