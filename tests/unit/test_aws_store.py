"""The store on S3 when answers break off, bytes do not match, or a bucket is not what it should be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from emulators.interference import answer, fault
from emulators.place import Place, place

from vbvr_cli.backends.aws import store as store_module
from vbvr_cli.errors import ConfigurationError, InvalidRequestError, ServiceError, UnknownBucketError


@pytest.fixture
def at() -> Iterator[Place]:
    with place() as one:
        yield one


def test_an_object_whose_answer_breaks_off_is_read_again(at: Place) -> None:
    store = at.backend.store(at.backend.default_bucket)
    store.put("a", b"0123456789")
    at.wire.fail("GetObject", lambda: answer(200, b"01234", {"content-length": "10"}), times=2)

    assert store.get("a") == b"0123456789"
    assert at.wire.requests["GetObject"] == 3


def test_an_object_whose_bytes_do_not_match_is_an_error(at: Place) -> None:
    store = at.backend.store(at.backend.default_bucket)
    headers = {"content-length": "4", "x-amz-checksum-crc32": "AAAAAA=="}
    at.wire.on("GetObject", lambda _: answer(200, b"data", headers))

    with pytest.raises(ServiceError) as raised:
        store.get("a")

    assert "do not match" in str(raised.value)


def test_what_is_put_carries_a_checksum(at: Place) -> None:
    seen: list[str] = []

    def look(request: AWSRequest) -> AWSResponse | None:
        seen.extend(name.lower() for name in request.headers)
        return None

    at.wire.on("PutObject", look)

    at.backend.store(at.backend.default_bucket).put("a", b"data")

    assert "x-amz-sdk-checksum-algorithm" in seen


def test_what_is_written_at_the_same_time_is_tried_again(at: Place) -> None:
    body = b"<Error><Code>ConditionalRequestConflict</Code><Message>busy</Message></Error>"
    at.wire.fail("PutObject", lambda: answer(409, body), times=2)

    assert at.backend.store(at.backend.default_bucket).put_if_absent("a", b"data")


def test_a_large_file_is_uploaded_in_parts(
    at: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "PART_BYTES", 1000)
    transfer = store_module.TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    monkeypatch.setattr(store_module, "_TRANSFER", transfer)
    source = tmp_path / "large.mp4"
    source.write_bytes(bytes(range(256)) * 4096 * 6)
    store = at.backend.store(at.backend.default_bucket)

    store.upload("large.mp4", source)

    assert at.wire.requests["UploadPart"] == 2
    assert store.get("large.mp4") == source.read_bytes()


def test_a_large_file_that_may_not_be_uploaded_says_so(
    at: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "PART_BYTES", 1000)
    source = tmp_path / "large.mp4"
    source.write_bytes(bytes(2000))
    at.wire.on("PutObject", lambda _: answer(403, b"<Error><Code>AccessDenied</Code></Error>"))

    with pytest.raises(ConfigurationError) as raised:
        at.backend.store(at.backend.default_bucket).upload("large.mp4", source)

    assert "PutObject is denied" in str(raised.value)


def test_what_s3_does_not_delete_is_deleted_again(at: Place) -> None:
    store = at.backend.store(at.backend.default_bucket)
    store.put("a", b"")
    body = (
        b"<DeleteResult><Error><Key>a</Key><Code>InternalError</Code><Message>no</Message></Error>"
        b"</DeleteResult>"
    )
    at.wire.fail("DeleteObjects", lambda: answer(200, body), times=1)

    store.delete(["a", "b"])

    assert list(store.list_objects("")) == []


def test_a_bucket_must_be_there_to_be_allowed(at: Place) -> None:
    with pytest.raises(ConfigurationError) as raised:
        at.backend.allow_bucket("nobodys-bucket")

    assert "There is no bucket nobodys-bucket" in str(raised.value)


def test_a_bucket_of_another_account_is_not_allowed(at: Place) -> None:
    at.wire.on("HeadBucket", lambda _: answer(403, b""))

    with pytest.raises(ConfigurationError) as raised:
        at.backend.allow_bucket("somebodys-bucket")

    assert "another account" in (raised.value.why or "")
    with pytest.raises(UnknownBucketError):
        at.backend.store("somebodys-bucket")


def test_a_bucket_that_was_allowed_is_so_for_every_connection(at: Place) -> None:
    at.aws.client("s3").create_bucket(
        Bucket="the-operators", CreateBucketConfiguration={"LocationConstraint": "us-east-2"}
    )
    at.backend.allow_bucket("the-operators")

    other = type(at.backend)(at.backend.resources, at.aws)

    other.store("the-operators").put("a", b"data")
    other.close()


@pytest.mark.parametrize("name", ["s3://bucket", "Bucket", "a", "bucket/path"])
def test_what_is_no_bucket_name_is_refused(at: Place, name: str) -> None:
    with pytest.raises(InvalidRequestError):
        at.backend.allow_bucket(name)


def test_throttled_puts_are_put_again(at: Place) -> None:
    at.wire.fail("PutObject", lambda: fault("SlowDown", 503), times=3)

    at.backend.store(at.backend.default_bucket).put("a", b"data")

    assert at.wire.requests["PutObject"] == 4
