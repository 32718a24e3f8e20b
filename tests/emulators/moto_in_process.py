"""moto in this process, with a clock that can be put forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

from moto import mock_aws


@contextmanager
def moto(clock: Callable[[], float]) -> Iterator[None]:
    """All of AWS in this process, empty; its SQS goes by `clock`."""
    with (
        mock_aws(),
        mock.patch("moto.sqs.models.unix_time", clock),
        mock.patch("moto.sqs.models.unix_time_millis", lambda: clock() * 1000),
    ):
        yield
