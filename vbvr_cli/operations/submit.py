"""Turns requests into runs, and runs into messages; doing it again sends only what is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from vbvr_cli.backends.ports import Backend
from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.catalog.generator import Generator
from vbvr_cli.errors import InvalidRequestError, RangeTakenError, ServiceError, VbvrError
from vbvr_cli.manifest import run_record_key
from vbvr_cli.models import Run, RunKey, Task, TaskMessage, TaskState
from vbvr_cli.operations.adoption import adopt_runs, require_alone
from vbvr_cli.operations.replace import discard_run
from vbvr_cli.planning import Action, GeneratorPlan, Request, plan, tasks_of
from vbvr_cli.worker.admission import parse_message
from vbvr_cli.worker.failures import TaskFailedError
from vbvr_cli.worker.publish import describe_run

CHUNK = 1_000
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class SubmitReport:
    """What a submit did: the runs it is about, and how many tasks and samples it sent of them.

    `refused` has a sentence for each generator that was left out.
    """

    runs: tuple[RunKey, ...] = ()
    tasks_sent: int = 0
    samples_sent: int = 0
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """Progress of a submit: tasks looked at so far, and how many of them were sent."""

    tasks: int
    sent: int


class Submitter:
    """Plans and sends. `bucket` none: the back end's default."""

    def __init__(self, backend: Backend, catalog: Catalog, bucket: str | None = None) -> None:
        self._backend = backend
        self._catalog = catalog
        self._bucket = bucket or backend.default_bucket

    def submit(
        self,
        generators: Sequence[str],
        *,
        samples: int,
        batch_size: int | None = None,
        seed: int = 0,
    ) -> SubmitReport:
        """Ask `samples` of each generator (names, globs or `all`), in tasks of `batch_size`.

        Returns what was sent. Raises InvalidRequestError for what cannot be asked, ServiceError where the
        queue refuses messages: then the same call again sends the rest.
        """
        request = Request(samples=samples, batch_size=batch_size, seed=seed)
        chosen = self._catalog.select(generators)
        self.adopt(chosen)
        return self.carry_out(self.plans(chosen, request))

    def plans(self, generators: Sequence[Generator], request: Request) -> list[GeneratorPlan]:
        """What the request means for each generator. Nothing is changed."""
        runs = defaultdict(list)
        for run in self._backend.ledger.list_runs(self._bucket):
            runs[run.spec.generator].append(run)
        return [plan(generator, request, runs[generator.name]) for generator in generators]

    def adopt(self, generators: Sequence[Generator]) -> None:
        """Take up runs that the bucket describes and the ledger has forgotten."""
        for generator in generators:
            adopt_runs(self._backend, self._bucket, generator.name)

    def carry_out(
        self,
        plans: Sequence[GeneratorPlan],
        *,
        resend: bool = False,
        on_progress: Callable[[Sent], None] = lambda _: None,
    ) -> SubmitReport:
        """Create or extend the runs and send their tasks. Raises as `submit` does."""
        refused = {plan.generator.name: plan.refusal for plan in plans if plan.refusal}
        if refused and len(refused) == len(plans):
            raise next(iter(refused.values()))
        runs: list[RunKey] = []
        tasks = samples = looked_at = 0
        for one in plans:
            for run in self._runs_of(one):
                runs.append(run.key)
                for chunk in chunks(tasks_of(run), CHUNK):
                    sent = self._send_missing(run, chunk, resend=resend)
                    tasks, samples = tasks + len(sent), samples + sum(task.num_samples for task in sent)
                    looked_at += len(chunk)
                    on_progress(Sent(looked_at, tasks))
        return SubmitReport(
            tuple(runs), tasks, samples, {name: str(error) for name, error in refused.items()}
        )

    def send_messages(self, messages: Sequence[TaskMessage]) -> SubmitReport:
        """Send task messages as they were written by hand."""
        self._send([message.to_json() for message in messages])
        return SubmitReport((), len(messages), sum(message.num_samples for message in messages))

    def _runs_of(self, one: GeneratorPlan) -> list[Run]:
        if one.refusal:
            return []
        for run in one.replaced:
            discard_run(self._backend, run)
        ledger = self._backend.ledger
        if one.action is Action.CREATE:
            changed = [self._create_run(one)]
        elif one.action is Action.EXTEND:
            last = one.existing[-1]
            changed = [ledger.extend_run(last.key, last.end_index + one.new_samples)]
        else:
            changed = []
        kept = [run for run in one.existing if run.key not in {run.key for run in changed}]
        for run in kept + changed:
            describe_run(self._backend.store(self._bucket), run)
            ledger.resume_run(run.key)
        return kept + changed

    def _create_run(self, one: GeneratorPlan) -> Run:
        ledger = self._backend.ledger
        end_index = one.spec.first_index + one.new_samples
        run = ledger.create_run(RunKey(self._bucket, one.spec.run_id), one.spec, one.new_samples)
        store = self._backend.store(self._bucket)
        try:
            describe_run(store, run)
            require_alone(self._backend, run)
        except VbvrError as error:
            # Where no description can be written, no sample can: the run is not to be.
            if next(iter(ledger.tasks(run.key)), None) is None:
                ledger.remove_run(run.key)
                if isinstance(error, RangeTakenError):
                    store.delete([run_record_key(run)])
            raise
        # The same request for fewer samples may have come first.
        return ledger.extend_run(run.key, end_index) if run.end_index < end_index else run

    def _send_missing(self, run: Run, tasks: list[Task], *, resend: bool) -> list[Task]:
        missing = [
            task
            for task, state in self._current(run, tasks)
            if state is TaskState.PLANNED or (resend and state is not TaskState.DONE)
        ]
        if resend:
            self._backend.ledger.reopen(run.key, missing)
        self._send([task.to_message().to_json() for task in missing], run, missing)
        return missing

    def _current(self, run: Run, tasks: Sequence[Task]) -> Iterator[tuple[Task, TaskState]]:
        """Tasks with their states; instead of one that a redrive replaced, what replaced it."""
        for task, state in zip(tasks, self._backend.ledger.states(run.key, tasks), strict=True):
            if state is not TaskState.SUPERSEDED:
                yield task, state
            elif record := self._backend.ledger.get_task(task):
                yield from self._current(run, record.children)

    def _send(self, bodies: list[str], run: Run | None = None, tasks: Sequence[Task] = ()) -> None:
        if not bodies:
            return
        report = self._backend.queue.send(bodies)
        if run:
            sent = [task for position, task in enumerate(tasks) if position not in report.failed]
            self._backend.ledger.confirm_sent(run.key, sent)
        if report.failed:
            raise ServiceError(
                f"{len(report.failed)} of {len(bodies)} messages were not taken by the queue.",
                why=next(iter(report.failed.values())),
                hint="Run the same command again: it sends what is missing.",
            )


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


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut a stream into lists of up to `size`."""
    stream = iter(items)
    while chunk := list(islice(stream, size)):
        yield chunk
