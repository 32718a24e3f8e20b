"""A proxy before an emulator that understands requests: it counts them, and a test may answer in its place.

It serves from threads of the test's own process: a rule is a function, and a test reads what was asked. Each
request costs it a millisecond; for benchmarks there is `slow_wire`.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_JSON = {"AmazonSQS": "sqs", "DynamoDB": "dynamodb"}
_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass(frozen=True)
class Asked:
    """A request: of which service and operation, about which path, with which body."""

    service: str
    operation: str
    path: str
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body of a request to SQS or DynamoDB."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(frozen=True)
class Answer:
    """An answer as it goes back."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, body: dict[str, Any]) -> Answer:
        """What SQS or DynamoDB say when all is well."""
        return cls(200, json.dumps(body).encode(), {"Content-Type": "application/x-amz-json-1.0"})


def fault(asked: Asked, code: str, status: int = 400) -> Answer:
    """The answer in which a service reports a fault; a HEAD has its status alone."""
    said = f"{code}, says the test"
    if asked.service in _JSON.values():
        body = {"__type": f"com.amazonaws#{code}", "message": said}
        return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/x-amz-json-1.0"})
    inner = f"<Error><Code>{code}</Code><Message>{said}</Message></Error>"
    if asked.service != "s3":
        inner = f"<ErrorResponse>{inner}<RequestId>r</RequestId></ErrorResponse>"
    return Answer(status, inner.encode(), {"Content-Type": "application/xml"})


Rule = Callable[[Asked], Answer | None]


class FaultyWire:
    """Where the proxy is, and what it does: `before` a request is passed on, and `after` it was answered.

    A rule that returns an answer gives it to who asked; for `before`, the emulator then never hears of it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Do nothing but pass on."""
        self.before: Rule = lambda _: None
        self.after: Rule = lambda _: None

    def fail(self, *operations: str, code: str, status: int = 400, first: int = 0) -> None:
        """Let some operations (all, if none is named) fail, after the `first` that are passed on."""
        left = [first]

        def rule(asked: Asked) -> Answer | None:
            if operations and asked.operation not in operations:
                return None
            left[0] -= 1
            return fault(asked, code, status) if left[0] < 0 else None

        self.before = rule

    def answer(self, asked: Asked, pass_on: Callable[[], Answer]) -> Answer:
        """What who asked gets. Rules are asked one after the other."""
        with self._lock:
            self.requests[asked.operation] += 1
            answered = self.before(asked)
        if answered:
            return answered
        passed = pass_on()
        with self._lock:
            return self.after(asked) or passed


@contextmanager
def faulty_wire(upstream: str) -> Iterator[FaultyWire]:
    """A proxy before an emulator on this machine, which rules nothing yet."""
    target = urlsplit(upstream)

    class Handler(_Handler):
        emulator = (target.hostname or "", target.port or 80)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

    with Server(("127.0.0.1", 0), Handler) as server:
        Handler.wire = FaultyWire(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield Handler.wire
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, and through it one to the emulator."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    emulator: tuple[str, int]
    wire: FaultyWire

    def setup(self) -> None:
        super().setup()
        self.upstream = http.client.HTTPConnection(*self.emulator)

    def finish(self) -> None:
        self.upstream.close()
        super().finish()

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # who asked was killed

    def handle_expect_100(self) -> bool:
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = _asked(self.command, self.path, self.headers, body)
        answer = self.wire.answer(asked, lambda: self._pass_on(body))
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_any  # noqa: N815 - http.server's names

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _pass_on(self, body: bytes) -> Answer:
        if self.upstream.sock is None:
            self.upstream.connect()
            self.upstream.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        self.upstream.request(self.command, self.path, body, headers)
        said = self.upstream.getresponse()
        left_out = _HOP - ({"content-length"} if self.command == "HEAD" else set())
        kept = {name: value for name, value in said.getheaders() if name.lower() not in left_out}
        return Answer(said.status, said.read(), kept)


def _asked(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Asked:
    service, _, operation = headers.get("X-Amz-Target", "").partition(".")
    if operation:
        return Asked(_JSON[service.partition("_")[0]], operation, path, body)
    if body.startswith(b"Action="):
        asked = parse_qs(body.decode())
        service = "sts" if asked["Version"] == ["2011-06-15"] else "cloudformation"
        return Asked(service, asked["Action"][0], path, body)
    return Asked("s3", _s3_operation(method, path), path, body)


def _s3_operation(method: str, path: str) -> str:
    place = urlsplit(path)
    query = parse_qs(place.query, keep_blank_values=True)
    of_bucket = "/" not in place.path.strip("/")
    if method == "POST":
        ends = {"delete": "DeleteObjects", "uploads": "CreateMultipartUpload"}
        return next((name for mark, name in ends.items() if mark in query), "CompleteMultipartUpload")
    if method == "PUT" and "partNumber" in query:
        return "UploadPart"
    if method == "GET" and of_bucket:
        return "ListObjectsV2"
    return f"{method.title()}{'Bucket' if of_bucket else 'Object'}"
