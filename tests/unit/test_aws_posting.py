"""Messages that awscrt sends: each is in the queue once, and what it cannot send, boto3 does or explains."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import UnauthorizedSSOTokenError
from botocore.httpsession import get_cert_path
from emulators.certificates import certificate
from emulators.faulty_wire import Answer, Asked, FaultyWire, fault, faulty_wire
from emulators.loopback import listening
from emulators.ministack import Ministack, free_port, ministack
from emulators.slow_wire import slow_wire
from emulators.stack import REGION, make_stack, session
from places import wait_until

from vbvr_cli.backends.aws import calls, posting, sending
from vbvr_cli.backends.aws.backend import AwsBackend
from vbvr_cli.backends.aws.posting import FAILURES_IN_A_ROW, Endpoint, Poster, poster_to
from vbvr_cli.backends.aws.resources import Resources
from vbvr_cli.backends.aws.sending import send_fast
from vbvr_cli.errors import ConfigurationError, ServiceError

BODIES = [f"body {number:03d}" for number in range(95)]
HOW_MANY_BATCHES = 10
TRUSTED = get_cert_path(True)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    with ministack(tmp_path_factory.mktemp("ministack")) as running:
        yield running


@pytest.fixture
def stack(emulator: Ministack) -> Resources:
    return make_stack(session(), emulator.url)


@pytest.fixture
def wire(emulator: Ministack) -> Iterator[FaultyWire]:
    with faulty_wire(emulator.url) as one:
        yield one


@pytest.fixture(autouse=True)
def without_pauses() -> Iterator[None]:
    with (
        mock.patch.object(calls, "BACKOFF", calls.Backoff(first=0.0, most=0.0)),
        mock.patch("botocore.retries.standard.ExponentialBackoff.delay_amount", return_value=0),
    ):
        yield


@pytest.fixture
def backend(stack: Resources, wire: FaultyWire) -> Iterator[AwsBackend]:
    with closing(AwsBackend(stack, session(), endpoint_url=wire.url)) as one:
        yield one


def repr_of(said: bytes) -> str:
    return repr(said[:40])


def poster(url: str, connections: int = 4, credentials: Credentials | None = None) -> Poster:
    return Poster(
        Endpoint(url, "sqs", REGION, TRUSTED),
        credentials or Credentials("test", "test"),
        connections=connections,
    )


def messages_in(stack: Resources, emulator: Ministack) -> list[str]:
    """What is in the queue, each message leased for good."""
    found: list[str] = []
    with closing(AwsBackend(stack, session(), endpoint_url=emulator.url)) as backend:
        while messages := backend.queue.lease(10, 600):
            found += [message.body for message in messages]
    return sorted(found)


class Sqs(BaseHTTPRequestHandler):
    """A queue that takes what it is sent, and keeps how it was asked."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[tuple[Any, bytes]]]
    connections: ClassVar[list[Any]]

    def setup(self) -> None:
        super().setup()
        self.connections.append(self.client_address)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.headers, body))
        answer = json.dumps({"Successful": [{"Id": one["Id"]} for one in json.loads(body)["Entries"]]})
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[tuple[type[Sqs], str]]:
    class Handler(Sqs):
        asked: ClassVar[list[tuple[Any, bytes]]] = []
        connections: ClassVar[list[Any]] = []

    with listening(Handler, context) as url:
        yield Handler, url


def test_each_message_is_in_the_queue_once_and_boto3_was_not_needed(
    stack: Resources, wire: FaultyWire, emulator: Ministack
) -> None:
    with closing(AwsBackend(stack, session(), endpoint_url=wire.url)) as backend:
        report = backend.queue.send(BODIES)

    assert (report.sent, report.failed, report.fault) == (len(BODIES), {}, None)
    assert wire.requests["SendMessageBatch"] == HOW_MANY_BATCHES
    assert messages_in(stack, emulator) == BODIES


