"""Faults between boto3 and an emulator: answers that never reached it, or that are altered on the way back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import boto3
from botocore.awsrequest import AWSRequest, AWSResponse


class _Raw:
    """The body of an answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> list[bytes]:
        return [self._body]

    def read(self, _size: int = -1) -> bytes:
        body, self._body = self._body, b""
        return body


def answer(status: int, body: dict[str, Any] | bytes, headers: dict[str, str] | None = None) -> AWSResponse:
    """An answer of AWS; a dict is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return AWSResponse("", status, headers or {}, _Raw(data))


def fault(code: str, status: int = 400) -> AWSResponse:
    """A fault in the JSON protocol."""
    return answer(status, {"__type": f"com.amazonaws#{code}", "message": f"{code}, says the test"})


class Interference:
    """Sits in a session: counts the requests of each operation, and answers some of them itself.

    Must be there before clients are made.
    """

    def __init__(self, session: boto3.Session) -> None:
        self.requests: Counter[str] = Counter()
        self._hooks: dict[str, Callable[[AWSRequest], AWSResponse | None]] = {}
        session.events.register_first("before-send.*.*", self._on_send)

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
        return hook(request) if hook else None
