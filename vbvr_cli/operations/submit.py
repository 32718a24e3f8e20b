"""Turns requests into runs, and runs into messages; doing it again sends only what is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from vbvr_cli.backends.ports import Backend, SendReport
from vbvr_cli.catalog.generator import Generator
from vbvr_cli.catalog.selection import Selecting
from vbvr_cli.errors import RangeTakenError, ServiceError, VbvrError
from vbvr_cli.lanes import in_lanes
from vbvr_cli.manifest import run_record_key
from vbvr_cli.models import Run, RunKey, Task, TaskState
from vbvr_cli.operations.adoption import adopt_runs, require_alone
from vbvr_cli.operations.replace import discard_run
from vbvr_cli.planning import Action, GeneratorPlan, Request, plan, tasks_of
from vbvr_cli.worker.publish import describe_run

CHUNK = 640
"""Tasks that are looked up, sent and confirmed together: ten of the blocks in which DynamoDB keeps them."""

NEVER = "Some will never be taken, for that reason: mend it first."
AGAIN = "Run the same command again: it sends what is missing."

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
    """Progress of a submit: tasks looked at so far, and how many of them were sent, with how many samples."""

    tasks: int
    sent: int
    samples: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some tasks of a run, neighbours. `resend`: all that are not done count as missing."""

    run: Run
    tasks: list[Task]
    resend: bool


class Submitter:
    """Plans and sends. `bucket` none: the back end's default."""

    def __init__(self, backend: Backend, catalog: Selecting, bucket: str | None = None) -> None:
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
        adopt_runs(self._backend, self._bucket, [generator.name for generator in generators])

    def carry_out(
        self,
        plans: Sequence[GeneratorPlan],
        *,
        resend: bool = False,
        on_progress: Callable[[Sent], None] = lambda _: None,
    ) -> SubmitReport:
        """Create or extend the runs and send their tasks, several chunks and generators at a time.

        However it ends, what was begun is sent and confirmed to its end. Raises as `submit` does.
        """
        refused = {plan.generator.name: plan.refusal for plan in plans if plan.refusal}
        if refused and len(refused) == len(plans):
            raise next(iter(refused.values()))
        runs: dict[int, list[RunKey]] = {}
        tasks = samples = looked_at = 0
        with (
            closing(in_lanes(self._prepare, enumerate(plans), self._backend.lanes)) as prepared,
            closing(in_lanes(self._send_chunk, _chunks(prepared, runs, resend), self._backend.lanes)) as done,
        ):
            for chunk, sent in done:
                tasks, samples = tasks + len(sent), samples + sum(task.num_samples for task in sent)
                looked_at += len(chunk.tasks)
                on_progress(Sent(looked_at, tasks, samples))
        keys = [key for position in sorted(runs) for key in runs[position]]
        return SubmitReport(
            tuple(keys), tasks, samples, {name: str(error) for name, error in refused.items()}
        )

    def _prepare(self, numbered: tuple[int, GeneratorPlan]) -> tuple[int, list[Run]]:
        """A plan's position, and its runs, which are there now."""
        position, one = numbered
        return position, self._runs_of(one)

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
            if run in kept or one.action is Action.EXTEND:
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
        if run.end_index < end_index:  # the same request for fewer samples came first
            run = ledger.extend_run(run.key, end_index)
            describe_run(store, run)
        return run

    def _send_chunk(self, chunk: Chunk) -> tuple[Chunk, list[Task]]:
        """Send what is missing of some tasks; which of them that were."""
        run = chunk.run
        missing = [
            task
            for task, state in self._current(run, chunk.tasks)
            if state is TaskState.PLANNED or (chunk.resend and state is not TaskState.DONE)
        ]
        if chunk.resend:
            self._backend.ledger.reopen(run.key, missing)
        self._send([task.to_message().to_json() for task in missing], run, missing)
        return chunk, missing

    def _current(self, run: Run, tasks: Sequence[Task]) -> Iterator[tuple[Task, TaskState]]:
        """Tasks with their states; instead of one that a redrive replaced, what replaced it."""
        for task, state in zip(tasks, self._backend.ledger.states(run.key, tasks), strict=True):
            if state is not TaskState.SUPERSEDED:
                yield task, state
            elif record := self._backend.ledger.get_task(task):
                yield from self._current(run, record.children)

    def _send(self, bodies: list[str], run: Run, tasks: Sequence[Task]) -> None:
        if not bodies:
            return
        report = self._backend.queue.send(bodies)
        sent = [task for position, task in enumerate(tasks) if position not in report.failed]
        self._backend.ledger.confirm_sent(run.key, sent)
        require_all_sent(report)


def require_all_sent(report: SendReport, hint: str = AGAIN) -> None:
    """Raise what is wrong where the queue did not take every message; `hint` says how to go on."""
    if report.fault:
        raise report.fault
    if report.failed:
        asked = report.sent + len(report.failed)
        raise ServiceError(
            f"{len(report.failed)} of {asked} messages were not taken by the queue.",
            why=next(iter(report.failed.values())),
            hint=f"{NEVER} {hint}" if report.for_good else hint,
        )


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut a stream into lists of up to `size`."""
    stream = iter(items)
    while chunk := list(islice(stream, size)):
        yield chunk


def _chunks(
    prepared: Iterable[tuple[int, list[Run]]], keys: dict[int, list[RunKey]], resend: bool
) -> Iterator[Chunk]:
    """Cut runs into chunks as they get ready; `keys` takes the runs of each plan, by its position."""
    for position, runs in prepared:
        keys[position] = [run.key for run in runs]
        for run in runs:
            for tasks in chunks(tasks_of(run), CHUNK):
                yield Chunk(run, tasks, resend)
