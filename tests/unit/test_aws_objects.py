"""Objects that obstore moves: what it does, boto3 sees, and what it cannot, boto3 does or explains."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from botocore.credentials import Credentials
from emulators.faulty_wire import Answer, Asked, FaultyWire, faulty_wire
from emulators.ministack import Ministack, free_port, ministack
from emulators.slow_wire import slow_wire
from emulators.stack import REGION, make_stack, session

from vbvr_cli.backends.aws.backend import AwsBackend
from vbvr_cli.backends.aws.objects import FAILURES_IN_A_ROW, MOST_BYTES_AT_ONCE, FastObjects, provider_of
from vbvr_cli.backends.aws.resources import Resources
from vbvr_cli.backends.aws.store import PART_BYTES, S3Store
from vbvr_cli.errors import ConfigurationError, ExitCode

KEY = "questions/g/t_task/t_00000000/first_frame.png"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    with ministack(tmp_path_factory.mktemp("ministack")) as running:
        yield running


@pytest.fixture(scope="module")
def stack(emulator: Ministack) -> Resources:
    return make_stack(session(), emulator.url)


@pytest.fixture
def wire(emulator: Ministack) -> Iterator[FaultyWire]:
    with faulty_wire(emulator.url) as one:
        yield one


@pytest.fixture
def store(stack: Resources, wire: FaultyWire) -> Iterator[S3Store]:
    with closing(AwsBackend(stack, session(), endpoint_url=wire.url)) as backend:
        yield backend.store(stack.bucket)


def fast(stack: Resources, url: str) -> FastObjects:
    return FastObjects(stack.bucket, url, REGION, Credentials("test", "test"))


def read(store: S3Store, key: str) -> bytes:
    with store.open(key) as stream:
        return stream.read()


def test_what_is_uploaded_carries_a_sha256_that_s3_keeps(
    store: S3Store, stack: Resources, emulator: Ministack, tmp_path: Path
) -> None:
    source = tmp_path / "frame.png"
    source.write_bytes(os.urandom(60_000))

    store.upload(KEY, source)

    s3 = session().client("s3", endpoint_url=emulator.url)
    head = s3.head_object(Bucket=stack.bucket, Key=KEY, ChecksumMode="ENABLED")
    assert head["ContentLength"] == 60_000
    assert base64.b64decode(head["ChecksumSHA256"]) == hashlib.sha256(source.read_bytes()).digest()
    assert read(store, KEY) == store.get(KEY) == source.read_bytes()


def test_a_large_object_is_read_in_blocks(stack: Resources, emulator: Ministack, store: S3Store) -> None:
    data = os.urandom(MOST_BYTES_AT_ONCE + 12_345)
    store.put("large", data)

    stream = fast(stack, emulator.url).open("large")

    assert stream is not None
    with stream:
        assert [stream.read(10), stream.read(3 << 20)] == [data[:10], data[10 : 10 + (3 << 20)]]
        assert stream.read() == data[10 + (3 << 20) :]


@pytest.mark.parametrize(
    "faults",
    [{"reset_every": 4}, {"cut_every": 4, "cut_after": 1000}, {"cut_every": 4, "cut_after": 20}],
    ids=str,
)
def test_objects_come_whole_over_a_wire_that_breaks(
    stack: Resources, emulator: Ministack, store: S3Store, tmp_path: Path, faults: dict[str, int]
) -> None:
    data = {f"broken/{number}": os.urandom(60_000) for number in range(20)}
    source = tmp_path / "frame.png"
    with (
        slow_wire(int(emulator.url.rpartition(":")[2]), **faults) as url,
        closing(AwsBackend(stack, session(), endpoint_url=url)) as backend,
    ):
        over_wire = backend.store(stack.bucket)
        for key, value in data.items():
            source.write_bytes(value)
            over_wire.upload(key, source)

        assert {key: read(over_wire, key) for key in data} == data


def test_bytes_other_than_their_tag_says_are_not_taken(store: S3Store, wire: FaultyWire) -> None:
    data = b'{"index": 1}\n'
    store.put("manifests/g/r/0-0.jsonl", data)
    digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
    headers = {"ETag": f'"{digest}"', "Last-Modified": "Sun, 22 Nov 2026 07:28:00 GMT"}
    damaged = [Answer(200, b'{"index": 3}\n', headers)]

    def damage(asked: Asked) -> Answer | None:
        return damaged.pop() if asked.operation == "GetObject" and damaged else None

    wire.after = damage

    assert store.get("manifests/g/r/0-0.jsonl") == data
    assert wire.requests["GetObject"] == 2


def test_what_was_put_in_parts_has_no_digest_for_a_tag_and_is_left_to_boto3(
    store: S3Store, wire: FaultyWire, tmp_path: Path
) -> None:
    source = tmp_path / "archive.tar.gz"
    source.write_bytes(os.urandom(PART_BYTES + 1))
    store.upload("parts", source)
    store.put("whole", b"data")

    assert store.get("whole") == b"data"
    assert wire.requests["GetObject"] == 1
    assert store.get("parts") == source.read_bytes()
    assert wire.requests["GetObject"] == 3
    assert store.get("whole") == b"data"
    assert wire.requests["GetObject"] == 4


def test_what_is_not_there_is_a_key_error_for_one_request(store: S3Store, wire: FaultyWire) -> None:
    with pytest.raises(KeyError):
        read(store, "questions/nothing")
    with pytest.raises(KeyError):
        store.get("manifests/nothing")
    assert wire.requests["GetObject"] == 2


def test_a_bucket_that_is_gone_is_said_to_be(stack: Resources, wire: FaultyWire, tmp_path: Path) -> None:
    source = tmp_path / "frame.png"
    source.write_bytes(b"data")
    gone = Resources(
        **{name: getattr(stack, name) for name in stack.__slots__} | {"bucket": "no-such-bucket"}
    )
    with closing(AwsBackend(gone, session(), endpoint_url=wire.url)) as backend:
        nowhere = backend.store("no-such-bucket")

        for use in (
            lambda: nowhere.upload(KEY, source),
            lambda: read(nowhere, KEY),
            lambda: nowhere.get(KEY),
        ):
            with pytest.raises(ConfigurationError, match="There is no bucket no-such-bucket"):
                use()


@pytest.mark.parametrize(("code", "said"), [("ExpiredToken", "have expired"), ("AccessDenied", "is denied")])
def test_what_s3_refuses_is_explained_and_works_again_when_it_is_mended(
    store: S3Store, wire: FaultyWire, tmp_path: Path, code: str, said: str
) -> None:
    source = tmp_path / "frame.png"
    source.write_bytes(b"data")
    store.upload(KEY, source)
    wire.fail("PutObject", "GetObject", code=code, status=403)

    for use in (lambda: store.upload(KEY, source), lambda: read(store, KEY)):
        with pytest.raises(ConfigurationError, match=said) as raised:
            use()
        assert raised.value.exit_code is ExitCode.CONFIGURATION

    wire.clear()
    store.upload(KEY, source)
    assert read(store, KEY) == b"data"


def test_a_throttled_object_is_tried_again(store: S3Store, wire: FaultyWire, tmp_path: Path) -> None:
    source = tmp_path / "frame.png"
    source.write_bytes(b"data")
    refused = iter([True, True, True, True])
    ruled = wire.before

    def slow_down(asked):  # type: ignore[no-untyped-def]
        from emulators.faulty_wire import fault

        return fault(asked, "SlowDown", 503) if next(refused, False) else ruled(asked)

    wire.before = slow_down

    store.upload(KEY, source)

    assert next(refused, None) is None
    assert read(store, KEY) == b"data"


def test_where_obstore_finds_no_way_boto3_is_left_to_it(stack: Resources) -> None:
    objects = fast(stack, f"http://127.0.0.1:{free_port()}")

    for _ in range(FAILURES_IN_A_ROW):
        assert objects.usable
        assert objects.open(KEY) is None
    assert not objects.usable


def test_what_is_not_there_is_no_failure(stack: Resources, emulator: Ministack) -> None:
    objects = fast(stack, emulator.url)

    for _ in range(FAILURES_IN_A_ROW + 1):
        with pytest.raises(KeyError):
            objects.open("questions/nothing")

    assert objects.usable


def test_credentials_are_asked_for_as_they_are_now() -> None:
    credentials = Credentials("first", "secret", "token")
    provide = provider_of(credentials)
    first = provide()
    credentials.access_key, credentials.token = "second", None

    second = provide()

    assert (first["access_key_id"], first["token"]) == ("first", "token")
    assert (second["access_key_id"], second["token"]) == ("second", None)
    assert first["expires_at"] is not None
