"""All dead letters, one after the other, each leased for as long as it is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from vbvr_cli.backends.ports import DeadLetter, TaskQueue

LEASE_SECONDS = 900.0
AT_ONCE = 10


@contextmanager
def leased_letters(queue: TaskQueue) -> Iterator[Iterator[DeadLetter]]:
    """Receive every dead letter once. Those that were not deleted can be received again afterwards."""
    held: dict[str, DeadLetter] = {}

    def receive() -> Iterator[DeadLetter]:
        while letters := queue.lease_dead(AT_ONCE, LEASE_SECONDS):
            fresh = [letter for letter in letters if letter.id not in held]
            # Without what is long in them: there can be very many.
            held.update({letter.id: replace(letter, body="", reason=None) for letter in letters})
            yield from fresh
            if not fresh:
                return  # the first leases have lapsed: this is the second time round

    try:
        yield receive()
    finally:
        queue.give_back_dead(list(held.values()))
