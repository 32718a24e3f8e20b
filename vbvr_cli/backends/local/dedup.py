"""The local registry of duplicates: who made a puzzle first."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from vbvr_cli.backends.local.database import Database

SCHEMA = """
CREATE TABLE scopes (
    id        INTEGER PRIMARY KEY,
    bucket    TEXT NOT NULL,
    generator TEXT NOT NULL,
    UNIQUE (bucket, generator)
);
CREATE TABLE puzzles (
    scope        INTEGER NOT NULL,
    param_hash   TEXT    NOT NULL,
    run_id       TEXT    NOT NULL,
    sample_index INTEGER NOT NULL,
    PRIMARY KEY (scope, param_hash)
) WITHOUT ROWID;
CREATE INDEX puzzles_by_owner ON puzzles (scope, run_id, sample_index);
"""

_ADD_SCOPE = "INSERT INTO scopes (bucket, generator) VALUES (?, ?) ON CONFLICT DO NOTHING"
_SCOPE = "SELECT id FROM scopes WHERE bucket = ? AND generator = ?"
_REGISTER = "INSERT INTO puzzles VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_OWNER = "SELECT run_id, sample_index FROM puzzles WHERE scope = ? AND param_hash = ?"
_RELEASE = """
DELETE FROM puzzles
WHERE scope = (SELECT id FROM scopes WHERE bucket = ? AND generator = ?)
  AND run_id = ? AND sample_index >= ? AND sample_index < ?
"""


class LocalDedup:
    """A DedupRegistry in a SQLite file; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(
        self, bucket: str, generator: str, run_id: str, hashes: Sequence[tuple[int, str]]
    ) -> list[bool]:
        """Register (sample index, param_hash) pairs in order; True where this owner has the puzzle."""
        with self._database.write() as connection:
            connection.execute(_ADD_SCOPE, (bucket, generator))
            (scope,) = connection.execute(_SCOPE, (bucket, generator)).fetchone()
            return [
                _wins(connection, scope, param_hash, (run_id, sample_index))
                for sample_index, param_hash in hashes
            ]

    def release(self, bucket: str, generator: str, run_id: str, start_index: int, end_index: int) -> None:
        """Forget what this run registered for a range of indices."""
        if self._database.exists():
            with self._database.write() as connection:
                connection.execute(_RELEASE, (bucket, generator, run_id, start_index, end_index))


def _wins(connection: sqlite3.Connection, scope: int, param_hash: str, owner: tuple[str, int]) -> bool:
    """Register one puzzle unless it is taken; whether it is this owner's now."""
    connection.execute(_REGISTER, (scope, param_hash, *owner))
    holder = connection.execute(_OWNER, (scope, param_hash)).fetchone()
    return bool(holder == owner)
