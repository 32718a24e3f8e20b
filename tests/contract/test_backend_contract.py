"""What a back end as a whole promises."""

from __future__ import annotations

import pytest
from harnesses import BackendUnderTest

from vbvr_cli.errors import UnknownBucketError


def test_it_says_what_and_where_it_is(under_test: BackendUnderTest) -> None:
    assert under_test.backend.target in {"local", "aws"}
    assert under_test.backend.description.startswith(under_test.backend.target)


def test_all_its_parts_say_how_they_are(under_test: BackendUnderTest) -> None:
    said = {part.name: part.look() for part in under_test.backend.parts()}

    assert all(said.values())
    assert bool(said) == (under_test.backend.target != "local")


def test_where_workers_start_by_themselves_it_is_known_or_assumed_what_they_are(
    under_test: BackendUnderTest,
) -> None:
    fleet = under_test.backend.fleet

    assert (fleet is None) == (under_test.backend.target == "local")
    if fleet:
        assert fleet.terms().memory_mb > 0
        assert fleet.terms().max_workers > 0


def test_the_default_bucket_needs_no_permission(under_test: BackendUnderTest) -> None:
    assert list(under_test.backend.store(under_test.backend.default_bucket).list_objects("nothing/")) == []


def test_a_bucket_that_nobody_allowed_is_refused(under_test: BackendUnderTest) -> None:
    for bucket in (under_test.bucket + "-unknown", "", "..", "/"):
        with pytest.raises(UnknownBucketError):
            under_test.backend.store(bucket)


def test_an_allowed_bucket_is_allowed_for_every_connection(under_test: BackendUnderTest) -> None:
    under_test.backend.store(under_test.bucket).put("a", b"data")

    assert under_test.reconnect().store(under_test.bucket).get("a") == b"data"


def test_allowing_a_bucket_twice_or_the_default_one_is_fine(under_test: BackendUnderTest) -> None:
    under_test.backend.allow_bucket(under_test.bucket)
    under_test.backend.allow_bucket(under_test.backend.default_bucket)


def test_every_connection_has_the_same_default_bucket(under_test: BackendUnderTest) -> None:
    assert under_test.reconnect().default_bucket == under_test.backend.default_bucket


def test_it_can_be_closed_more_than_once(under_test: BackendUnderTest) -> None:
    backend = under_test.reconnect()
    backend.queue.depth()

    backend.close()
    backend.close()


def test_closing_one_connection_leaves_the_others_working(under_test: BackendUnderTest) -> None:
    other = under_test.reconnect()
    other.queue.send(["a"])
    other.close()

    assert under_test.backend.queue.depth().waiting == 1
