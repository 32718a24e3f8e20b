"""A folder as a bucket: links, leftovers, permissions, and disks that do not do what they should."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from vbvr_cli.backends.local import LocalBackend
from vbvr_cli.backends.local.store import FolderStore
from vbvr_cli.errors import ConfigurationError, DiskFullError, InvalidRequestError, ServiceError, VbvrError

NOBODY = 65534


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "bucket"


@pytest.fixture
def store(root: Path) -> FolderStore:
    return FolderStore(root)


# Links


def test_a_link_to_a_folder_outside_is_not_followed(store: FolderStore, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    root.mkdir()
    (root / "link").symlink_to(outside)

    for use in (
        lambda: store.put("link/new", b""),
        lambda: store.put_if_absent("link/new", b""),
        lambda: store.upload("link/new", outside / "secret"),
        lambda: store.get("link/secret"),
        lambda: store.delete(["link/secret"]),
        lambda: list(store.list_objects("link/")),
        lambda: store.list_folders("link/"),
    ):
        with pytest.raises(InvalidRequestError, match="link"):
            use()

    assert list(store.list_objects("")) == []
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_a_link_to_a_file_is_not_an_object(store: FolderStore, root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    root.mkdir()
    (root / "link").symlink_to(secret)

    with pytest.raises(InvalidRequestError, match="link"):
        store.get("link")
    with pytest.raises(InvalidRequestError, match="link"):
        store.put("link", b"other")

    assert list(store.list_objects("")) == []
    assert secret.read_bytes() == b"secret"


def test_links_that_lead_in_circles_are_refused(store: FolderStore, root: Path) -> None:
    root.mkdir()
    (root / "a").symlink_to(root / "b")
    (root / "b").symlink_to(root / "a")

    with pytest.raises(ConfigurationError, match="a/c"):
        store.put("a/c", b"")
    assert list(store.list_objects("")) == []


def test_the_bucket_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "bucket").symlink_to(tmp_path / "disk")

    FolderStore(tmp_path / "bucket").put("a/b", b"data")

    assert (tmp_path / "disk" / "a" / "b").read_bytes() == b"data"


# What is on the disk


def test_nothing_is_created_before_the_first_write(store: FolderStore, root: Path) -> None:
    assert list(store.list_objects("")) == []
    assert store.list_folders("") == []
    with pytest.raises(KeyError):
        store.get("a")
    store.delete(["a/b"])
    store.close()

    assert not root.exists()


def test_an_object_is_a_file_with_ordinary_permissions(
    store: FolderStore, root: Path, tmp_path: Path
) -> None:
    private = tmp_path / "private"
    private.write_bytes(b"data")
    private.chmod(0o600)
    before = os.umask(0o027)
    try:
        store.put("put", b"")
        store.put_if_absent("absent", b"")
        store.upload("uploaded", private)
    finally:
        os.umask(before)

    for name in ("put", "absent", "uploaded"):
        found = (root / name).stat()
        assert (oct(found.st_mode & 0o777), found.st_nlink) == ("0o640", 1)


def test_unfinished_files_are_no_objects(store: FolderStore, root: Path) -> None:
    store.put("a", b"")
    (root / ".tmp" / "someone").mkdir()
    (root / ".tmp" / "someone" / "0").write_bytes(b"half")

    assert [entry.key for entry in store.list_objects("")] == ["a"]
    assert store.list_folders("") == []
    with pytest.raises(InvalidRequestError):
        store.get(".tmp/someone/0")


def test_closing_leaves_nothing_but_objects(store: FolderStore, root: Path) -> None:
    store.put("a/b", b"data")
    store.put_if_absent("a/b", b"other")

    store.close()

    assert sorted(str(path.relative_to(root)) for path in root.rglob("*")) == ["a", "a/b"]


def test_deleting_leaves_no_empty_folders_on_the_disk(store: FolderStore, root: Path) -> None:
    store.put("a/b/c/d", b"")
    store.put("a/e", b"")

    store.delete(["a/b/c/d", "not/there"])
    assert not (root / "a" / "b").exists()

    store.delete(["a/e"])
    store.close()
    assert list(root.iterdir()) == []


def test_closing_one_store_does_not_disturb_another_in_the_same_process(
    store: FolderStore, root: Path
) -> None:
    other = FolderStore(root)
    store.put("a", b"")
    other.put("b", b"")

    store.close()
    other.put("c", b"")

    assert [entry.key for entry in other.list_objects("")] == ["a", "b", "c"]


def test_a_failed_write_leaves_the_old_object_and_no_trace(
    store: FolderStore, root: Path, tmp_path: Path
) -> None:
    store.put("a", b"old")

    with pytest.raises(VbvrError):
        store.upload("a", tmp_path / "missing")

    assert store.get("a") == b"old"
    store.close()
    assert [path.name for path in root.iterdir()] == ["a"]


def test_what_is_no_file_is_no_object(store: FolderStore, root: Path) -> None:
    store.put("a/b", b"")
    os.mkfifo(root / "pipe")

    assert [entry.key for entry in store.list_objects("")] == ["a/b"]
    for key in ("pipe", "a"):
        with pytest.raises(KeyError):
            store.get(key)


# Disks that do not do what they should


def test_a_key_below_an_object_is_refused_with_its_path(store: FolderStore, root: Path) -> None:
    store.put("a", b"")

    for write in (store.put, store.put_if_absent):
        with pytest.raises(ConfigurationError) as refused:
            write("a/b", b"")
        assert str(root / "a" / "b") in refused.value.what


def test_a_key_in_the_place_of_a_folder_is_refused_with_its_path(store: FolderStore, root: Path) -> None:
    store.put("a/b", b"")

    for write in (store.put, store.put_if_absent):
        with pytest.raises(ConfigurationError) as refused:
            write("a", b"")
        assert str(root / "a") in refused.value.what
    with pytest.raises(ConfigurationError):
        store.delete(["a"])


def test_a_name_that_is_too_long_is_refused(store: FolderStore) -> None:
    with pytest.raises(ConfigurationError):
        store.put("x" * 300, b"")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.ENOSPC, DiskFullError),
        (errno.EDQUOT, DiskFullError),
        (errno.EROFS, ConfigurationError),
        (errno.EACCES, ConfigurationError),
        (errno.EIO, ServiceError),
        (errno.EMFILE, ServiceError),
    ],
)
def test_what_the_disk_reports_is_said_with_its_path(
    store: FolderStore, root: Path, monkeypatch: pytest.MonkeyPatch, code: int, expected: type[VbvrError]
) -> None:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "write_bytes", fail)

    with pytest.raises(expected) as refused:
        store.put("a/b", b"data")

    assert type(refused.value) is expected
    assert str(root / "a" / "b") in refused.value.what
    assert refused.value.hint is not None


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = Path(tempfile.mkdtemp())
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        folder.rmdir()
        pytest.skip("only a user who may mount can make a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()


def test_a_full_disk_is_named_and_costs_nothing_that_was_finished(small_disk: Path) -> None:
    store = FolderStore(small_disk / "bucket")
    store.put("a", b"data")

    with pytest.raises(DiskFullError) as full:
        store.put("b", b"x" * 2_000_000)

    assert str(small_disk / "bucket" / "b") in full.value.what
    assert [entry.key for entry in store.list_objects("")] == ["a"]
    store.put("c", b"x" * 500_000)


def test_a_full_disk_is_named_by_the_queue_which_goes_on_when_there_is_room(small_disk: Path) -> None:
    backend = LocalBackend(small_disk / "state")
    backend.queue.send(["first"])
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(b"x" * 2_000_000)

    with pytest.raises(DiskFullError) as full:
        backend.queue.send(["x" * 1000] * 5000)
    assert str(small_disk / "state") in full.value.what

    ballast.unlink()
    backend.queue.send(["second"])
    assert [message.body for message in backend.queue.lease(10, 60)] == ["first", "second"]
    backend.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def as_an_ordinary_user(action: Callable[[], Any]) -> str:
    """Do something in a child process without the rights of root; the error's class and text."""
    reader, writer = get_context("fork").Pipe(duplex=False)

    def child() -> None:
        if os.geteuid() == 0:
            os.setuid(NOBODY)
        try:
            action()
        except VbvrError as error:
            writer.send(f"{type(error).__name__}: {error} {error.hint}")
        else:
            writer.send("no error")

    process = get_context("fork").Process(target=child)
    process.start()
    process.join()
    return str(reader.recv())


def test_a_folder_that_may_not_be_written_is_named(open_folder: Path) -> None:
    bucket, state = open_folder / "bucket", open_folder / "state"
    open_folder.chmod(0o555)

    refusals = [
        as_an_ordinary_user(lambda: FolderStore(bucket).put("a", b"")),
        as_an_ordinary_user(lambda: LocalBackend(state).queue.send(["a"])),
    ]

    for refusal, path in zip(refusals, (bucket, state), strict=True):
        assert refusal.startswith("ConfigurationError")
        assert str(path) in refusal


def test_a_state_that_may_not_be_written_is_named(open_folder: Path) -> None:
    backend = LocalBackend(open_folder)
    backend.queue.send(["a"])
    backend.close()
    (open_folder / "queue.sqlite3").chmod(0o444)
    open_folder.chmod(0o555)

    for use in (lambda: backend.queue.send(["b"]), backend.queue.depth):
        refusal = as_an_ordinary_user(use)
        assert refusal.startswith("ConfigurationError")
        assert str(open_folder / "queue.sqlite3") in refusal
        assert "--home" in refusal
