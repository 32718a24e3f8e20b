"""The tar form of a dataset: which members, under which names, and the same bytes every time."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable

from places import Place, tree


def test_an_archive_holds_the_samples_of_its_task_and_its_name_says_which(place: Place) -> None:
    place.make("several_tasks", 9, batch_size=6, output_format="tar")
    questions = place.dest / "questions"
    assert sorted(file.name for file in questions.iterdir()) == [
        "several_tasks_00000-00005.tar.gz",
        "several_tasks_00006-00008.tar.gz",
    ]
    for line in place.lines("several_tasks"):
        assert line.archive is not None
        archive = place.dest / line.archive.key
        assert archive.stat().st_size == line.archive.size
        assert hashlib.sha256(archive.read_bytes()).hexdigest() == line.archive.sha256
        with tarfile.open(archive) as opened:
            for entry in line.files:
                member = opened.extractfile(f"{line.folder}/{entry.name}")
                assert member is not None
                assert hashlib.sha256(member.read()).hexdigest() == entry.sha256


def test_the_members_are_the_files_that_the_files_form_has(make_place: Callable[[str], Place]) -> None:
    files, tar = make_place("files"), make_place("tar")
    files.make("old_metadata", 4)
    tar.make("old_metadata", 4, output_format="tar")
    with tarfile.open(tar.dest / "questions" / "old_metadata_00000-00003.tar.gz") as archive:
        members = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        found = {name: stream.read() for name, stream in members.items() if stream}
        for member in archive.getmembers():
            assert (member.mode, member.mtime, member.uid, member.uname) == (0o644, 0, 0, "")
    expected = tree(files.dest / "questions")
    assert set(found) == set(expected)
    for name, data in found.items():
        if not name.endswith("metadata.json"):  # it names the run, and another format is another run
            assert data == expected[name]


def test_an_archive_is_the_same_bytes_another_time_elsewhere(make_place: Callable[[str], Place]) -> None:
    here, there = make_place("here"), make_place("there")
    for place in (here, there):
        place.make("good_video", 3, output_format="tar")
    assert tree(here.dest) == tree(there.dest)
