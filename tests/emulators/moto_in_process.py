"""moto in this process, with a clock that can be put forward."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from unittest import mock

from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from vbvr_cli.backends.aws import queue

_one_at_a_time = threading.RLock()
_answer = BotocoreStubber.__call__


def keep_from_moto(request: Any) -> None:
    """Let a request never reach moto."""
    request.kept_from_moto = True


def _answer_alone(stubber: BotocoreStubber, event_name: str, request: Any, **parameters: Any) -> Any:
    """Answer a request while no other is: moto lets others see half a change, which AWS does not."""
    if getattr(request, "kept_from_moto", False):
        return None
    with _one_at_a_time:
        return _answer(stubber, event_name, request, **parameters)


@contextmanager
def moto(clock: Callable[[], float]) -> Iterator[None]:
    """All of AWS in this process, empty; its SQS goes by `clock`, a moment later at each look.

    Nobody waits for messages: that would last until the clock goes on.
    """
    moments = count()

    def in_milliseconds() -> float:
        return clock() * 1000 + next(moments) / 1000

    with (
        mock.patch.object(BotocoreStubber, "__call__", _answer_alone),
        mock.patch.object(queue, "DEAD_WAIT_SECONDS", 0),
        mock.patch("moto.sqs.models.unix_time", clock),
        mock.patch("moto.sqs.models.unix_time_millis", in_milliseconds),
        mock_aws(),
    ):
        yield