def test_requests_are_signed_as_botocore_signs_them() -> None:
    credentials = Credentials("AKIDEXAMPLE", "a-secret", "a-token")
    with serving() as (sqs, url), closing(poster(url, credentials=credentials)) as one:
        assert send_fast(one, "the-queue", ["a", "b"]) == {0, 1}
    headers, body = sqs.asked[0]
    signed = headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"host", "x-amz-date", "x-amz-security-token", "x-amz-target"} <= set(signed)
    request = AWSRequest(
        "POST",
        f"{url}/",
        {name: headers[name] for name in signed if name not in {"x-amz-date", "x-amz-security-token"}},
        body,
    )
    when = datetime.strptime(headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=when):
        SigV4Auth(credentials, "sqs", REGION).add_auth(request)

    assert headers["Authorization"] == request.headers["Authorization"]
    assert abs(when - datetime.now(UTC)) < timedelta(minutes=1)


def test_credentials_are_asked_for_as_they_are_now() -> None:
    credentials = Credentials("first", "secret")
    with serving() as (sqs, url), closing(poster(url, credentials=credentials)) as one:
        send_fast(one, "the-queue", ["a"])
        credentials.access_key = "second"
        send_fast(one, "the-queue", ["b"])

    assert ["Credential=first/" in sqs.asked[0][0]["Authorization"]] == [True]
    assert ["Credential=second/" in sqs.asked[1][0]["Authorization"]] == [True]


def test_connections_are_few_and_used_again() -> None:
    with serving() as (sqs, url), closing(poster(url, connections=3)) as one:
        for _ in range(3):
            assert send_fast(one, "the-queue", BODIES) == set(range(len(BODIES)))

    assert len(sqs.asked) == 3 * HOW_MANY_BATCHES
    assert len(sqs.connections) <= 3


def test_what_sqs_fails_in_a_batch_is_sent_again(
    backend: AwsBackend, wire: FaultyWire, stack: Resources, emulator: Ministack
) -> None:
    met: Counter[str] = Counter()

    def fail_each_second_message_once(asked: Asked) -> Answer | None:
        if asked.operation != "SendMessageBatch":
            return None
        entries = asked.json["Entries"]
        met.update(entry["Id"] for entry in entries)
        failed = [one for one in entries if int(one["Id"]) % 2 and met[one["Id"]] == 1]
        why = {"Code": "InternalError", "SenderFault": False}
        # The emulator never hears of a batch that is answered here: none of it is said to be in.
        return (
            Answer.of({"Successful": [], "Failed": [{"Id": one["Id"], **why} for one in failed]})
            if failed
            else None
        )

    wire.before = fail_each_second_message_once

    report = backend.queue.send(BODIES)

    assert (report.sent, report.failed) == (len(BODIES), {})
    assert messages_in(stack, emulator) == BODIES


def test_what_is_in_is_not_sent_again_with_the_rest_of_its_batch(
    backend: AwsBackend, wire: FaultyWire, stack: Resources, emulator: Ministack
) -> None:
    ends: list[list[str]] = []

    def say_that_the_last_one_failed(asked: Asked) -> Answer | None:
        if asked.operation != "SendMessageBatch":
            return None
        ends.append([entry["Id"] for entry in asked.json["Entries"]])
        if len(ends[-1]) == 1:
            return None
        *taken, last = ends[-1]
        failed = [{"Id": last, "Code": "InternalError", "SenderFault": False}]
        return Answer.of({"Successful": [{"Id": one} for one in taken], "Failed": failed})

    wire.after = say_that_the_last_one_failed

    assert backend.queue.send(BODIES[:10]).sent == 10

    assert ends == [[str(number) for number in range(10)], ["9"]]


def test_what_sqs_refuses_for_good_is_reported_by_position(backend: AwsBackend, wire: FaultyWire) -> None:
    def refuse(asked: Asked) -> Answer | None:
        entries = asked.json["Entries"] if asked.operation == "SendMessageBatch" else []
        if not any(one["Id"] == "15" for one in entries):
            return None
        why = {"Code": "InvalidMessageContents", "SenderFault": True, "Message": "no"}
        return Answer.of({"Successful": [], "Failed": [{"Id": one["Id"], **why} for one in entries]})

    wire.before = refuse

    report = backend.queue.send(BODIES)

    assert (report.sent, list(report.failed)) == (85, list(range(10, 20)))
    assert report.failed[15] == "InvalidMessageContents: no"


