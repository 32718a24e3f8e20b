"""The reasons of failures in a few words."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from vbvr_cli.models import FailureCode
from vbvr_cli.screens.units import count

PHRASES: Mapping[FailureCode, str] = {
    FailureCode.INVALID_MESSAGE: "the message is not valid",
    FailureCode.UNKNOWN_GENERATOR: "the generator is not in the catalog",
    FailureCode.UNKNOWN_BUCKET: "the bucket is not allowed",
    FailureCode.UNKNOWN_RUN: "the ledger does not know the run",
    FailureCode.RANGE_TAKEN: "the indices belong to another run",
    FailureCode.WRONG_COMMIT: "another commit than the run's",
    FailureCode.WRONG_ENVIRONMENT: "another environment than the run's",
    FailureCode.GENERATOR_FAILED: "the generator raised an error",
    FailureCode.MISSING_SAMPLES: "fewer samples than asked for",
    FailureCode.BROKEN_SAMPLES: "samples that are not valid",
    FailureCode.POOL_EXHAUSTED: "no more distinct puzzles",
    FailureCode.OUT_OF_TIME: "not done in time",
    FailureCode.OUT_OF_MEMORY: "not enough memory",
    FailureCode.GENERATOR_KILLED: "the generator was killed",
    FailureCode.WORKER_DIED: "the worker died",
    FailureCode.STORE_FAILED: "the store failed",
    FailureCode.INTERNAL_ERROR: "a bug in vbvr",
}


def failures_in_one_line(reasons: Mapping[FailureCode, int], width: int | None = None) -> str:
    """How many tasks failed for which reasons, the most frequent first; as many as `width` has room for."""
    parts = [f"{count(number)} {code}" for code, number in reasons.items()]
    for dropped in range(len(parts)):
        kept = parts[: len(parts) - dropped]
        line = ", ".join(kept) + (f" and {dropped} more" if dropped else "")
        if width is None or len(line) <= width:
            return line
    return f"{len(parts)} reasons"


def failure_lines(reasons: Mapping[FailureCode, int], room: int) -> list[Text]:
    """A line for each reason, the most frequent first, with its phrase; in `room` lines."""
    width = max(len(count(number)) for number in reasons.values())
    longest = max(map(len, reasons))
    lines = [
        Text.assemble((f"{count(number):>{width}} {code:<{longest}}  ", "red"), (PHRASES[code], "dim"))
        for code, number in reasons.items()
    ]
    if len(lines) <= room:
        return lines
    rest = sum(list(reasons.values())[room - 1 :])
    return [*lines[: room - 1], Text(f"{count(rest)} for {len(lines) - room + 1} other reasons", "red")]
