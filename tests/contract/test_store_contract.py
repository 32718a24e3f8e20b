"""What a sample store promises."""

from __future__ import annotations

import threading
from pathlib import Path
from uuid import uuid4

import pytest
from harnesses import BackendUnderTest

from vbvr_cli.backends.ports import Backend, SampleStore, StoredObject
from vbvr_cli.errors import InvalidRequestError

CONTESTED = [f"manifests/{n}.jsonl" for n in range(20)]


def keys(store: SampleStore, prefix: str = "") -> list[str]:
    return [entry.key for entry in store.list_objects(prefix)]


def test_what_was_put_is_read(store: SampleStore) -> None:
    store.put("questions/g/t_task/t_00000000/prompt.txt", b"Solve it.\x00\xff")

    assert store.get("questions/g/t_task/t_00000000/prompt.txt") == b"Solve it.\x00\xff"


def test_putting_again_replaces(store: SampleStore) -> None:
    store.put("a/b", b"a long first text")
    store.put("a/b", b"second")

    assert store.get("a/b") == b"second"


def test_an_object_may_be_empty(store: SampleStore) -> None:
    store.put("a/empty", b"")

    assert store.get("a/empty") == b""
    assert list(store.list_objects("a/")) == [StoredObject("a/empty", 0)]


@pytest.mark.parametrize("key", ["a b/c+d.txt", "ü/日本.png", "a/%41&=?#;.json", "x.tmp/y", "a/.tmp/b", "~"])
def test_unusual_keys_are_keys(store: SampleStore, key: str) -> None:
    store.put(key, b"data")

    assert store.get(key) == b"data"
    assert keys(store) == [key]


@pytest.mark.parametrize(
    "key", ["", "/", "/etc/passwd", "a//b", "a/", "../a", "a/../b", "a/..", ".", "a/./b", "a\\b", "a\x00b"]
)
def test_what_could_leave_the_bucket_is_no_key(store: SampleStore, key: str) -> None:
    with pytest.raises(InvalidRequestError):
        store.put(key, b"data")
    with pytest.raises(InvalidRequestError):
        store.put_if_absent(key, b"data")
    with pytest.raises(InvalidRequestError):
        store.get(key)
    with pytest.raises(InvalidRequestError):
        store.delete([key])


def test_reading_what_is_not_there_is_a_key_error(store: SampleStore) -> None:
    store.put("a/b", b"data")

    for key in ("a", "a/c", "b"):
        with pytest.raises(KeyError):
            store.get(key)
        with pytest.raises(KeyError), store.open(key):
            pass


def test_an_object_is_read_as_a_stream(store: SampleStore) -> None:
    store.put("a/b", b"0123456789")

    with store.open("a/b") as stream:
        assert stream.read(4) == b"0123"
        assert stream.read() == b"456789"


def test_an_uploaded_file_is_copied_and_stays(store: SampleStore, tmp_path: Path) -> None:
    source = tmp_path / "sample.mp4"
    source.write_bytes(b"x" * 300_000)
    store.put("a/video.mp4", b"older")

    store.upload("a/video.mp4", source)
    source.write_bytes(b"changed later")

    assert store.get("a/video.mp4") == b"x" * 300_000


def test_put_if_absent_leaves_what_is_there(store: SampleStore) -> None:
    assert store.put_if_absent("manifests/m.jsonl", b"first")
    assert not store.put_if_absent("manifests/m.jsonl", b"second")

    assert store.get("manifests/m.jsonl") == b"first"


def test_what_was_deleted_is_absent(store: SampleStore) -> None:
    store.put_if_absent("m", b"first")
    store.delete(["m"])

    assert store.put_if_absent("m", b"second")
    assert store.get("m") == b"second"


def put_if_absent_in_turn(backend: Backend, bucket: str) -> dict[str, bytes]:
    """Try the same keys as all others with data of one's own; what was won."""
    store, mine = backend.store(bucket), uuid4().bytes
    return {key: mine for key in CONTESTED if store.put_if_absent(key, mine)}


def test_of_those_who_put_if_absent_at_once_one_wins(
    race, store: SampleStore, under_test: BackendUnderTest
) -> None:
    won = race(put_if_absent_in_turn, under_test.bucket)

    for key in CONTESTED:
        (winner,) = (one[key] for one in won if key in one)
        assert store.get(key) == winner


