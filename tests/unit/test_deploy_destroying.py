"""When a stack may be destroyed: nothing that waits is lost without a word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vbvr_cli.errors import InvalidRequestError
from vbvr_cli.operations.deploy.destroying import Farewell, require_nothing_waits
from vbvr_cli.operations.deploy.stacks import StackState

EMPTY = Farewell("111122223333", StackState("vbvr", "us-east-2", "CREATE_COMPLETE"), (), waiting=0, dead=3)


def test_an_empty_queue_is_no_obstacle_and_dead_letters_are_none_either() -> None:
    require_nothing_waits(EMPTY, drop_tasks=False)


@pytest.mark.parametrize(
    ("waiting", "said"), [(1200, "1,200 messages wait"), (None, "It is not known how many")]
)
def test_messages_that_wait_are_only_dropped_when_somebody_says_so(waiting: int | None, said: str) -> None:
    busy = replace(EMPTY, waiting=waiting)

    with pytest.raises(InvalidRequestError, match=said) as refused:
        require_nothing_waits(busy, drop_tasks=False)
    assert "--drop-tasks" in (refused.value.hint or "")
    require_nothing_waits(busy, drop_tasks=True)
