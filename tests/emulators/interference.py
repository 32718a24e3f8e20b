"""Faults between boto3 and moto: requests that are answered before they reach it."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.awsrequest import AWSRequest, AWSResponse
from emulators.moto_in_process import keep_from_moto


class _Raw(io.BytesIO):
    """The body of an answer."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def answer(status: int, body: dict[str, Any] | bytes, headers: dict[str, str] | None = None) -> AWSResponse:
    """An answer of AWS; a dict is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return AWSResponse("", status, headers or {}, _Raw(data))


def fault(code: str, status: int = 400) -> AWSResponse:
    """A fault in the JSON protocol."""
    return answer(status, {"__type": f"com.amazonaws#{code}", "message": f"{code}, says the test"})


class Interference:
    """Sits in a session: counts the requests of each operation, and answers some of them itself.

    It must be there before clients are made. What it answers never reaches moto.
    """

    def __init__(self, session: boto3.Session) -> None:
        self.requests: Counter[str] = Counter()
        self._hooks: dict[str, Callable[[AWSRequest], AWSResponse | None]] = {}
        session.events.register_first("before-send.*.*", self._on_send)

    def reset(self) -> None:
        """Forget what was counted and asked for."""
        self.requests.clear()
        self._hooks.clear()

    def on(self, operation: str, hook: Callable[[AWSRequest], AWSResponse | None]) -> None:
        """Let `hook` see each request of an operation; what it returns is the answer, unless that is None."""
        self._hooks[operation] = hook

    def fail(self, operation: str, failure: AWSResponse | Callable[[], AWSResponse], times: int) -> None:
        """Answer the next requests of an operation with a failure."""
        left = [times]

        def hook(_request: AWSRequest) -> AWSResponse | None:
            if left[0] <= 0:
                return None
            left[0] -= 1
            return failure() if callable(failure) else failure

        self.on(operation, hook)

    def _on_send(self, request: AWSRequest, event_name: str, **_: Any) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        self.requests[operation] += 1
        hook = self._hooks.get(operation)
        answered = hook(request) if hook else None
        if answered is not None:
            keep_from_moto(request)
        return answered