def test_a_reader_never_sees_half_an_object(under_test: BackendUnderTest, store: SampleStore) -> None:
    versions = [bytes([n]) * 500_000 for n in range(2)]
    store.put("a/b", versions[0])
    stop = threading.Event()

    def keep_writing() -> None:
        mine = under_test.reconnect().store(under_test.bucket)
        for n in range(40):
            mine.put("a/b", versions[n % 2])
        stop.set()

    writer = threading.Thread(target=keep_writing)
    writer.start()
    seen = [store.get("a/b")]
    while not stop.is_set():
        seen.append(store.get("a/b"))
    writer.join()

    assert all(data in versions for data in seen)


def test_objects_are_listed_by_key_with_their_sizes(store: SampleStore) -> None:
    # `-` and `.` sort before `/`, and `0` after it: a walk over folders by name would get this wrong.
    by_key = ["a-b", "a.b", "a/b", "a/b.c", "a/b/", "a0", "aa", "b/a", "Z", "é"]
    by_key = sorted(key + "x" if key.endswith("/") else key for key in by_key if key != "a/b")
    for size, key in enumerate(reversed(by_key)):
        store.put(key, b"x" * size)

    listed = list(store.list_objects(""))

    assert [entry.key for entry in listed] == by_key
    assert [entry.size for entry in listed] == list(reversed(range(len(by_key))))


def test_a_listing_is_of_what_starts_with_the_prefix(store: SampleStore) -> None:
    for key in ("questions/g1/a", "questions/g1/b", "questions/g10/a", "questions/g2/a", "manifests/g1/a"):
        store.put(key, b"")

    assert keys(store, "questions/g1/") == ["questions/g1/a", "questions/g1/b"]
    assert keys(store, "questions/g1") == ["questions/g1/a", "questions/g1/b", "questions/g10/a"]
    assert keys(store, "questions/g1/a") == ["questions/g1/a"]
    assert keys(store, "questions/g3/") == []
    assert keys(store, "questions/g1/a/") == []
    assert len(keys(store)) == 5


def test_more_objects_than_fit_on_a_page_are_listed_and_deleted(
    store: SampleStore, under_test: BackendUnderTest
) -> None:
    if under_test.pace < 0.2:
        pytest.skip("this back end is too slow for a thousand objects")
    expected = [f"many/{n:05d}" for n in range(1005)]
    for key in expected:
        store.put(key, b"")

    assert keys(store, "many/") == expected

    store.delete(expected)
    assert keys(store) == []


def test_an_empty_bucket_lists_nothing(store: SampleStore) -> None:
    assert keys(store) == []
    assert store.list_folders("") == []
    assert store.list_folders("questions/") == []


def test_folders_are_names_with_objects_below_them(store: SampleStore) -> None:
    for key in ("m/g2/r1/a", "m/g2/r2/a", "m/g10/r1/a", "m/g2-x/b", "m/file", "other/g3/a"):
        store.put(key, b"")

    assert store.list_folders("m/") == ["g10", "g2", "g2-x"]
    assert store.list_folders("") == ["m", "other"]
    assert store.list_folders("m/g2/") == ["r1", "r2"]
    assert store.list_folders("m/file/") == []


def test_deleting_leaves_no_empty_folders(store: SampleStore) -> None:
    store.put("m/g1/r1/a", b"")
    store.put("m/g2/b", b"")

    store.delete(["m/g1/r1/a"])

    assert store.list_folders("m/") == ["g2"]
    assert keys(store) == ["m/g2/b"]


def test_deleting_what_is_not_there_is_fine(store: SampleStore) -> None:
    store.put("a", b"")

    store.delete(["b", "a/b", "c/d"])
    store.delete([])
    store.delete(key for key in ["a", "a"])

    assert keys(store) == []


def test_each_bucket_has_objects_of_its_own(under_test: BackendUnderTest, store: SampleStore) -> None:
    store.put("a", b"here")
    other = under_test.backend.store(under_test.other_bucket)
    other.put("a", b"there")

    other.delete(["a"])

    assert store.get("a") == b"here"


def fill_and_empty_folders(backend: Backend, bucket: str) -> None:
    """Put and delete in folders that all others put into and empty."""
    store, mine = backend.store(bucket), uuid4().hex
    for n in range(50):
        key = f"shared/{n % 3}/deep/{mine}"
        store.put(key, b"data")
        assert store.get(key) == b"data"
        store.delete([key])


def test_putting_bears_with_others_that_empty_the_same_folders(
    race, store: SampleStore, under_test: BackendUnderTest
) -> None:
    race(fill_and_empty_folders, under_test.bucket)

    assert keys(store) == []


def test_another_connection_sees_the_same_objects(under_test: BackendUnderTest, store: SampleStore) -> None:
    store.put("a/b", b"data")

    assert under_test.reconnect().store(under_test.bucket).get("a/b") == b"data"
