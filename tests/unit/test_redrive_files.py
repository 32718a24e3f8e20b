"""Dead letters are redriven from the files that they were downloaded to, read and mended there or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dead_tasks import Altered, let_die, letters_of, refusing, waiting_tasks
from places import Place, check_dataset

from vbvr_cli.errors import InvalidRequestError, ServiceError
from vbvr_cli.models import FailureCode
from vbvr_cli.operations.dlq.letter_files import download_letters, locked
from vbvr_cli.operations.dlq.redrive import Redrive
from vbvr_cli.operations.dlq.report import Fate, RedriveReport
from vbvr_cli.operations.dlq.request import RedriveRequest
from vbvr_cli.operations.reconcile import compare


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "DLQ"


def redrive(place: Place, folder: Path, backend: Any = None, **request: Any) -> RedriveReport:
    return Redrive(backend or place.backend, RedriveRequest(**request)).from_files(folder)


def download(place: Place, folder: Path, *, delete: bool = False) -> list[Path]:
    download_letters(place.backend.queue, folder, delete=delete)
    return sorted(folder.glob("*.json"))


def edit(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize("delete", [False, True], ids=["letters kept", "letters deleted"])
@pytest.mark.parametrize("request_", [{}, {"new_seed": True}, {"batch_size": 1}], ids=str)
def test_a_redrive_from_files_completes_the_run_and_sets_the_files_aside(
    place: Place, folder: Path, request_: Any, delete: bool
) -> None:
    place.submit("good", samples=4, batch_size=2)
    let_die(place.backend)
    names = [file.name for file in download(place, folder, delete=delete)]

    report = redrive(place, folder, **request_)

    assert (report.fates, report.samples_sent) == ({Fate.REDRIVEN: 2}, 4)
    assert letters_of(place.backend) == []
    assert sorted(path.name for path in folder.iterdir()) == ["redriven"]
    assert sorted(path.name for path in (folder / "redriven").iterdir()) == names
    place.work()
    check_dataset(place, "good", 4)
    assert compare(place.backend, place.run("good")).complete


def test_redriving_a_folder_again_sends_nothing(place: Place, folder: Path) -> None:
    place.submit("good", samples=4, batch_size=2)
    let_die(place.backend)
    download(place, folder)
    redrive(place, folder)

    assert redrive(place, folder).fates == {}
    assert len(waiting_tasks(place.backend)) == 2


def test_a_mended_message_is_sent_and_its_letter_leaves_the_queue(place: Place, folder: Path) -> None:
    place.add("good")
    place.backend.queue.send(['{"type": "good", "num_samples": "three"}', '{"type": "good"'])
    let_die(place.backend)
    first, second = download(place, folder)
    edit(first, body={"type": "good", "num_samples": 3})
    edit(second, body='{"type": "good", "num_samples": 2, "start_index": 3}')

    report = redrive(place, folder)

    assert (report.fates, report.samples_sent) == ({Fate.REDRIVEN: 2}, 5)
    assert letters_of(place.backend) == []
    place.work()
    assert [run.num_samples for run in place.backend.ledger.list_runs()] == [3, 2]
    assert all(compare(place.backend, run).complete for run in place.backend.ledger.list_runs())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"body": {"type": "good", "num_samples": "ten"}}, "num_samples"),
        ({"body": {"type": "../good", "num_samples": 1}}, "type"),
        ({"body": {"type": "good", "num_samples": 1, "colour": "red"}}, "colour"),
        ({"body": "nonsense"}, "the message"),
        ({"body": 7}, "body"),
        ({"code": "bad_luck"}, "code"),
        ({"receive_count": "often"}, "receive_count"),
    ],
    ids=str,
)
def test_one_file_of_nonsense_is_named_with_its_field_and_nothing_is_sent(
    place: Place, folder: Path, changes: dict[str, Any], field: str
) -> None:
    place.submit("good", samples=6, batch_size=2)
    let_die(place.backend)
    last = download(place, folder)[-1]
    edit(last, **changes)

    with pytest.raises(InvalidRequestError, match=last.name) as caught:
        redrive(place, folder)

    assert field in (caught.value.why or "")
    assert place.backend.queue.depth().waiting == 0
    assert len(letters_of(place.backend)) == 3
    assert len(list(folder.glob("*.json"))) == 3


def test_a_message_that_nobody_mended_may_be_passed_over_by_a_filter(place: Place, folder: Path) -> None:
    place.backend.queue.send(["{nonsense"])
    place.submit("good", samples=2, batch_size=2)
    let_die(place.backend)
    download(place, folder)

    with pytest.raises(InvalidRequestError, match="is no task message"):
        redrive(place, folder)
    report = redrive(place, folder, reasons=(FailureCode.GENERATOR_FAILED,))

    assert report.fates == {Fate.PASSED_OVER: 1, Fate.REDRIVEN: 1}
    assert [letter.body for letter in letters_of(place.backend)] == ["{nonsense"]
    assert len(list(folder.glob("*.json"))) == 1


def test_a_dry_run_leaves_files_and_letters(place: Place, folder: Path) -> None:
    place.submit("good", samples=4, batch_size=2)
    let_die(place.backend)
    files = download(place, folder)

    report = redrive(place, folder, dry_run=True, batch_size=1)

    assert (report.tasks_sent, report.samples_sent) == (4, 4)
    assert download(place, folder) == files
    assert len(letters_of(place.backend)) == 2
    assert place.backend.queue.depth().waiting == 0


def test_a_send_that_fails_keeps_the_files_that_are_left(place: Place, folder: Path) -> None:
    place.submit("good", samples=6, batch_size=2)
    let_die(place.backend)
    files = download(place, folder)
    sends: list[int] = []

    def send(bodies: list[str]) -> Any:
        sends.append(len(bodies))
        queue = place.backend.queue if len(sends) == 1 else refusing(place.backend, 1).queue
        return queue.send(bodies)

    busy = Altered(place.backend, queue=Altered(place.backend.queue, send=send))
    with pytest.raises(ServiceError, match="not taken by the queue"):
        redrive(place, folder, busy)

    assert sorted(folder.glob("*.json")) == files[1:]
    assert len(letters_of(place.backend)) == 2
    assert redrive(place, folder).fates == {Fate.REDRIVEN: 2}
    assert len(waiting_tasks(place.backend)) == 3


def test_a_letter_that_got_the_id_of_an_older_one_is_not_deleted_for_it(place: Place, folder: Path) -> None:
    place.submit("good", samples=2, batch_size=2)
    let_die(place.backend)
    download(place, folder, delete=True)
    place.backend.queue.send(["{nonsense"])
    let_die(place.backend)

    redrive(place, folder)

    assert [letter.body for letter in letters_of(place.backend)] == ["{nonsense"]


def test_a_folder_that_another_process_redrives_is_refused(place: Place, folder: Path) -> None:
    place.submit("good", samples=2, batch_size=2)
    let_die(place.backend)
    download(place, folder)

    with locked(folder), pytest.raises(InvalidRequestError, match="Another process is redriving"):
        redrive(place, folder)

    assert place.backend.queue.depth().waiting == 0
    assert redrive(place, folder).fates == {Fate.REDRIVEN: 1}


def test_a_folder_that_is_not_there_is_named(place: Place, folder: Path) -> None:
    with pytest.raises(InvalidRequestError, match="is no folder of dead letters"):
        redrive(place, folder)
