"""Keeps a message and its claim alive while a task is worked on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Self

from vbvr_cli.backends.ports import Ledger, Message, TaskQueue
from vbvr_cli.errors import ClaimLostError, VbvrError
from vbvr_cli.models import Claim

logger = logging.getLogger(__name__)


class Heartbeat:
    """A thread that extends both leases every `interval` seconds and reports the samples made so far.

    `lost` is set once the claim belongs to somebody else: what is being made is then of no use.
    """

    def __init__(
        self,
        queue: TaskQueue,
        ledger: Ledger,
        message: Message,
        claim: Claim,
        *,
        lease_seconds: Callable[[], float],
        interval: float,
    ) -> None:
        self.samples = 0
        self.lost = threading.Event()
        self._queue = queue
        self._ledger = ledger
        self._message = message
        self._claim = claim
        self._lease_seconds = lease_seconds
        self._interval = interval
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finished.set()
        self._thread.join()

    def report(self, samples: int) -> None:
        """Remember how many samples are made; the next beat passes it on."""
        self.samples = samples

    def _beat(self) -> None:
        while not self._finished.wait(self._interval):
            try:
                seconds = self._lease_seconds()
                self._ledger.extend_claim(self._claim, seconds, self.samples)
                self._queue.extend(self._message, seconds)
            except ClaimLostError:
                self.lost.set()
                return
            except VbvrError as error:
                # The leases outlast several beats; a service that stays away loses the claim by itself.
                logger.warning("The lease of %s could not be extended: %s", self._claim.task, error)
