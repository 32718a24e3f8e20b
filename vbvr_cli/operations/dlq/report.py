"""What a redrive did, letter by letter."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Fate(StrEnum):
    """What became of a dead letter.

    `settled`: its task is done or under way. `failed_again`: this redrive sent its task, which is dead
    once more.
    """

    REDRIVEN = "redriven"
    SETTLED = "settled"
    UNREADABLE = "unreadable"
    CANCELLED = "cancelled"
    FAILED_AGAIN = "failed_again"
    PASSED_OVER = "passed_over"

    @property
    def finished(self) -> bool:
        """Whether the letter is no longer needed."""
        return self in (Fate.REDRIVEN, Fate.SETTLED)


@dataclass(slots=True)
class RedriveReport:
    """How many letters met which fate, and what was sent for them.

    `hidden`: none could be received, but the queue counts so many, which somebody else looks at.
    """

    fates: dict[Fate, int] = field(default_factory=dict)
    tasks_sent: int = 0
    samples_sent: int = 0
    unreadable: list[str] = field(default_factory=list)
    hidden: int = 0

    def count(self, fate: Fate) -> None:
        """One more letter."""
        self.fates[fate] = self.fates.get(fate, 0) + 1
