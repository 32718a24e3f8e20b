"""What can go wrong, in words that name the way out, and the exit code that goes with it."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a `vbvr` process ends; scripts rely on these."""

    OK = 0
    BUG = 1
    USAGE = 2
    CONFIGURATION = 3
    SERVICE = 4
    PARTIAL = 5
    INTERRUPTED = 130


class VbvrError(Exception):
    """Something failed. `what` failed, likely `why`, and `hint`: what to do about it."""

    exit_code: ExitCode = ExitCode.BUG

    def __init__(self, what: str, *, why: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hint = hint


class InvalidRequestError(VbvrError):
    """What was asked for is impossible or contradicts what exists; nothing was changed."""

    exit_code = ExitCode.USAGE


class ConfigurationError(VbvrError):
    """A file, a setting or the machine itself is not as it must be."""

    exit_code = ExitCode.CONFIGURATION


class ServiceError(VbvrError):
    """A store, a queue or the disk did not do what it was asked to; trying again may help."""

    exit_code = ExitCode.SERVICE


class WorkFailedError(VbvrError):
    """Part of the work failed; the rest is done and kept."""

    exit_code = ExitCode.PARTIAL


class InterruptedWorkError(VbvrError):
    """The user stopped it; `hint` says how to go on."""

    exit_code = ExitCode.INTERRUPTED


class RangeTakenError(InvalidRequestError):
    """A range of indices belongs to another run already."""

    def __init__(self, generator: str, asked: tuple[int, int], owner: str, taken: tuple[int, int]) -> None:
        super().__init__(
            f"{generator}: samples {asked[0]}-{asked[1] - 1} overlap samples {taken[0]}-{taken[1] - 1} "
            f"of run {owner}.",
            why="A range of indices belongs to one run, and that run was asked for in other terms "
            "(seed, format, dedup, batch size, options, or another state of the generator).",
            hint="Add --append to start at the next free index, or --replace to discard that run's samples.",
        )
        self.owner = owner
        self.taken = taken


class ClaimLostError(ServiceError):
    """The claim lapsed and the task is another worker's now; its fencing number no longer counts."""


class UnknownBucketError(InvalidRequestError):
    """Samples may only be written to the default bucket and to buckets that the operator allowed."""


class DiskFullError(ServiceError):
    """No space is left where samples or the state are kept."""
