"""Which dead letters a redrive is about, and what it makes of their tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from vbvr_cli.errors import InvalidRequestError
from vbvr_cli.models import MAX_SAMPLES_PER_TASK, FailureCode, Reason, Task
from vbvr_cli.seeds import redrive_seed


@dataclass(frozen=True, slots=True)
class RedriveRequest:
    """Which dead letters, and how. No filter means all; `max_attempts` leaves out those tried more often."""

    generators: tuple[str, ...] = ()
    reasons: tuple[FailureCode, ...] = ()
    max_attempts: int | None = None
    new_seed: bool = False
    batch_size: int | None = None
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.batch_size is not None and not 1 <= self.batch_size <= MAX_SAMPLES_PER_TASK:
            raise InvalidRequestError(
                f"--batch-size is {self.batch_size}.",
                why=f"it must be from 1 to {MAX_SAMPLES_PER_TASK}",
                hint="Choose what a worker can make in time, and what is less than the task that failed.",
            )

    def wants(self, generator: str | None, reason: Reason | None, attempts: int) -> bool:
        """Whether the filters let a letter through; `generator` none: nobody can tell."""
        if self.generators and not any(fnmatchcase(generator or "", pattern) for pattern in self.generators):
            return False
        if self.reasons and (reason is None or reason.code not in self.reasons):
            return False
        return self.max_attempts is None or attempts <= self.max_attempts

    def children_of(self, task: Task) -> tuple[Task, ...]:
        """What is sent instead of a dead task: it alone as it was, or tasks that cover its range."""
        size = min(self.batch_size or task.num_samples, task.num_samples)
        if size == task.num_samples and not self.new_seed:
            return (task,)
        return tuple(
            replace(
                task,
                start_index=start,
                num_samples=min(size, task.end_index - start),
                seed=redrive_seed(task.seed, start),
            )
            for start in range(task.start_index, task.end_index, size)
        )


def parse_reasons(texts: Sequence[str]) -> tuple[FailureCode, ...]:
    """Reasons by their codes. Raises InvalidRequestError naming those that there are."""
    unknown = [text for text in texts if text not in set(FailureCode)]
    if unknown:
        raise InvalidRequestError(
            f"No task dies for the reason {unknown[0]!r}.", hint=f"There are {', '.join(FailureCode)}."
        )
    return tuple(FailureCode(text) for text in texts)
