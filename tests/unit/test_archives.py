"""Out of a tar archive comes what its manifest names, and nothing else, whatever stands in it."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from places import tree

from vbvr_cli.manifest import ManifestFile, ManifestLine
from vbvr_cli.operations.download.archives import ArchiveError, extract
from vbvr_cli.operations.download.destination import Destination
from vbvr_cli.operations.download.problems import ObjectProblemError, UnsafeKeyError

FOLDER = "good/dot_task/dot_00000000"
FILES = {
    "prompt.txt": b"Paint it.",
    "first_frame.png": b"\x89PNG" * 1_000,
    "sub/notes.txt": b"deep",
    "empty": b"",
}
Members = list[tuple[tarfile.TarInfo, bytes]]


def line(folder: str = FOLDER, files: dict[str, bytes] | None = None) -> ManifestLine:
    named = tuple(
        ManifestFile(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        for name, data in (FILES if files is None else files).items()
    )
    made = {"seed": 1, "num_samples": 1, "position": 0, "round": 0, "param_hash": "0"}
    return ManifestLine(task_id="dot_00000000", generator="good", index=0, folder=folder, files=named, **made)


def member(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, link
    return info, data


def honest() -> Members:
    return [member(f"{FOLDER}/{name}", data) for name, data in FILES.items()]


def pack(file: Path, members: Members) -> Path:
    with tarfile.open(file, "w:gz") as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return file


@pytest.fixture
def destination(tmp_path: Path) -> Destination:
    destination = Destination(tmp_path / "results")
    destination.open()
    return destination


def test_every_file_of_every_sample_comes_out(tmp_path: Path, destination: Destination) -> None:
    archive = pack(tmp_path / "a.tar.gz", [member(FOLDER, kind=tarfile.DIRTYPE), *honest()])

    extract(archive, [line()], destination)
    destination.close()

    assert tree(destination.root) == {f"questions/{FOLDER}/{name}": data for name, data in FILES.items()}


@pytest.mark.parametrize(
    "strange",
    [
        member("/etc/passwd", b"root"),
        member("../../evil", b"evil"),
        member(f"{FOLDER}/../../../../evil", b"evil"),
        member(f"{FOLDER}/extra.txt", b"more"),
        member(f"{FOLDER}/prompt.txt", b"again"),
        member(f"{FOLDER}/link", kind=tarfile.SYMTYPE, link="/etc/passwd"),
        member(f"{FOLDER}/link", kind=tarfile.LNKTYPE, link=f"{FOLDER}/prompt.txt"),
        member(f"{FOLDER}/device", kind=tarfile.CHRTYPE),
        member(f"{FOLDER}/disk", kind=tarfile.BLKTYPE),
        member(f"{FOLDER}/pipe", kind=tarfile.FIFOTYPE),
    ],
    ids=[
        "absolute",
        "dots",
        "inner dots",
        "extra",
        "twice",
        "symlink",
        "hard link",
        "device",
        "disk",
        "pipe",
    ],
)
def test_a_member_that_the_manifest_does_not_name_is_an_error_and_is_never_written(
    tmp_path: Path, destination: Destination, strange: tuple[tarfile.TarInfo, bytes]
) -> None:
    archive = pack(tmp_path / "a.tar.gz", [*honest(), strange])

    with pytest.raises(ArchiveError, match="somebody else wrote it"):
        extract(archive, [line()], destination)
    destination.close()

    assert {path.name for path in tmp_path.iterdir()} == {"a.tar.gz", "results"}
    assert set(tree(destination.root)) <= {f"questions/{FOLDER}/{name}" for name in FILES}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_named_file_that_is_no_plain_file_is_an_error(
    tmp_path: Path, destination: Destination, kind: bytes
) -> None:
    archive = pack(tmp_path / "a.tar.gz", [member(f"{FOLDER}/prompt.txt", kind=kind, link="/etc/passwd")])

    with pytest.raises(ArchiveError, match="no plain file"):
        extract(archive, [line()], destination)
    destination.close()

    assert tree(destination.root) == {}


def test_a_manifest_that_names_files_outside_has_nothing_written_for_it(
    tmp_path: Path, destination: Destination
) -> None:
    archive = pack(tmp_path / "a.tar.gz", [member("../../evil/prompt.txt", b"evil")])

    with pytest.raises(UnsafeKeyError):
        extract(archive, [line("../../evil", {"prompt.txt": b"evil"})], destination)
    destination.close()

    assert {path.name for path in tmp_path.iterdir()} == {"a.tar.gz", "results"}


@pytest.mark.parametrize("data", [b"Paint it!", b"Paint"], ids=["other bytes", "fewer bytes"])
def test_bytes_that_the_manifest_does_not_name_are_not_written(
    tmp_path: Path, destination: Destination, data: bytes
) -> None:
    archive = pack(tmp_path / "a.tar.gz", [member(f"{FOLDER}/prompt.txt", data)])

    with pytest.raises(ObjectProblemError):
        extract(archive, [line()], destination)
    destination.close()

    assert tree(destination.root) == {}


def test_a_file_that_is_missing_in_the_archive_is_named(tmp_path: Path, destination: Destination) -> None:
    archive = pack(tmp_path / "a.tar.gz", honest()[1:])

    with pytest.raises(ArchiveError, match=f"lacks {FOLDER}/prompt.txt"):
        extract(archive, [line()], destination)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: b"no archive at all",
        lambda data: gzip.compress(b"no archive at all" * 100),
        lambda data: data[:30] + bytes(20) + data[50:],
    ],
    ids=["half", "empty", "text", "gzip of text", "zeros"],
)
def test_an_archive_that_cannot_be_read_is_a_problem_of_that_archive_alone(
    tmp_path: Path, destination: Destination, damage: Callable[[bytes], bytes]
) -> None:
    archive = pack(tmp_path / "a.tar.gz", honest())
    archive.write_bytes(damage(archive.read_bytes()))

    with pytest.raises(ObjectProblemError, match=FOLDER):
        extract(archive, [line()], destination)
