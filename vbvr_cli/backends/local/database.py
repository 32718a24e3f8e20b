"""One SQLite file: opened when it is first needed, shared by threads and processes."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from vbvr_cli.backends.local import faults
from vbvr_cli.errors import ConfigurationError

LAYOUT = 1
_BUSY_SECONDS = 60.0
_OLDEST_SQLITE = (3, 38)


class Database:
    """A database file with its tables, made by the first write.

    A connection serves one thread at a time and only the process that opened it.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._schema = schema
        self._pid = os.getpid()
        self._opened: list[sqlite3.Connection] = []
        self._idle: list[sqlite3.Connection] = []
        self._inherited: list[sqlite3.Connection] = []

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A consistent view; of empty tables where there is no file, so that looking leaves nothing."""
        if not self.exists():
            with closing(sqlite3.connect(":memory:")) as nothing:
                nothing.executescript(self._schema)
                yield nothing
            return
        with self._borrow() as connection:
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its start: committed whole, or not at all."""
        if not self.exists():
            self._make_folder()
        with self._borrow() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def exists(self) -> bool:
        """Whether anything was ever written."""
        return self._path.exists()

    def close(self) -> None:
        """Close this process's connections; the next use opens new ones."""
        self._leave_inherited_alone()
        self._idle.clear()
        while self._opened:
            self._opened.pop().close()

    @contextmanager
    def _borrow(self) -> Iterator[sqlite3.Connection]:
        self._leave_inherited_alone()
        opening = not self._opened
        try:
            connection = self._idle_one() or self._open()
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._idle.append(connection)
        except sqlite3.Error as error:
            translated = faults.from_sqlite_error(error, self._path, opening=opening)
            if translated is None:
                raise
            raise translated from error

    def _idle_one(self) -> sqlite3.Connection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _leave_inherited_alone(self) -> None:
        """After a fork, open anew: SQLite forbids using and even closing the parent's connections."""
        if self._pid != os.getpid():
            self._inherited += self._opened
            self._opened, self._idle = [], []
            self._pid = os.getpid()

    def _open(self) -> sqlite3.Connection:
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            raise ConfigurationError(
                f"This Python brings SQLite {sqlite3.sqlite_version}; the local target needs 3.38 or newer.",
                hint="Use a newer Python, for example one that uv installs.",
            )
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._opened.append(connection)
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        layout = _layout(connection)
        if layout not in {0, LAYOUT}:
            raise faults.wrong_version(self._path, layout, LAYOUT)
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        if layout == 0:
            self._create_tables(connection)

    def _create_tables(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        if _layout(connection) == 0:  # else another process was faster
            for statement in _statements(self._schema):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {LAYOUT}")
        connection.execute("COMMIT")

    def _make_folder(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise faults.from_os_error(error, self._path.parent) from error


def _layout(connection: sqlite3.Connection) -> int:
    """The layout of the tables in a file, 0 for a new one."""
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    return int(layout)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Let readers and a writer work side by side; SQLite does not wait for a lock here, so we do."""
    give_up_at = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)
        else:
            return


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; `executescript` would commit the transaction it runs in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
