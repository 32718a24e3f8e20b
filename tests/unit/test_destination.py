"""Whatever goes wrong while a file is written, the destination holds whole files or none."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from places import tree

from vbvr_cli.errors import ConfigurationError, DiskFullError, InvalidRequestError, ServiceError
from vbvr_cli.operations.download.destination import Destination
from vbvr_cli.operations.download.problems import MismatchError, OccupiedError, UnsafeKeyError

DATA = b"sixteen bytes ok"
KEY = "questions/good/dot_task/dot_00000000/prompt.txt"


@pytest.fixture
def destination(tmp_path: Path) -> Iterator[Destination]:
    destination = Destination(tmp_path / "results")
    destination.open()
    yield destination
    destination.close()


def write(destination: Destination, data: bytes = DATA, key: str = KEY, size: int | None = len(DATA)) -> None:
    destination.write(key, io.BytesIO(data), size, hashlib.sha256(DATA).hexdigest())


def files(destination: Destination) -> dict[str, bytes]:
    destination.close()
    return tree(destination.root)


def test_an_object_is_written_where_its_key_says(destination: Destination) -> None:
    write(destination)

    assert destination.has(KEY, len(DATA), hashlib.sha256(DATA).hexdigest())
    assert files(destination) == {KEY: DATA}


@pytest.mark.parametrize("data", [b"", DATA[:-1], DATA[:-1] + b"x", DATA + b"x", DATA * 1_000_000])
def test_bytes_other_than_promised_are_not_written(destination: Destination, data: bytes) -> None:
    with pytest.raises(MismatchError, match=KEY):
        write(destination, data)

    assert files(destination) == {}


def test_a_stream_longer_than_promised_is_not_read_to_its_end(destination: Destination) -> None:
    source = io.BytesIO(bytes(50 << 20))

    with pytest.raises(MismatchError):
        destination.write(KEY, source, 10, None)

    assert source.tell() < 5 << 20


def test_a_stream_that_breaks_leaves_nothing(destination: Destination) -> None:
    class Broken(io.BytesIO):
        def read(self, _: int | None = -1) -> bytes:
            raise ServiceError("The store is gone.")

    with pytest.raises(ServiceError):
        destination.write(KEY, Broken(), None, None)

    assert files(destination) == {}


@pytest.mark.parametrize(
    "key",
    ["", ".", "/", "..", "questions/../../x", "/questions/x", "x", "questions/a\\b", "manifests/\0"],
    ids=repr,
)
def test_a_key_that_is_none_of_a_dataset_is_refused(destination: Destination, key: str) -> None:
    with pytest.raises(UnsafeKeyError):
        write(destination, key=key)

    assert files(destination) == {}


def test_what_a_killed_download_left_goes_with_the_next_and_what_another_writes_stays(tmp_path: Path) -> None:
    left = tmp_path / "results" / ".parts" / "0123456789abcdef"
    left.mkdir(parents=True)
    mine = left.with_name("mine")
    mine.mkdir()
    left.with_name(".DS_Store").touch()
    (left / "part").write_bytes(DATA)
    first, second = Destination(tmp_path / "results"), Destination(tmp_path / "results")
    first.open()
    with first.received(KEY, io.BytesIO(DATA), None, None) as part:
        second.open()
        second.close()
        assert part.read_bytes() == DATA
    assert not left.exists()
    first.close()

    assert {path.name for path in left.parent.iterdir()} == {"mine", ".DS_Store"}


def test_a_link_where_parts_belong_is_refused_and_nothing_is_swept(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "0123456789abcdef"
    elsewhere.mkdir(parents=True)
    (tmp_path / "results" / "questions").mkdir(parents=True)
    (tmp_path / "results" / ".parts").symlink_to(elsewhere.parent)

    with pytest.raises(OccupiedError, match=r"\.parts"):
        Destination(tmp_path / "results").open()

    assert list(elsewhere.parent.iterdir()) == [elsewhere]


@pytest.mark.parametrize("refusal", [None, errno.EPERM], ids=["links", "a disk without hard links"])
def test_what_came_there_meanwhile_is_not_overwritten(
    destination: Destination, monkeypatch: pytest.MonkeyPatch, refusal: int | None
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(refusal, "no links")

    if refusal:
        monkeypatch.setattr(os, "link", refuse)
    write(destination)
    write(destination)
    others = destination.path(KEY).with_name("other.txt")
    others.write_bytes(b"precious")

    with pytest.raises(OccupiedError, match="holds other bytes"):
        write(destination, key=KEY.replace("prompt", "other"))

    assert files(destination) == {KEY: DATA, KEY.replace("prompt", "other"): b"precious"}


def test_only_a_folder_that_was_not_there_is_new_and_one_that_was_removed_is_looked_at_again(
    destination: Destination, tmp_path: Path
) -> None:
    folder = KEY.rpartition("/")[0]
    assert destination.make(folder)
    assert not destination.make(folder)
    destination.unmake(folder)
    destination.path(KEY).parent.symlink_to(tmp_path)

    assert not destination.make(folder)
    with pytest.raises(UnsafeKeyError):
        write(destination)


def test_a_key_longer_than_can_be_is_a_problem_of_its_own(destination: Destination) -> None:
    key = f"questions/{'a/' * 2000}x"

    assert not destination.make(key.rpartition("/")[0])
    with pytest.raises(UnsafeKeyError):
        write(destination, key=key)


def test_a_stopped_destination_receives_nothing_more(destination: Destination) -> None:
    destination.stop()

    with pytest.raises(ServiceError, match="stopped"):
        write(destination)

    assert files(destination) == {}


@contextmanager
def small_disk(folder: Path, num_bytes: int) -> Iterator[None]:
    """A file system of so many bytes; skips the test where none can be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={num_bytes}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 1 << 20):
        destination = Destination(tmp_path / "small" / "results")
        destination.open()
        with pytest.raises(DiskFullError, match="No space is left") as caught:
            destination.write(KEY, io.BytesIO(bytes(2 << 20)), None, None)

        assert "the same command again" in (caught.value.hint or "")
        assert files(destination) == {}


FILL = f"""
import io, sys
from pathlib import Path
from vbvr_cli.errors import DiskFullError
from vbvr_cli.operations.download.destination import Destination
destination = Destination(Path(sys.argv[1]))
destination.open()
try:
    destination.write({KEY!r}, io.BytesIO(bytes(1 << 20)), None, None)
except DiskFullError:
    destination.close()
    sys.exit(4)
"""


def test_a_file_beyond_what_this_user_may_write_leaves_no_half_file(tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    filled = subprocess.run([sys.executable, "-c", FILL, tmp_path / "x"], preexec_fn=limit, check=False)

    assert filled.returncode == 4
    assert tree(tmp_path / "x") == {}


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(ConfigurationError, match="results cannot be written") as caught:
        Destination(tmp_path / "results").open()

    assert caught.value.why == "Permission denied"


def test_a_folder_of_a_dataset_and_an_empty_one_are_accepted(tmp_path: Path) -> None:
    Destination(tmp_path)
    (tmp_path / "questions").mkdir()
    (tmp_path / "README.md").touch()
    Destination(tmp_path)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").touch()

    with pytest.raises(InvalidRequestError, match="holds something else"):
        Destination(tmp_path)
