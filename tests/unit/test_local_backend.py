"""The local back end as a whole: where it keeps what, and what it leaves when it only looked."""

from __future__ import annotations

from pathlib import Path

import pytest

from vbvr_cli.backends.local import LocalBackend
from vbvr_cli.errors import InvalidRequestError, UnknownBucketError
from vbvr_cli.models import Provenance, RunKey, RunSpec, Task

SPEC = RunSpec(generator="G-1_maze", provenance=Provenance(commit="0123abc"), environment="e0")


def test_it_says_where_its_state_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    backend = LocalBackend(Path(".vbvr"))

    assert backend.description == "local, state in .vbvr"
    assert backend.default_bucket == str(tmp_path / ".vbvr" / "data")


def test_its_folder_stays_the_same_when_the_process_goes_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    backend = LocalBackend(Path("state"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    backend.queue.send(["a"])

    assert (tmp_path / "state" / "queue.sqlite3").exists()


def test_a_state_that_is_reached_by_a_link_has_the_same_bucket(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "state")

    assert LocalBackend(tmp_path / "link").default_bucket == LocalBackend(tmp_path / "state").default_bucket


def test_looking_leaves_nothing(tmp_path: Path) -> None:
    backend = LocalBackend(tmp_path / "state")
    key = RunKey(backend.default_bucket, SPEC.run_id)
    task = Task(key, SPEC.generator, 0, 10, 0)

    backend.ledger.progress()
    backend.ledger.list_runs()
    backend.ledger.get_run(key)
    backend.ledger.get_task(task)
    backend.ledger.states(key, [task])
    list(backend.ledger.tasks(key))
    backend.queue.depth()
    backend.queue.lease(1, 60)
    backend.queue.lease_dead(1, 60)
    backend.dedup.release(backend.default_bucket, SPEC.generator, SPEC.run_id, 0, 10)
    list(backend.store(backend.default_bucket).list_objects(""))
    with pytest.raises(UnknownBucketError):
        backend.store("/somewhere/else")
    backend.close()

    assert list(tmp_path.iterdir()) == []


def test_queue_ledger_and_registry_are_files_of_their_own(tmp_path: Path) -> None:
    backend = LocalBackend(tmp_path / "state")
    backend.queue.send(["a"])
    backend.ledger.create_run(RunKey(backend.default_bucket, SPEC.run_id), SPEC, 10)
    backend.dedup.register(backend.default_bucket, SPEC.generator, SPEC.run_id, [(0, "aa")])
    backend.close()

    files = sorted(path.name for path in (tmp_path / "state").iterdir())

    assert files == ["dedup.sqlite3", "ledger.sqlite3", "queue.sqlite3"]


@pytest.mark.parametrize("bucket", ["relative", "./data", "/data/", "/data/../other", "//data//x", ""])
def test_a_bucket_is_a_plain_absolute_path(tmp_path: Path, bucket: str) -> None:
    backend = LocalBackend(tmp_path / "state")

    with pytest.raises(InvalidRequestError, match="absolute path") as refused:
        backend.allow_bucket(bucket)

    assert refused.value.hint is not None
    with pytest.raises(UnknownBucketError):
        backend.store(bucket)


def test_an_unknown_bucket_is_refused_with_the_way_out(tmp_path: Path) -> None:
    backend = LocalBackend(tmp_path / "state")

    with pytest.raises(UnknownBucketError, match="/data/mine") as refused:
        backend.store("/data/mine")

    assert backend.default_bucket in str(refused.value.hint)
