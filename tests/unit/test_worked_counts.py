"""How many tasks died while workers worked: the ledger knows where the queue's count lags."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest
from places import Vbvr

from vbvr_cli.backends.local import LocalBackend
from vbvr_cli.operations.work import Worked, work_failed_error, work_with


def work(vbvr: Vbvr, monkeypatch: pytest.MonkeyPatch, *, counts: list[int] | None = None) -> Worked:
    """Work until the queue is empty; `counts`: how many dead letters the queue says there are, as SQS may."""
    with closing(LocalBackend(vbvr.state)) as backend:
        depth = backend.queue.depth
        if counts is not None:
            said = iter(counts)
            monkeypatch.setattr(backend.queue, "depth", lambda: replace(depth(), dead=next(said)))
        settings = {**vbvr.environment, "VBVR_HOME": str(vbvr.state)}
        logs = vbvr.state / "logs"
        return work_with(backend, 1, settings, logs, forever=False, on_standing=lambda _: None)


def test_deaths_that_the_queue_does_not_count_yet_are_counted(
    vbvr: Vbvr, monkeypatch: pytest.MonkeyPatch
) -> None:
    vbvr.add("always_fails")
    vbvr.ok("submit", "-g", "always_fails", "-n", "4", "-b", "2")

    worked = work(vbvr, monkeypatch, counts=[0, 0])

    assert (worked.died, worked.dead_letters) == (2, 0)
    assert "2 tasks are dead letters" in str(work_failed_error(worked))


def test_messages_that_the_ledger_never_heard_of_are_counted(
    vbvr: Vbvr, monkeypatch: pytest.MonkeyPatch
) -> None:
    vbvr.add("always_fails")
    message = '{"type": "nowhere", "num_samples": 1}'
    vbvr.ok("submit", "--message", "-", stdin=f"{message}\n{message}")

    assert work(vbvr, monkeypatch).died == 2


def test_dead_letters_that_somebody_took_away_meanwhile_are_not_less_than_none(
    vbvr: Vbvr, monkeypatch: pytest.MonkeyPatch
) -> None:
    vbvr.add("good")
    vbvr.ok("submit", "-g", "good", "-n", "2")

    worked = work(vbvr, monkeypatch, counts=[5, 3])

    assert (worked.tasks, worked.died) == (1, 0)
    assert work_failed_error(worked) is None