@pytest.mark.parametrize(
    "faults",
    [{"reset_every": 3}, {"cut_every": 3, "cut_after": 300}, {"cut_every": 3, "cut_after": 20}],
    ids=str,
)
def test_over_a_wire_that_breaks_every_message_is_in(
    stack: Resources, emulator: Ministack, faults: dict[str, int]
) -> None:
    with (
        slow_wire(int(emulator.url.rpartition(":")[2]), **faults) as url,
        closing(AwsBackend(stack, session(), endpoint_url=url)) as backend,
    ):
        report = backend.queue.send(BODIES)

    assert (report.sent, report.failed) == (len(BODIES), {})
    # An answer that was lost on its way was one: its messages are there twice, which a queue may always do.
    assert sorted(set(messages_in(stack, emulator))) == BODIES


def test_what_never_answers_is_given_up_and_sent_by_boto3(
    backend: AwsBackend,
    wire: FaultyWire,
    stack: Resources,
    emulator: Ministack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(posting, "ANSWER_SECONDS", 0.5)
    forever, holding = threading.Event(), iter([True])

    with (
        slow_wire(int(wire.url.rpartition(":")[2])) as url,
        closing(AwsBackend(stack, session(), endpoint_url=url)) as over_wire,
    ):
        pass_on = wire.answer

        def hold_one(asked: Asked, passing: Any) -> Answer:
            if asked.operation == "SendMessageBatch" and next(holding, False):
                forever.wait(20)
            return pass_on(asked, passing)

        monkeypatch.setattr(wire, "answer", hold_one)
        report = over_wire.queue.send(BODIES)
        forever.set()

    assert (report.sent, report.failed) == (len(BODIES), {})
    assert set(messages_in(stack, emulator)) == set(BODIES)


def test_where_nothing_ever_answers_all_that_is_left_is_given_up_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(posting, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        one = poster(f"http://127.0.0.1:{silent.getsockname()[1]}", connections=4)
        with closing(one):
            assert send_fast(one, "the-queue", BODIES * 10) == set()

            assert not one.usable


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"<html>",
        b'{"Failed": []}',
        b'{"Successful": [{}]}',
        b'{"Successful": 3}',
        b'{"Successful": [{"Id": Infinity}]}',
        b'{"Successful": [{"Id": "99"}]}',
        b'{"Successful": ' + b"[" * 100_000,
    ],
    ids=repr_of,
)
def test_an_answer_that_makes_no_sense_counts_nothing_as_sent(said: bytes) -> None:
    with faulty_wire("http://127.0.0.1:1") as wire, closing(poster(wire.url)) as one:
        wire.before = lambda _: Answer(200, said)

        assert send_fast(one, "the-queue", BODIES) == set()
        assert one.usable


@pytest.mark.parametrize(("code", "said"), [("ExpiredToken", "have expired"), ("AccessDenied", "is denied")])
def test_what_sqs_refuses_is_explained_and_works_again_when_it_is_mended(
    backend: AwsBackend, wire: FaultyWire, code: str, said: str
) -> None:
    wire.fail("SendMessageBatch", code=code, status=403)
    with pytest.raises(ConfigurationError, match=said):
        backend.queue.send(BODIES)

    wire.clear()
    assert backend.queue.send(BODIES).sent == len(BODIES)
    assert backend.queue.depth().waiting == len(BODIES)


def test_credentials_that_cannot_be_had_are_explained(stack: Resources, emulator: Ministack) -> None:
    class Gone(Credentials):
        def get_frozen_credentials(self) -> Any:
            raise UnauthorizedSSOTokenError

    without = session()
    with (
        mock.patch.object(without, "get_credentials", return_value=Gone("a", "b")),
        mock.patch.object(without._session, "get_credentials", return_value=Gone("a", "b")),
        closing(AwsBackend(stack, without, endpoint_url=emulator.url)) as backend,
        pytest.raises(ConfigurationError, match="expired"),
    ):
        backend.queue.send(BODIES)


