"""The SQLite files of the local target: versions, damage, locks, threads and forks."""

from __future__ import annotations

import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import pytest

from vbvr_cli.backends.local import LocalBackend, database
from vbvr_cli.backends.local.database import Database
from vbvr_cli.errors import ConfigurationError, DiskFullError, ServiceError

SCHEMA = "CREATE TABLE things (name TEXT);\n"
FILES = ("queue.sqlite3", "ledger.sqlite3", "dedup.sqlite3")


@pytest.fixture
def things(tmp_path: Path) -> Database:
    return Database(tmp_path / "state" / "things.sqlite3", SCHEMA)


def add(things: Database, name: str) -> None:
    with things.write() as connection:
        connection.execute("INSERT INTO things VALUES (?)", (name,))


def add_and_fail(things: Database, name: str) -> None:
    with things.write() as connection:
        connection.execute("INSERT INTO things VALUES (?)", (name,))
        raise ZeroDivisionError


def count(things: Database) -> int:
    with things.read() as connection:
        (found,) = connection.execute("SELECT count(*) FROM things").fetchone()
    return int(found)


def use_all(backend: LocalBackend) -> list[str]:
    """Use each part of a back end; the errors that it answers with."""
    errors = []
    for use in (
        backend.queue.depth,
        lambda: backend.queue.send(["a"]),
        backend.ledger.progress,
        lambda: backend.dedup.register("b", "g", "r", [(0, "aa")]),
    ):
        with pytest.raises(ConfigurationError) as refused:
            use()
        errors.append(f"{refused.value} {refused.value.hint}")
    return errors


def test_reading_creates_nothing(things: Database, tmp_path: Path) -> None:
    assert count(things) == 0
    assert not things.exists()
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_is_read(things: Database) -> None:
    add(things, "a")

    assert count(things) == 1


def test_a_write_that_fails_leaves_nothing(things: Database) -> None:
    add(things, "a")

    with pytest.raises(ZeroDivisionError):
        add_and_fail(things, "b")

    assert count(things) == 1
    add(things, "c")
    assert count(things) == 2


def test_a_reader_sees_what_was_there_when_it_began(things: Database) -> None:
    add(things, "a")

    with things.read() as connection:
        connection.execute("SELECT * FROM things").fetchall()
        add(things, "b")
        seen = connection.execute("SELECT count(*) FROM things").fetchone()

    assert seen == (1,)


def test_it_can_be_used_again_after_closing(things: Database) -> None:
    add(things, "a")
    things.close()

    assert count(things) == 1


def test_closing_leaves_one_file(things: Database, tmp_path: Path) -> None:
    add(things, "a")

    things.close()

    assert [path.name for path in (tmp_path / "state").iterdir()] == ["things.sqlite3"]


def test_threads_that_come_and_go_leave_no_connections_behind(things: Database) -> None:
    for n in range(20):
        thread = threading.Thread(target=add, args=(things, str(n)))
        thread.start()
        thread.join()

    assert count(things) == 20
    assert len(things._opened) == 1


def test_threads_work_side_by_side(things: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: add(things, str(n)), range(200)))

    assert count(things) == 200


def test_many_who_write_first_make_one_file(tmp_path: Path) -> None:
    start = threading.Barrier(8)

    def write_first(n: int) -> None:
        mine = Database(tmp_path / "things.sqlite3", SCHEMA)
        start.wait()
        add(mine, str(n))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write_first, range(8)))

    assert count(Database(tmp_path / "things.sqlite3", SCHEMA)) == 8


def test_a_file_that_another_is_just_making_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite does not wait for the lock that changing the journal mode needs."""
    locked = sqlite3.OperationalError("database is locked")
    locked.sqlite_errorcode = sqlite3.SQLITE_BUSY
    connection = Mock(spec=sqlite3.Connection)
    connection.execute.side_effect = [locked, locked, None]
    monkeypatch.setattr(database.time, "sleep", Mock())

    database._use_wal(connection)

    assert connection.execute.call_count == 3


def test_a_forked_child_opens_connections_of_its_own(things: Database) -> None:
    add(things, "parent")
    mine = things._opened[0]
    if (child := os.fork()) == 0:
        code = 1
        try:
            add(things, "child")
            code = 0 if mine not in things._opened and count(things) == 2 else 2
        finally:
            os._exit(code)

    assert os.waitpid(child, 0)[1] == 0
    add(things, "parent again")
    assert count(things) == 3
    with things.read() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_state_of_another_version_is_refused_with_the_way_out(tmp_path: Path) -> None:
    home = tmp_path / "state"
    home.mkdir()
    for name in FILES:
        with sqlite3.connect(home / name) as connection:
            connection.execute("CREATE TABLE other (x)")
            connection.execute("PRAGMA user_version = 99")
        connection.close()

    for error in use_all(LocalBackend(home)):
        assert str(home) in error
        assert "layout 99" in error
        assert f"layout {database.LAYOUT}" in error
        assert "--home" in error


@pytest.mark.parametrize("content", [b"this is no database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_state_is_refused_with_the_way_out(tmp_path: Path, content: bytes) -> None:
    home = tmp_path / "state"
    home.mkdir()
    for name in FILES:
        (home / name).write_bytes(content)

    for error in use_all(LocalBackend(home)):
        assert str(home) in error
        assert "damaged" in error
        assert "--home" in error


def test_damage_that_shows_later_is_named_too(things: Database, tmp_path: Path) -> None:
    with things.write() as connection:
        connection.executemany("INSERT INTO things VALUES (?)", [("x" * 100,)] * 2000)
    things.close()
    path = tmp_path / "state" / "things.sqlite3"
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xff" * (len(data) - 8192)
    path.write_bytes(data)

    with pytest.raises(ConfigurationError, match="damaged") as refused, things.read() as connection:
        connection.execute("SELECT * FROM things").fetchall()

    assert str(path) in refused.value.what


def test_an_empty_file_is_a_new_state(things: Database, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "things.sqlite3").touch()

    add(things, "a")

    assert count(things) == 1


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("not a folder")

    with pytest.raises(ConfigurationError, match="state"):
        LocalBackend(tmp_path / "state").queue.send(["a"])


def test_a_lock_that_is_never_released_is_a_service_error(
    things: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(things, "a")
    things.close()
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.01)
    other = Database(tmp_path / "state" / "things.sqlite3", SCHEMA)

    with (
        other.write(),
        pytest.raises(ServiceError, match="stayed locked") as refused,
        things.write(),
    ):
        pass

    assert str(tmp_path) in refused.value.what


def test_a_full_database_is_a_full_disk(things: Database) -> None:
    add(things, "a")
    with things.write() as connection:
        connection.execute("PRAGMA max_page_count = 4")

    with pytest.raises(DiskFullError) as full:
        add(things, "x" * 100_000)

    assert "things.sqlite3" in full.value.what
    assert full.value.hint is not None
    assert count(things) == 1


def test_a_state_that_becomes_read_only_is_a_service_error(things: Database) -> None:
    add(things, "a")
    with things.read() as connection:
        connection.execute("PRAGMA query_only = ON")

    with pytest.raises(ServiceError, match="writing"):
        add(things, "b")


def test_a_mistake_of_our_own_is_not_dressed_up(things: Database) -> None:
    with pytest.raises(sqlite3.OperationalError), things.write() as connection:
        connection.execute("SELECT nonsense FROM nowhere")


def test_an_old_sqlite_is_refused(things: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 0))

    with pytest.raises(ConfigurationError, match="SQLite"):
        add(things, "a")
