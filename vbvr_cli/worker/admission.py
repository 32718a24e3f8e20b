"""From a message to a task that this worker can and may run, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pydantic import ValidationError

from vbvr_cli.backends.ports import Backend, SampleStore
from vbvr_cli.catalog.generator import Generator
from vbvr_cli.errors import ConfigurationError, InvalidRequestError, RangeTakenError, UnknownBucketError
from vbvr_cli.models import (
    ADHOC,
    FailureCode,
    Run,
    RunKey,
    RunSpec,
    Task,
    TaskMessage,
    adhoc_run_id,
    adhoc_seed,
)
from vbvr_cli.planning import is_planned
from vbvr_cli.worker.failures import TaskFailedError
from vbvr_cli.worker.publish import describe_run


@dataclass(frozen=True, slots=True)
class Job:
    """A task with all that it takes to run it."""

    task: Task
    run: Run
    generator: Generator
    store: SampleStore


def parse_message(body: str) -> TaskMessage:
    """Read a message. Raises TaskFailedError (invalid_message) naming each field that is wrong."""
    try:
        return TaskMessage.model_validate_json(body)
    except ValidationError as error:
        raise TaskFailedError(FailureCode.INVALID_MESSAGE, describe_invalid(error)) from error


def describe_invalid(error: ValidationError) -> str:
    """What is wrong with a message, field by field, without repeating its text at length."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'the message'}: {fault['msg']} (got {fault['input']!r:.80})"
        for fault in error.errors(include_url=False)
    )


def task_of(message: TaskMessage, default_bucket: str) -> Task:
    """The task that a message asks for."""
    return Task(
        run=RunKey(message.output_bucket or default_bucket, message.run_id or adhoc_run_id(message)),
        generator=message.type,
        start_index=message.start_index,
        num_samples=message.num_samples,
        seed=adhoc_seed(message),
        output_format=message.output_format,
        dedup=message.dedup,
    )


class RemovedRunError(Exception):
    """The task's run was here and was removed, by a submit with `--replace`: nobody wants it made."""


class Admission:
    """Checks tasks against the buckets, the runs and the generators that are here."""

    def __init__(self, backend: Backend, find_generator: Callable[[str], Generator]) -> None:
        self._backend = backend
        self._find_generator = find_generator

    def admit(self, task: Task) -> Job:
        """Everything the task needs.

        Raises TaskFailedError for what no retry would mend, RemovedRunError for what nobody wants any more.
        """
        try:
            store = self._backend.store(task.run.bucket)
        except UnknownBucketError as error:
            raise TaskFailedError(FailureCode.UNKNOWN_BUCKET, str(error)) from error
        try:
            generator = self._find_generator(task.generator)
        except (InvalidRequestError, ConfigurationError) as error:
            raise TaskFailedError(FailureCode.UNKNOWN_GENERATOR, str(error)) from error
        run = self._run_of(task, generator, store)
        _check_generator(run.spec, generator)
        return Job(task, run, replace(generator, provenance=run.spec.provenance), store)

    def _run_of(self, task: Task, generator: Generator, store: SampleStore) -> Run:
        run = self._backend.ledger.get_run(task.run)
        if run is not None:
            _check_terms(run, task)
            self._check_planned(run, task)
            if task.run.run_id.startswith(ADHOC):
                describe_run(store, run)
            return run
        if not task.run.run_id.startswith(ADHOC):
            if self._backend.ledger.was_removed(task.run):
                raise RemovedRunError
            raise TaskFailedError(
                FailureCode.UNKNOWN_RUN,
                f"the ledger knows no run {task.run.run_id} in {task.run.bucket}; "
                "submit it again, or leave run_id out",
            )
        try:
            run = self._backend.ledger.create_run(task.run, adhoc_spec(task, generator), task.num_samples)
        except RangeTakenError as error:
            raise TaskFailedError(FailureCode.RANGE_TAKEN, str(error)) from error
        describe_run(store, run)
        return run

    def _check_planned(self, run: Run, task: Task) -> None:
        """Another cut of a run's range, or another seed, would make samples that it has already."""
        if not is_planned(run, task) and self._backend.ledger.get_task(task) is None:
            raise TaskFailedError(
                FailureCode.INVALID_MESSAGE,
                f"run {task.run.run_id} has no task of samples {task.start_index}-{task.end_index - 1} "
                f"with seed {task.seed}; leave run_id out, or send it as `vbvr submit` does",
            )


def adhoc_spec(task: Task, generator: Generator) -> RunSpec:
    """The terms of the run that a message makes which names none."""
    return RunSpec(
        generator=generator.name,
        provenance=generator.provenance,
        environment=generator.environment.id,
        options=generator.options,
        seed=task.seed,
        output_format=task.output_format,
        dedup=task.dedup,
        batch_size=task.num_samples,
        first_index=task.start_index,
    )


def _check_terms(run: Run, task: Task) -> None:
    spec = run.spec
    asked = (task.generator, task.output_format, task.dedup)
    if asked != (spec.generator, spec.output_format, spec.dedup):
        raise TaskFailedError(
            FailureCode.INVALID_MESSAGE,
            f"run {task.run.run_id} is of {spec.generator}, {spec.output_format}, dedup {spec.dedup}; "
            f"the message says {task.generator}, {task.output_format}, dedup {task.dedup}",
        )
    if not run.start_index <= task.start_index <= task.end_index <= run.end_index:
        raise TaskFailedError(
            FailureCode.INVALID_MESSAGE,
            f"run {task.run.run_id} has samples {run.start_index}-{run.end_index - 1}; "
            f"the message says {task.start_index}-{task.end_index - 1}",
        )


def _check_generator(spec: RunSpec, generator: Generator) -> None:
    if generator.provenance.commit != spec.provenance.commit:
        raise TaskFailedError(
            FailureCode.WRONG_COMMIT,
            f"the run is of {spec.provenance.commit}, here is {generator.provenance.commit}",
        )
    if (generator.environment.id, generator.options) != (spec.environment, spec.options):
        raise TaskFailedError(
            FailureCode.WRONG_ENVIRONMENT,
            f"the run is of {spec.environment} {' '.join(spec.options)}, "
            f"here is {generator.environment.id} {' '.join(generator.options)}".replace("  ", " "),
        )
