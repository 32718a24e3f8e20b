"""The function that works: the queue's records to the worker, one after the other."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lambda_image.environment import Context, FunctionBackend, FunctionSettings
from lambda_image.faults import InvalidRequest, flat, one_line
from lambda_image.logs import JsonLines, Metrics, set_up
from lambda_image.measures import measures_of
from lambda_image.sandbox import Sandbox, adopt_orphans
from vbvr_cli.backends.ports import Message
from vbvr_cli.catalog.generator import Generator
from vbvr_cli.catalog.roster import Roster
from vbvr_cli.errors import VbvrError
from vbvr_cli.models import Task
from vbvr_cli.worker.admission import parse_message, task_of
from vbvr_cli.worker.endings import Handled
from vbvr_cli.worker.failures import TaskFailedError
from vbvr_cli.worker.pace import Pace
from vbvr_cli.worker.worker import Worker
from vbvr_cli.worker.workspace import Workspace

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 20.0
BACKOFF_SECONDS = 5.0
LEAST_SECONDS = 3.0
"""With less time than that left, a record is given back unseen."""
RESERVE_SECONDS = 5.0
RESERVE_SECONDS_A_SAMPLE = 0.1
"""What uploading and recording may take of the function's time: at least 5 s, at most a quarter of it."""
OWN_MEMORY_MB = 256
"""What this process itself may need of the function's memory."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a task may take of the function. `seconds` for making it."""

    seconds: float
    memory_mb: int

    @classmethod
    def of(cls, remaining: float, samples: int, memory_limit_mb: int) -> Limits:
        """For a task of so many samples, with so many seconds remaining."""
        wanted = max(RESERVE_SECONDS, samples * RESERVE_SECONDS_A_SAMPLE)
        seconds = remaining - min(wanted, remaining / 4)
        return cls(seconds, max(64, memory_limit_mb - OWN_MEMORY_MB))

    def bound(self, generator: Generator) -> Generator:
        """The generator, with no more than that."""
        return replace(
            generator,
            time_limit_seconds=round(min(generator.time_limit_seconds, self.seconds), 1),
            memory_mb=min(generator.memory_mb, self.memory_mb),
        )


class WorkFunction:
    """Handles invocations by SQS's event source; kept between them as long as Lambda keeps the process."""

    def __init__(
        self, settings: FunctionSettings, backend: FunctionBackend, roster: Roster, lines: JsonLines
    ) -> None:
        self._settings = settings
        self._backend = backend
        self._roster = roster
        self._lines = lines
        self._metrics = Metrics(settings.metrics_namespace, settings.stack)
        self._cold = True

    def __call__(self, event: Any, context: Context) -> dict[str, Any]:
        """Work on the records of an event; the answer names those that are to be delivered again.

        Raises InvalidRequest for an event that is not SQS's, and what keeps the function from working at all:
        then all are delivered again.
        """
        deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000
        self._lines.fields = {"request_id": context.aws_request_id}
        try:
            messages = self._backend.queue.take(event["Records"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidRequest(
                "This is no event of an SQS queue: messages go to the queue, requests to the submit function."
            ) from error
        folders = (self._settings.home, self._settings.tmp)
        try:
            with Sandbox(*(folder for folder in folders if folder)):
                self._work(messages, deadline, context)
        finally:
            self._lines.fields = {}
            self._backend.rest()
        failed = [one.id for one in messages if not self._backend.queue.is_acknowledged(one)]
        return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}

    def _work(self, messages: list[Message], deadline: float, context: Context) -> None:
        with Workspace(self._settings.home / "tmp") as workspace:
            for position, message in enumerate(messages):
                try:
                    self._handle(message, workspace, deadline, context, first=position == 0)
                except VbvrError as error:
                    logger.error("The function cannot work: %s", one_line(error))  # noqa: TRY400
                    if not any(map(self._backend.queue.is_acknowledged, messages)):
                        raise flat(error) from error
                    return  # what was done is not to be done again

    def _handle(
        self, message: Message, workspace: Workspace, deadline: float, context: Context, *, first: bool
    ) -> None:
        task = self._task_of(message)
        self._lines.fields = {"request_id": context.aws_request_id, **_fields_of(message, task)}
        remaining = deadline - time.monotonic()
        if remaining < LEAST_SECONDS:
            logger.info("Given back: %.1f s are left", remaining)
            self._backend.queue.give_back(message)
            return
        limits = Limits.of(remaining, task.num_samples if task else 1, int(context.memory_limit_in_mb))
        worker = Worker(
            self._backend,
            partial(_find, self._roster.get, limits),
            workspace,
            name=context.log_stream_name or context.aws_request_id,
            pace=Pace(
                lease=remaining, heartbeat=HEARTBEAT_SECONDS, backoff=BACKOFF_SECONDS, deadline=deadline
            ),
            stop=None if first else _AtTime(time.monotonic() + limits.seconds - 1.0),
            may_stop=False,
        )
        started = time.monotonic()
        self._report(worker.handle(message), time.monotonic() - started)

    def _task_of(self, message: Message) -> Task | None:
        try:
            return task_of(parse_message(message.body), self._backend.default_bucket)
        except TaskFailedError:
            return None  # the worker refuses it, and says why

    def _report(self, handled: Handled, seconds: float) -> None:
        fields: dict[str, Any] = {"ending": str(handled.ending), "attempt": handled.attempt}
        if handled.reason:
            fields["reason"] = str(handled.reason)
        logger.info("The message is %s", handled.ending, extra={"fields": {**fields, "seconds": seconds}})
        measures = measures_of(handled)
        if self._cold:
            measures["ColdStarts"] = 1
            self._cold = False
        self._metrics.put(measures, {**self._lines.fields, **fields})


class _AtTime(threading.Event):
    """Set from a time on. A task that had the whole time runs out of it; one that came after others is given
    back, to be the first of another invocation.
    """

    def __init__(self, at: float) -> None:
        super().__init__()
        self._at = at

    def is_set(self) -> bool:
        return time.monotonic() >= self._at


def open_handler() -> Callable[[Any, Context], dict[str, Any]]:
    """The handler of this process. What keeps it from working is raised at each invocation, not here.

    A function that does not start is started again and again without a word about why.
    """
    lines = set_up()
    adopt_orphans()
    try:
        settings = FunctionSettings.read()
        backend = FunctionBackend(settings.resources)
        backend.warm_up()
        return WorkFunction(settings, backend, settings.read_roster(), lines)
    except VbvrError as error:
        return partial(_refuse, flat(error))


def _refuse(reason: VbvrError, _event: Any, _context: Context) -> dict[str, Any]:
    raise reason


def _find(get: Callable[[str], Generator], limits: Limits, name: str) -> Generator:
    return limits.bound(get(name))


def _fields_of(message: Message, task: Task | None) -> dict[str, Any]:
    fields: dict[str, Any] = {"message_id": message.id, "receive_count": message.receive_count}
    if task:
        fields |= {"run": task.run.run_id, "task": task.range_name, "generator": task.generator}
    return fields