def test_a_queue_that_is_gone_is_said_to_be(stack: Resources, wire: FaultyWire) -> None:
    gone = replace(stack, queue_url=f"{stack.queue_url}-gone")
    with (
        closing(AwsBackend(gone, session(), endpoint_url=wire.url)) as backend,
        pytest.raises(ConfigurationError, match="There is no queue"),
    ):
        backend.queue.send(BODIES)


def test_where_nobody_listens_it_is_left_alone_and_boto3_says_so(stack: Resources) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with closing(poster(url)) as one:
        assert send_fast(one, "the-queue", BODIES) == set()
        assert not one.usable
    with (
        closing(AwsBackend(stack, session(), endpoint_url=url)) as backend,
        pytest.raises(ServiceError),
    ):
        backend.queue.send(BODIES)


def test_after_a_rest_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "REST_SECONDS", 0.2)
    with serving() as (_, url), closing(poster(url)) as one:
        with mock.patch.object(one, "_signed", side_effect=OSError):
            assert send_fast(one, "the-queue", BODIES) == set()
        assert not one.usable
        wait_until(lambda: one.usable, "the end of the rest")

        assert send_fast(one, "the-queue", BODIES) == set(range(len(BODIES)))


def test_an_outage_is_borne_for_longer_than_botocore_bears_it(
    backend: AwsBackend, wire: FaultyWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "BACKOFF", calls.Backoff(first=0.02, most=0.1))
    failing = iter(range(220))

    def fail_at_first(asked: Asked) -> Answer | None:
        down = asked.operation == "SendMessageBatch" and next(failing, None) is not None
        return fault(asked, "ServiceUnavailable", 503) if down else None

    wire.before = fail_at_first

    assert backend.queue.send(BODIES * 4).sent == len(BODIES) * 4
    assert next(failing, None) is None


def test_an_outage_that_lasts_is_said_to_be_one(
    backend: AwsBackend, wire: FaultyWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PATIENCE_SECONDS", 0.3)
    wire.fail("SendMessageBatch", code="ServiceUnavailable", status=503)

    with pytest.raises(ServiceError):
        backend.queue.send(BODIES * 10)


def test_one_failure_now_and_then_leaves_it_in_use() -> None:
    with serving() as (_, url), closing(poster(url)) as one:
        for _ in range(FAILURES_IN_A_ROW):
            with mock.patch.object(one, "_signed", side_effect=OSError):
                assert send_fast(one, "the-queue", ["a"]) == set()
            assert send_fast(one, "the-queue", ["a"]) == {0}


def test_tls_is_checked_against_the_bundle_that_boto3_was_told_of(tmp_path: Path, stack: Resources) -> None:
    context, public = certificate(tmp_path)
    with serving(context) as (sqs, url):
        with mock.patch.object(posting, "CONNECT_SECONDS", 1.0):
            strange = Endpoint(url, "sqs", REGION, TRUSTED)
            assert poster_to(strange, Credentials("test", "test")) is None
        assert sqs.asked == []
        with (
            mock.patch.dict("os.environ", {"AWS_CA_BUNDLE": str(public)}),
            closing(AwsBackend(stack, session(), endpoint_url=url)) as backend,
        ):
            report = backend.queue.send(BODIES)

    assert report.sent == len(BODIES)
    assert {headers["User-Agent"].rpartition(" ")[2] for headers, _ in sqs.asked} == {"awscrt"}


def test_a_bundle_that_cannot_be_read_leaves_it_to_boto3() -> None:
    endpoint = Endpoint("https://localhost", "sqs", REGION, "/no/such/bundle.pem")

    assert poster_to(endpoint, Credentials("test", "test")) is None


def test_a_way_through_a_proxy_is_left_to_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with serving() as (_, url):
        endpoint = Endpoint(url, "sqs", REGION, TRUSTED)

        assert poster_to(endpoint, Credentials("test", "test")) is None
        monkeypatch.setenv("NO_PROXY", "localhost")
        direct = poster_to(endpoint, Credentials("test", "test"))
        assert direct is not None
        direct.close()
