"""Dead letters as files: one a message, never twice, and none leaves the queue before it is on the disk."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from dead_tasks import FAILED, Altered, let_die, letters_of
from places import Place

from vbvr_cli.backends.ports import DeadLetter
from vbvr_cli.errors import ConfigurationError, InvalidRequestError
from vbvr_cli.operations.dlq.letter_files import Downloaded, describe, download_letters, read_letters
from vbvr_cli.operations.dlq.redrive import Redrive
from vbvr_cli.operations.dlq.request import RedriveRequest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "DLQ"


def test_a_file_says_all_that_is_known_of_a_letter(place: Place, folder: Path) -> None:
    place.submit("good", samples=2, batch_size=2)
    (task,) = let_die(place.backend)
    (letter,) = letters_of(place.backend)

    report = download_letters(place.backend.queue, folder, delete=False)

    assert report == Downloaded(written=1, present=0, deleted=0)
    (file,) = folder.iterdir()
    said = json.loads(file.read_text())
    assert said["id"] == letter.id
    assert said["receive_count"] == letter.receive_count == 1
    assert said["died_at"] == letter.died_at
    assert said["attributes"] == dict(letter.attributes)
    assert said["body"] == json.loads(task.to_message().to_json())
    assert (said["code"], said["detail"], said["output"]) == (
        FAILED.code.value,
        FAILED.detail,
        FAILED.output,
    )


def test_a_letter_is_written_once_however_often_it_is_downloaded(place: Place, folder: Path) -> None:
    place.submit("good", samples=24, batch_size=2)
    let_die(place.backend)
    download_letters(place.backend.queue, folder, delete=False)
    file = min(folder.iterdir())
    mended = file.read_text().replace("no path", "no path, I looked")
    file.write_text(mended)

    again = download_letters(place.backend.queue, folder, delete=False)

    assert again == Downloaded(written=0, present=12, deleted=0)
    assert len(list(folder.iterdir())) == 12
    assert file.read_text() == mended
    assert len(letters_of(place.backend)) == 12  # given back at once


def test_a_letter_that_was_redriven_from_its_file_is_not_written_again(place: Place, folder: Path) -> None:
    place.submit("good", samples=2, batch_size=2)
    let_die(place.backend)
    download_letters(place.backend.queue, folder, delete=False)
    unable = Altered(place.backend, queue=Altered(place.backend.queue, delete_dead=lambda letters: None))
    Redrive(unable, RedriveRequest()).from_files(folder)

    again = download_letters(place.backend.queue, folder, delete=False)

    assert again == Downloaded(written=0, present=1, deleted=0)


def test_a_letter_is_deleted_only_when_its_file_is_on_the_disk(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.submit("good", samples=6, batch_size=2)
    let_die(place.backend)
    synced: list[str] = []
    fsync = os.fsync

    def note(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    def delete(letters: list[DeadLetter]) -> None:
        (letter,) = letters
        (file,) = folder.glob(f"*-{letter.id}.json")
        assert synced[-2:] == [str(file.with_suffix(".part")), str(folder)]
        place.backend.queue.delete_dead(letters)

    monkeypatch.setattr(os, "fsync", note)
    watched: Any = Altered(place.backend.queue, delete_dead=delete)

    assert download_letters(watched, folder, delete=True) == Downloaded(written=3, present=0, deleted=3)
    assert letters_of(place.backend) == []
    assert len(list(folder.iterdir())) == 3


def test_a_disk_that_fails_costs_no_letter(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.submit("good", samples=6, batch_size=2)
    let_die(place.backend)

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(ConfigurationError, match="cannot be written") as caught:
            download_letters(place.backend.queue, folder, delete=True)

    assert caught.value.why == "No space left on device"
    assert len(letters_of(place.backend)) == 3
    assert download_letters(place.backend.queue, folder, delete=True).deleted == 3


def test_an_id_that_the_queue_gives_out_again_is_another_letter(place: Place, folder: Path) -> None:
    for attempt in (1, 2):
        place.backend.queue.send([f'{{"nonsense": {attempt}}}'])
        let_die(place.backend)
        download_letters(place.backend.queue, folder, delete=True)

    assert [letter.body for _, letter in read_letters(folder)] == [{"nonsense": 1}, {"nonsense": 2}]


@pytest.mark.parametrize(
    "body",
    [
        '{"a":' * 5_000,
        '{"a":' * 220 + "1" + "}" * 220,
        "[" * 100_000,
        '{"type": "\\ud800"}',
        '{"type": NaN}',
        "",
        "null",
        "\x1b[31mred",
    ],
    ids=["open", "deep", "brackets", "surrogate", "nan", "empty", "null", "escape"],
)
def test_a_body_of_any_kind_is_kept_as_it_is(place: Place, folder: Path, body: str) -> None:
    place.backend.queue.send([body])
    let_die(place.backend)

    download_letters(place.backend.queue, folder, delete=True)

    ((_, letter),) = read_letters(folder)
    assert letter.text == body


def test_a_folder_that_cannot_be_written_is_named_and_no_letter_is_lost(place: Place, tmp_path: Path) -> None:
    place.submit("good", samples=2, batch_size=2)
    let_die(place.backend)
    (tmp_path / "a-file").touch()

    with pytest.raises(ConfigurationError, match="a-file/DLQ") as caught:
        download_letters(place.backend.queue, tmp_path / "a-file" / "DLQ", delete=True)

    assert caught.value.why == "Not a directory"
    assert len(letters_of(place.backend)) == 1


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda text: text[:40], "JSON"),
        (lambda text: "[]", "the document"),
        (lambda text: text.replace('"body"', '"bodies"'), "body"),
        (lambda text: text.replace('"receive_count": 1', '"receive_count": "often"'), "receive_count"),
        (lambda text: text.replace("generator_failed", "bad_luck"), "code"),
        (lambda text: "", "the document"),
    ],
    ids=["cut off", "no object", "other field", "no number", "unknown reason", "empty"],
)
def test_a_file_edited_into_nonsense_is_named_with_its_field(
    place: Place, folder: Path, edit: Any, named: str
) -> None:
    place.submit("good", samples=2, batch_size=2)
    let_die(place.backend)
    download_letters(place.backend.queue, folder, delete=False)
    (file,) = folder.iterdir()
    file.write_text(edit(file.read_text()))

    with pytest.raises(InvalidRequestError, match=file.name) as caught:
        list(read_letters(folder))

    assert named in (caught.value.why or "")


def test_something_that_is_no_file_among_the_letters_is_named(folder: Path) -> None:
    (folder / "a.json").mkdir(parents=True)

    with pytest.raises(InvalidRequestError, match=r"a\.json cannot be read"):
        list(read_letters(folder))


def test_a_letter_without_a_reason_can_be_described() -> None:
    letter = DeadLetter("7", "{}", "", 3, None, 1.5)

    assert describe(letter).reason is None
