"""What became of a message that a worker handled."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vbvr_cli.models import Outcome, Reason


class Ending(StrEnum):
    """How it ended.

    `done`: this worker completed the task. `settled`: there was nothing left to do. `waiting`: it failed and
    will be tried again. `dead`: it failed for good. `refused`: it never became a task here. `held`: another
    worker has the task. `stopped`: the worker was asked to stop. `lost`: the claim went to another.
    """

    DONE = "done"
    SETTLED = "settled"
    WAITING = "waiting"
    DEAD = "dead"
    REFUSED = "refused"
    HELD = "held"
    STOPPED = "stopped"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of a message: the `outcome` if done, the `reason` if it failed, in which `attempt`."""

    ending: Ending
    outcome: Outcome | None = None
    reason: Reason | None = None
    attempt: int = 0
