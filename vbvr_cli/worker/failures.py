"""How a task stops short: for a reason that the ledger keeps, or because somebody said stop."""

from __future__ import annotations

from vbvr_cli.models import FailureCode, Reason


class TaskFailedError(Exception):
    """The task failed; `reason` goes into the ledger and to the dead letters."""

    def __init__(self, code: FailureCode, detail: str, output: str = "") -> None:
        super().__init__(detail)
        self.reason = Reason(code, detail, output)


class StoppedError(Exception):
    """The worker was asked to stop, or lost its claim: the task is left as if it had not begun."""
