"""Batch calls that are done in part, as AWS does them: within answers that say that all is well."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from xml.sax.saxutils import unescape

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from emulators.interference import answer, fault
from emulators.moto_in_process import keep_from_moto

from vbvr_cli.backends.aws.posting import Poster

PostAll = Callable[[Poster, str, Iterable[bytes]], list[bytes | None]]
ENTRIES = ("SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch")
ITEMS = {"BatchGetItem": "UnprocessedKeys", "BatchWriteItem": "UnprocessedItems"}
SERVICES = ("sqs", "s3", "dynamodb")
EVERY = 7
_OBJECT = re.compile(r"(<Object><Key>(.*?)</Key></Object>)", re.DOTALL)
_BUSY = b"<Error><Code>SlowDown</Code><Message>says the test</Message></Error>"


class PartialFailures:
    """Keeps every second part from each batch call of a session's clients, and reports those parts as failed.

    Of all requests every seventh is throttled. It must be there before clients are made; `met` counts what
    was done to which operation.
    """

    def __init__(self, session: boto3.Session) -> None:
        self.met: Counter[str] = Counter()
        self._requests = 0
        self._kept = threading.local()
        events = session.events
        events.register_first("before-send.*.*", self._on_send)
        for operation in (*ENTRIES, *ITEMS):
            events.register(f"after-call.*.{operation}", self._report)
        events.register("after-call.s3.DeleteObjects", self._report_deletions)

    def in_posts(self, post_all: PostAll) -> PostAll:
        """A Poster's `post_all` to which the same happens: its requests are not botocore's."""

        def post_in_part(poster: Poster, operation: str, bodies: Iterable[bytes]) -> list[bytes | None]:
            kept: list[list[dict[str, str]] | None] = []

            def passed() -> Iterator[bytes]:
                for body in bodies:
                    self._requests += 1
                    if self._requests % EVERY == 0:
                        self.met[f"{operation} throttled"] += 1
                        kept.append(None)
                        continue
                    asked = json.loads(body)
                    asked["Entries"], back = asked["Entries"][::2], asked["Entries"][1::2]
                    self.met[f"{operation} posted"] += 1
                    kept.append(back)
                    yield json.dumps(asked).encode()

            answers = iter(post_all(poster, operation, passed()))
            return [None if back is None else _with_failed(next(answers), back) for back in kept]

        return post_in_part

    def _on_send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        _, service, operation = event_name.split(".")
        self._kept.back = None
        self._requests += 1
        if self._requests % EVERY == 0 and service in SERVICES:
            self.met[f"{operation} throttled"] += 1
            keep_from_moto(request)
            return answer(503, _BUSY) if service == "s3" else fault("ThrottlingException")
        if operation in (*ENTRIES, *ITEMS):
            self._keep_a_part(request, operation)
        if operation == "DeleteObjects":
            self._keep_deletions(request)
        return None

    def _keep_deletions(self, request: AWSPreparedRequest) -> None:
        objects = _OBJECT.findall(request.body.decode())
        if len(objects) > 1:
            self.met["DeleteObjects"] += 1
            self._kept.back = [unescape(key) for _, key in objects[1::2]]
            passed = "".join(whole for whole, _ in objects[::2])
            self._replace_body(request, f"<Delete>{passed}<Quiet>true</Quiet></Delete>".encode())

    def _keep_a_part(self, request: AWSPreparedRequest, operation: str) -> None:
        asked = json.loads(request.body)
        if operation in ENTRIES:
            asked["Entries"], kept = asked["Entries"][::2], asked["Entries"][1::2]
        else:
            ((table, wanted),) = asked["RequestItems"].items()
            parts = wanted if isinstance(wanted, list) else wanted["Keys"]
            passed, rest = parts[::2], parts[1::2]
            kept = {table: rest if isinstance(wanted, list) else {**wanted, "Keys": rest}} if rest else {}
            asked["RequestItems"] = {
                table: passed if isinstance(wanted, list) else {**wanted, "Keys": passed}
            }
        if kept:
            self.met[operation] += 1
            self._kept.back = kept
            self._replace_body(request, json.dumps(asked).encode())

    def _replace_body(self, request: AWSPreparedRequest, body: bytes) -> None:
        request.body = body
        request.headers["Content-Length"] = str(len(body))

    def _report(self, parsed: dict[str, Any], event_name: str, **_: Any) -> None:
        operation, kept = event_name.rpartition(".")[2], self._kept.back
        if not kept or parsed.get("Error"):
            return
        if operation in ITEMS:
            parsed[ITEMS[operation]] = kept
            return
        parsed["Failed"] = [*parsed.get("Failed", []), *_failed(kept)]

    def _report_deletions(self, parsed: dict[str, Any], **_: Any) -> None:
        if self._kept.back and not parsed.get("Error"):
            parsed["Errors"] = [{"Key": key, "Code": "InternalError"} for key in self._kept.back]


def _with_failed(answer: bytes | None, kept: list[dict[str, str]]) -> bytes | None:
    return answer and json.dumps(json.loads(answer) | {"Failed": _failed(kept)}).encode()


def _failed(entries: list[dict[str, str]]) -> list[dict[str, object]]:
    return [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in entries]
