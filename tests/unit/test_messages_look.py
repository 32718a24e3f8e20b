"""What it costs to look at messages before they are sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
from places import Place

from vbvr_cli.models import TaskMessage
from vbvr_cli.operations.messages import plan_messages


def test_each_bucket_and_run_is_looked_at_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.submit("good", samples=4)
    asked: Counter[object] = Counter()

    def counted(method: Callable[[Any], Any]) -> Callable[[Any], Any]:
        @wraps(method)
        def look(what: Any) -> Any:
            asked[what] += 1
            return method(what)

        return look

    known = place.run("good").key
    monkeypatch.setattr(place.backend, "store", counted(place.backend.store))
    monkeypatch.setattr(place.backend.ledger, "get_run", counted(place.backend.ledger.get_run))
    messages = [
        TaskMessage(type="good", num_samples=1, start_index=index, output_bucket=bucket, run_id=run)
        for index in range(100)
        for bucket in (None, place.bucket, "/etc")
        for run in (None, "adhoc-1", "0123456789abcdef", known.run_id)
    ]

    found = plan_messages(messages, place.catalog(), place.backend)

    assert set(asked.values()) == {1}
    assert {what if isinstance(what, str) else (what.bucket, what.run_id) for what in asked} == {
        "/etc",
        place.bucket,
        (place.backend.default_bucket, "0123456789abcdef"),
        (place.backend.default_bucket, known.run_id),
        (place.bucket, "0123456789abcdef"),
        (place.bucket, known.run_id),
    }
    assert found.doomed.total() == 400 + 300  # of the bucket that nobody allowed; of three unknown runs
    assert [(plan.new_tasks, plan.new_samples) for plan in found.plans] == [(500, 500)]
    assert len(found.messages) == 1200
