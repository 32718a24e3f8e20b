"""How long things may take a worker."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things may take, in seconds.

    `lease`: after that a silent worker counts as dead. `heartbeat`: how often the lease is extended and
    progress reported. `idle`: between looks at an empty queue. `backoff`: before the second attempt; the
    third waits four times as long. `deadline`, by `time.monotonic()`: when this process ends whatever it is
    doing, and with it every lease.
    """

    lease: float = 60.0
    heartbeat: float = 1.0
    idle: float = 0.5
    backoff: float = 2.0
    deadline: float | None = None

    def lease_left(self) -> float:
        """How long a lease that is taken or extended now may last."""
        return self.lease if self.deadline is None else max(1.0, self.deadline - time.monotonic())
