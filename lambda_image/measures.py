"""What a handled message counts as in the metrics."""

from __future__ import annotations

from vbvr_cli.worker.endings import Ending, Handled

_COUNTED = {
    Ending.DONE: "Tasks",
    Ending.DEAD: "TasksFailed",
    Ending.WAITING: "TasksRetried",
    Ending.REFUSED: "MessagesRefused",
}


def measures_of(handled: Handled) -> dict[str, float]:
    """Values by metric. What is neither an end nor a failure of a task counts as nothing."""
    values: dict[str, float] = {}
    if name := _COUNTED.get(handled.ending):
        values[name] = 1
    if outcome := handled.outcome:
        values |= {"Samples": outcome.num_samples, "Bytes": outcome.num_bytes, "Seconds": outcome.seconds}
    return values
