"""Lambda's Runtime API for one runtime: what the runtime interface client asks for its next invocation."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any

PREFIX = "/2018-06-01/runtime/"


@dataclass
class Invocation:
    """One call on its way. `answered` is set with `payload`, which is an error if `failed`."""

    request_id: str
    body: bytes
    deadline: float
    arn: str
    answered: threading.Event
    payload: Any = None
    failed: bool = False

    def answer(self, payload: Any, *, failed: bool) -> None:
        """End the call; the first answer counts."""
        if not self.answered.is_set():
            self.payload, self.failed = payload, failed
            self.answered.set()


class RuntimeApi:
    """Serves on a port of its own. `asked_at`: when the runtime first asked for work, its start over."""

    def __init__(self) -> None:
        self.asked_at: float | None = None
        self.start_failed: Any = None
        self._waiting: SimpleQueue[Invocation | None] = SimpleQueue()
        self._under_way: dict[str, Invocation] = {}
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        """What AWS_LAMBDA_RUNTIME_API says."""
        return f"127.0.0.1:{self._server.server_port}"

    def invoke(self, invocation: Invocation) -> None:
        """Hand a call to the runtime; its answer comes with `invocation.answered`."""
        self._under_way[invocation.request_id] = invocation
        self._waiting.put(invocation)

    def next(self) -> Invocation | None:
        """Wait for a call; None when this is closed."""
        if self.asked_at is None:
            self.asked_at = time.monotonic()
        return self._waiting.get()

    def end(self, request_id: str, payload: Any, *, failed: bool) -> bool:
        """Take the runtime's answer; False for one to no call."""
        invocation = self._under_way.pop(request_id, None)
        if invocation:
            invocation.answer(payload, failed=failed)
        return invocation is not None

    def close(self) -> None:
        """Stop serving."""
        self._waiting.put(None)
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    api: RuntimeApi
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        if self.path != f"{PREFIX}invocation/next":
            return self._send(404, b"{}")
        invocation = self.server.api.next()
        if invocation is None:
            self.close_connection = True
            return None
        return self._send(
            200,
            invocation.body,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
            },
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = self.path.removeprefix(PREFIX).split("/")
        api = self.server.api
        match parts:
            case ["invocation", request_id, ("response" | "error") as how]:
                known = api.end(request_id, json.loads(body or b"null"), failed=how == "error")
            case ["init", "error"]:
                api.start_failed, known = json.loads(body), True
            case _:
                known = False
        self._send(202 if known else 404, b'{"status":"OK"}')

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    log_message: Callable[..., None] = lambda *_: None
