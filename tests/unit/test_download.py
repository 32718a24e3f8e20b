"""A dataset is brought by its manifests, checked, and only once; what is wrong with it is named."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from dead_tasks import Altered, let_die
from places import Place, tree

from vbvr_cli.errors import InvalidRequestError
from vbvr_cli.manifest import QUESTIONS, manifest_key
from vbvr_cli.operations.download.download import Download
from vbvr_cli.operations.download.report import Downloaded
from vbvr_cli.operations.download.request import DownloadRequest
from vbvr_cli.operations.reconcile import compare


class Counting:
    """A back end that counts what is asked of its stores, and how many streams are open at once."""

    def __init__(self, place: Place) -> None:
        self.asked: Counter[str] = Counter()
        self.most_open = 0
        self._open = 0
        self._lock = threading.Lock()
        self._original = place.backend
        self.backend: Any = Altered(place.backend, store=self._store)

    def _store(self, bucket: str) -> Any:
        store = self._original.store(bucket)

        def counted(name: str) -> Any:
            def call(*arguments: Any) -> Any:
                with self._lock:
                    self.asked[name] += 1
                return getattr(store, name)(*arguments)

            return call

        @contextmanager
        def stream(key: str) -> Iterator[IO[bytes]]:
            with self._lock:
                self.asked["open"] += 1
                self._open += 1
                self.most_open = max(self.most_open, self._open)
            try:
                with store.open(key) as opened:
                    yield opened
            finally:
                with self._lock:
                    self._open -= 1

        listing = {name: counted(name) for name in ("list_objects", "list_folders", "get")}
        return Altered(store, open=stream, **listing)


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "results"


def download(place: Place, dest: Path, *, backend: Any = None, **request: Any) -> Downloaded:
    asked = DownloadRequest(**{"workers": 4, **request})
    return Download(backend or place.backend, place.bucket, dest, asked).run()


def stray(place: Place) -> dict[str, bytes]:
    """The bucket as a download should leave it elsewhere."""
    return {key: data for key, data in tree(place.dest).items() if not key.startswith(".tmp")}


def test_a_whole_dataset_is_brought_without_listing_anything(place: Place, dest: Path) -> None:
    place.make("good", 6, batch_size=2)
    place.make("several_tasks", 4, batch_size=2)
    counting = Counting(place)

    report = download(place, dest, backend=counting.backend)

    assert tree(dest) == stray(place)
    assert (report.samples, report.samples_total, report.failed) == (10, 10, 0)
    assert report.num_bytes == report.bytes_total
    assert report.files == sum(key.startswith(QUESTIONS) for key in tree(dest))
    assert counting.asked["list_objects"] == counting.asked["list_folders"] == 0


def test_a_second_download_opens_no_object(place: Place, dest: Path) -> None:
    place.make("good", 4, batch_size=2)
    first = download(place, dest)
    counting = Counting(place)

    again = download(place, dest, backend=counting.backend)

    assert counting.asked["open"] == 0
    assert (again.samples, again.files, again.present) == (4, 0, first.files)


def test_only_what_is_not_there_is_brought(place: Place, dest: Path) -> None:
    run = place.make("good", 4, batch_size=2)
    download(place, dest)
    (lost,) = dest.glob("questions/good/*/*_00000001/prompt.txt")
    lost.unlink()
    (dest / manifest_key(place.tasks("good")[1])).unlink()
    counting = Counting(place)

    report = download(place, dest, backend=counting.backend)

    assert (counting.asked["open"], report.files) == (1, 1)
    assert tree(dest) == stray(place)
    assert compare(place.backend, run).complete


def test_what_was_made_since_is_added(place: Place, dest: Path) -> None:
    place.make("good", 2, batch_size=2)
    download(place, dest)
    place.make("good", 4, batch_size=2)

    assert download(place, dest).samples == 4
    assert tree(dest) == stray(place)


@pytest.mark.parametrize("damage", [b"", b"other bytes", None], ids=["empty", "other", "one bit"])
def test_a_tampered_object_is_named_and_everything_else_is_brought(
    place: Place, dest: Path, damage: bytes | None
) -> None:
    place.make("good", 4, batch_size=4)
    (victim,) = place.dest.glob("questions/good/*/*_00000001/final_frame.png")
    data = victim.read_bytes()
    victim.write_bytes(data[:-1] + bytes([data[-1] ^ 1]) if damage is None else damage)
    key = str(victim.relative_to(place.dest))

    report = download(place, dest)

    assert report.failed == 1
    assert key in report.problems[0]
    brought = tree(dest)
    task = place.tasks("good")[0]
    assert set(stray(place)) - set(brought) == {key, manifest_key(task)}
    assert report.samples == 3

    victim.write_bytes(data)
    assert download(place, dest).files == 1
    assert tree(dest) == stray(place)


def test_an_object_that_is_gone_is_named_and_everything_else_is_brought(place: Place, dest: Path) -> None:
    place.make("good", 4, batch_size=2)
    (victim,) = place.dest.glob("questions/good/*/*_00000001/final_frame.png")
    victim.unlink()

    report = download(place, dest)

    assert (report.failed, report.samples) == (1, 3)
    assert "is gone" in report.problems[0]
    assert str(victim.relative_to(place.dest)) in report.problems[0]


def test_an_object_that_became_a_link_is_named(place: Place, dest: Path, tmp_path: Path) -> None:
    place.make("good", 2, batch_size=2)
    (victim,) = place.dest.glob("questions/good/*/*_00000001/final_frame.png")
    (tmp_path / "secret").write_bytes(victim.read_bytes())
    victim.unlink()
    victim.symlink_to(tmp_path / "secret")

    report = download(place, dest)

    assert (report.failed, report.samples) == (1, 1)


@pytest.mark.parametrize("cut", [0.5, "line", "newline", "all"], ids=str)
def test_a_truncated_manifest_is_named_and_the_other_tasks_are_brought(
    place: Place, dest: Path, cut: Any
) -> None:
    place.make("good", 6, batch_size=3)
    manifest = place.manifest(place.tasks("good")[0])
    text = manifest.read_bytes()
    lines = text.splitlines(keepends=True)
    shorter = {0.5: text[: len(text) // 2], "line": b"".join(lines[:2]), "newline": text[:-1], "all": b""}
    manifest.write_bytes(shorter[cut])

    report = download(place, dest)

    assert (report.failed, report.samples) == (1, 3)
    assert manifest.name in report.problems[0]


def test_a_manifest_that_is_gone_is_named(place: Place, dest: Path) -> None:
    place.make("good", 4, batch_size=2)
    manifest = place.manifest(place.tasks("good")[0])
    manifest.unlink()

    report = download(place, dest)

    assert (report.failed, report.samples) == (1, 2)
    assert manifest.name in report.problems[0]


@pytest.mark.parametrize(
    "folder",
    ["../../../evil", "good/../../../evil", "/etc", "good\\..\\evil", "x" * 300, "good/\0"],
    ids=repr,
)
def test_a_key_that_leads_out_of_the_destination_is_refused(place: Place, dest: Path, folder: str) -> None:
    place.make("good", 4, batch_size=2)
    manifest = place.manifest(place.tasks("good")[0])
    lines = [json.loads(line) for line in manifest.read_bytes().splitlines()]
    lines[0]["folder"] = folder
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))

    report = download(place, dest)

    assert report.failed == len(lines[0]["files"])
    assert report.samples == 3
    assert not list(dest.parent.glob("evil*"))
    assert {path.name for path in dest.iterdir()} == {"questions", "manifests"}


@pytest.mark.parametrize("extract", [False, True])
@pytest.mark.parametrize("key", ["../evil.tar.gz", "evil.tar.gz", "/etc/evil", ".parts/evil"])
def test_an_archive_key_that_is_no_part_of_a_dataset_is_refused(
    place: Place, dest: Path, key: str, extract: bool
) -> None:
    place.make("good", 4, batch_size=2, output_format="tar")
    manifest = place.manifest(place.tasks("good")[0])
    lines = [json.loads(line) for line in manifest.read_bytes().splitlines()]
    manifest.write_text(
        "".join(json.dumps(ln | {"archive": ln["archive"] | {"key": key}}) + "\n" for ln in lines)
    )

    report = download(place, dest, extract=extract)

    assert (report.failed, report.samples) == (1, 2)
    assert {path.name for path in dest.iterdir()} == {"questions", "manifests"}


def test_a_link_in_the_destination_is_not_followed_out_of_it(
    place: Place, dest: Path, tmp_path: Path
) -> None:
    place.make("good", 2, batch_size=2)
    outside = tmp_path / "outside"
    outside.mkdir()
    (dest / "questions").mkdir(parents=True)
    (dest / "questions" / "good").symlink_to(outside)

    report = download(place, dest)

    assert report.samples == 0
    assert "leads out of" in report.problems[0]
    assert list(outside.iterdir()) == []


def test_a_file_that_is_a_link_is_neither_followed_nor_overwritten_elsewhere(
    place: Place, dest: Path, tmp_path: Path
) -> None:
    place.make("good", 2, batch_size=2)
    download(place, dest)
    (mine, other) = sorted(dest.glob("questions/good/*/*/prompt.txt"))
    outside = tmp_path / "precious"
    outside.write_text("precious")
    for link, target in ((mine, outside), (other, tmp_path / "nowhere")):
        link.unlink()
        link.symlink_to(target)

    report = download(place, dest)

    assert (report.failed, report.samples) == (2, 0)
    assert [path for path in (mine, other) if str(path) in " ".join(report.problems)] == [mine, other]
    assert (outside.read_text(), (tmp_path / "nowhere").exists()) == ("precious", False)


def test_a_file_of_other_content_is_left_alone_and_named(place: Place, dest: Path) -> None:
    place.make("good", 2, batch_size=2)
    download(place, dest)
    (dest / manifest_key(place.tasks("good")[0])).unlink()
    file = min(dest.glob("questions/good/*/*/prompt.txt"))
    file.write_bytes(file.read_bytes()[::-1])
    before = file.read_bytes()

    report = download(place, dest)

    assert (report.failed, report.samples, file.read_bytes()) == (1, 1, before)
    assert f"{file} holds other bytes" in report.problems[0]


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_files_by_one_name_the_true_one_stays_and_the_other_is_named(
    place: Place, dest: Path, first: int
) -> None:
    place.make("good", 1)
    manifest = place.manifest(place.tasks("good")[0])
    line = json.loads(manifest.read_bytes())
    true = next(file for file in line["files"] if file["name"] == "prompt.txt")
    other = {**true, "sha256": "0" * 64}
    line["files"] = [other, true] if first else [true, other]
    manifest.write_text(json.dumps(line) + "\n")

    report = download(place, dest)

    assert (report.failed, report.samples) == (1, 0)
    (brought,) = dest.glob("questions/good/*/*/*")
    (made,) = place.dest.glob("questions/good/*/*/prompt.txt")
    assert brought.read_bytes() == made.read_bytes()


def test_a_sample_of_which_nothing_can_be_brought_leaves_no_folder(place: Place, dest: Path) -> None:
    place.make("good", 2, batch_size=2)
    (folder,) = place.dest.glob("questions/good/*/*_00000001")
    for file in folder.iterdir():
        file.write_bytes(b"")

    report = download(place, dest)

    assert (report.failed, report.samples) == (len(list(folder.iterdir())), 1)
    assert not (dest / folder.relative_to(place.dest)).exists()
    assert download(place, dest).problems == report.problems


@pytest.mark.parametrize("where", ["questions/good", "manifests/good"])
def test_a_file_where_a_folder_belongs_is_named(place: Place, dest: Path, where: str) -> None:
    place.make("good", 2, batch_size=2)
    (dest / where).parent.mkdir(parents=True)
    (dest / where).write_text("mine")

    report = download(place, dest)

    assert report.failed
    assert where in report.problems[0]
    assert (dest / where).read_text() == "mine"


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "Questions"])
def test_a_destination_that_holds_something_else_is_refused(place: Place, dest: Path, name: str) -> None:
    place.make("good", 2)
    dest.mkdir()
    (dest / name).touch()

    with pytest.raises(InvalidRequestError, match="holds something else") as caught:
        download(place, dest)

    assert name in (caught.value.why or "")
    assert [path.name for path in dest.iterdir()] == [name]


def test_a_destination_that_is_a_file_is_refused(place: Place, dest: Path) -> None:
    place.make("good", 2)
    dest.touch()

    with pytest.raises(InvalidRequestError, match="is not a folder"):
        download(place, dest)


def test_archives_are_brought_as_they_are_or_as_the_samples_in_them(place: Place, dest: Path) -> None:
    run = place.make("good", 4, batch_size=2, output_format="tar")
    assert download(place, dest).samples == 4
    assert tree(dest) == stray(place)

    assert download(place, dest / "x", extract=True).samples == 4
    extracted = tree(dest / "x" / "questions")
    assert len(extracted) == sum(len(line.files) for line in place.lines("good"))
    assert {line.folder for line in place.lines("good")} == {key.rpartition("/")[0] for key in extracted}
    assert compare(place.backend, run).complete


def test_archives_that_are_there_are_extracted_when_that_is_asked_for_later(place: Place, dest: Path) -> None:
    place.make("good", 4, batch_size=2, output_format="tar")
    download(place, dest)

    assert download(place, dest, extract=True).samples == 4
    assert len(list(dest.glob("questions/good/*/*/prompt.txt"))) == 4

    counting = Counting(place)
    download(place, dest, backend=counting.backend, extract=True)
    assert counting.asked["open"] == 0


def test_samples_that_were_extracted_are_not_brought_again(place: Place, dest: Path) -> None:
    place.make("good", 4, batch_size=2, output_format="tar")
    download(place, dest, extract=True)
    (dest / manifest_key(place.tasks("good")[0])).unlink()
    counting = Counting(place)

    assert download(place, dest, backend=counting.backend, extract=True).samples == 4
    assert counting.asked["open"] == 0


@pytest.mark.parametrize("extract", [False, True])
def test_a_tampered_archive_is_named_and_the_others_are_brought(
    place: Place, dest: Path, extract: bool
) -> None:
    place.make("good", 4, batch_size=2, output_format="tar")
    archive = min((place.dest / "questions").iterdir())
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)

    report = download(place, dest, extract=extract)

    assert (report.failed, report.samples) == (1, 2)
    assert archive.name in report.problems[0]
    assert not (dest / "questions" / archive.name).exists()


def test_filters_bring_only_what_is_asked_for(place: Place, dest: Path) -> None:
    run = place.make("good", 2)
    place.make("several_tasks", 2)

    assert download(place, dest / "glob", generators=("s*",)).samples == 2
    assert not list(dest.glob("glob/questions/good"))
    assert download(place, dest / "run", run_id=run.key.run_id[:7]).samples == 2
    assert not list(dest.glob("run/questions/several_tasks"))
    for nothing in ({"generators": ("x*",)}, {"run_id": "ffffffff"}, {"generators": ("s*",), "run_id": "0"}):
        with pytest.raises(InvalidRequestError, match="There is nothing of"):
            download(place, dest / "none", **nothing)
    assert not (dest / "none").exists()


@pytest.mark.parametrize("output_format", ["files", "tar"])
def test_a_bucket_that_no_ledger_knows_is_brought_by_listing_its_manifests(
    place: Place, make_place: Any, dest: Path, output_format: str
) -> None:
    run = place.make("good", 4, batch_size=2, output_format=output_format)
    place.make("several_tasks", 2)
    stranger = make_place("stranger")
    stranger.backend.allow_bucket(place.bucket)
    stranger.bucket = place.bucket

    report = download(stranger, dest)

    assert (report.samples, report.samples_total, report.checked) == (6, None, True)
    assert tree(dest) == stray(place)
    assert download(stranger, dest / "one", generators=("good",), run_id=run.key.run_id[:5]).samples == 4
    with pytest.raises(InvalidRequestError, match="There is nothing of bad"):
        download(stranger, dest / "none", generators=("bad",))


@pytest.mark.parametrize("output_format", ["files", "tar"])
def test_a_bucket_without_manifests_is_brought_by_listing_its_questions(
    place: Place, make_place: Any, dest: Path, output_format: str
) -> None:
    place.make("good", 4, batch_size=2, output_format=output_format)
    place.make("several_tasks", 2, output_format=output_format)
    stranger = make_place("stranger")
    for key, data in tree(place.dest).items():
        if key.startswith(QUESTIONS):
            stranger.backend.allow_bucket(stranger.bucket)
            stranger.backend.store(stranger.bucket).put(key, data)

    report = download(stranger, dest)

    assert (report.checked, report.failed) == (False, 0)
    assert tree(dest) == tree(stranger.dest)
    assert download(stranger, dest).present == report.files
    download(stranger, dest / "one", generators=("good",))
    assert not list(dest.glob("one/questions/several*"))
    with pytest.raises(InvalidRequestError, match="There is nothing of run abc"):
        download(stranger, dest / "none", run_id="abc")


def test_an_empty_bucket_is_refused_and_leaves_no_folder(place: Place, dest: Path) -> None:
    place.backend.allow_bucket(place.bucket)

    with pytest.raises(InvalidRequestError, match="has no dataset"):
        download(place, dest)

    assert not dest.exists()


def test_samples_that_are_not_made_are_counted_as_missing(place: Place, dest: Path) -> None:
    place.make("good", 2, batch_size=2)
    place.submit("good", samples=6, batch_size=2)
    place.submit("several_tasks", samples=3)
    let_die(place.backend)

    report = download(place, dest)

    assert (report.samples, report.samples_missing) == (2, 7)


def test_what_is_under_way_at_once_is_bounded_however_many_tasks_there_are(place: Place, dest: Path) -> None:
    run = place.make("good", 40, batch_size=1)
    taken = 0
    done = 0
    ahead = []
    counting = Counting(place)

    def tasks(*arguments: Any) -> Iterator[Any]:
        nonlocal taken
        for record in place.backend.ledger.tasks(*arguments):
            taken += 1
            ahead.append(taken - done)
            yield record

    def progress(report: Downloaded) -> None:
        nonlocal done
        done = report.samples

    ledger = Altered(place.backend.ledger, tasks=tasks)
    backend: Any = Altered(counting.backend, ledger=ledger)
    Download(backend, place.bucket, dest, DownloadRequest(workers=3), progress).run()

    assert done == run.num_samples
    assert max(ahead) <= 3 * 2 + 3 + 1
    assert counting.most_open <= 3


def test_two_downloads_fill_one_destination_at_once(place: Place, dest: Path) -> None:
    place.make("good", 10, batch_size=1)
    place.make("several_tasks", 10, batch_size=1)
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(download, place, dest, generators=(name,)) for name in ("good", "several_tasks")]

    assert [one.result().samples for one in both] == [10, 10]
    assert tree(dest) == stray(place)
