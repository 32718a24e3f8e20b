"""The runs in the local ledger."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from vbvr_cli.errors import InvalidRequestError, RangeTakenError
from vbvr_cli.models import Run, RunKey, RunSpec

# A row without a spec is a run that is known by its tasks only, until a submit or a repair records it. One
# that was removed stays as such a row, marked as cancelled.
SCHEMA = """
CREATE TABLE runs (
    number      INTEGER PRIMARY KEY,
    bucket      TEXT    NOT NULL,
    run_id      TEXT    NOT NULL,
    generator   TEXT    NOT NULL,
    spec        TEXT,
    extents     TEXT,
    start_index INTEGER,
    end_index   INTEGER,
    cancelled   INTEGER NOT NULL DEFAULT 0,
    exhausted   INTEGER NOT NULL DEFAULT 0,
    UNIQUE (bucket, run_id)
);
CREATE INDEX runs_by_range ON runs (bucket, generator, start_index);
"""

_ENSURE = "INSERT INTO runs (bucket, run_id, generator) VALUES (?, ?, ?) RETURNING number"
_MARKS = "SELECT number, cancelled, exhausted FROM runs WHERE bucket = ? AND run_id = ?"
_PUT = """
INSERT INTO runs (bucket, run_id, generator, spec, extents, start_index, end_index, cancelled, exhausted)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    generator = excluded.generator, spec = excluded.spec, extents = excluded.extents,
    start_index = excluded.start_index, end_index = excluded.end_index,
    cancelled = excluded.cancelled, exhausted = excluded.exhausted
"""
_GET = """
SELECT bucket, run_id, spec, extents, cancelled, exhausted FROM runs
WHERE bucket = ? AND run_id = ? AND spec IS NOT NULL
"""
_LIST = """
SELECT bucket, run_id, spec, extents, cancelled, exhausted FROM runs
WHERE spec IS NOT NULL AND bucket = ifnull(:bucket, bucket) AND generator = ifnull(:generator, generator)
ORDER BY bucket, generator, start_index
"""
_MARK = """
UPDATE runs SET cancelled = ifnull(:cancelled, cancelled), exhausted = ifnull(:exhausted, exhausted)
WHERE bucket = :bucket AND run_id = :run_id
"""
_REMOVE = (
    "DELETE FROM tasks WHERE run = ?",
    "DELETE FROM tallies WHERE run = ?",
    """
    UPDATE runs
    SET spec = NULL, extents = NULL, start_index = NULL, end_index = NULL, cancelled = 1, exhausted = 0
    WHERE number = ?
    """,
)
_REMOVED = "SELECT 1 FROM runs WHERE bucket = ? AND run_id = ? AND spec IS NULL AND cancelled"
_OVERLAPPING = """
SELECT run_id, start_index, end_index FROM runs
WHERE bucket = ? AND generator = ? AND start_index < ? AND end_index > ? ORDER BY start_index LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Marks:
    """What a claim must know of a run. `number` stands for the run in the other tables."""

    number: int
    cancelled: bool
    exhausted: bool


def marks(connection: sqlite3.Connection, key: RunKey) -> Marks | None:
    """The marks of a run, None for one that was never heard of."""
    row = connection.execute(_MARKS, (key.bucket, key.run_id)).fetchone()
    return Marks(row[0], bool(row[1]), bool(row[2])) if row else None


def ensure(connection: sqlite3.Connection, key: RunKey, generator: str) -> Marks:
    """The marks of a run, which is known from now on if only by its tasks."""
    found = marks(connection, key)
    if found is None:
        (number,) = connection.execute(_ENSURE, (key.bucket, key.run_id, generator)).fetchone()
        found = Marks(number, cancelled=False, exhausted=False)
    return found


def put(connection: sqlite3.Connection, run: Run) -> None:
    """Record a run, replacing its record."""
    connection.execute(
        _PUT,
        (
            run.key.bucket,
            run.key.run_id,
            run.spec.generator,
            run.spec.model_dump_json(),
            json.dumps(run.extents),
            run.start_index,
            run.end_index,
            run.cancelled,
            run.exhausted,
        ),
    )


def mark(
    connection: sqlite3.Connection,
    key: RunKey,
    *,
    cancelled: bool | None = None,
    exhausted: bool | None = None,
) -> None:
    """Set the marks that are given."""
    connection.execute(
        _MARK,
        {"cancelled": cancelled, "exhausted": exhausted, "bucket": key.bucket, "run_id": key.run_id},
    )


def remove(connection: sqlite3.Connection, key: RunKey) -> None:
    """Forget a run and all that other tables have of it."""
    found = marks(connection, key)
    if found is not None:
        for statement in _REMOVE:
            connection.execute(statement, (found.number,))


def was_removed(connection: sqlite3.Connection, key: RunKey) -> bool:
    """Whether a run was here and was removed."""
    return connection.execute(_REMOVED, (key.bucket, key.run_id)).fetchone() is not None


def get(connection: sqlite3.Connection, key: RunKey) -> Run | None:
    """One run's record."""
    row = connection.execute(_GET, (key.bucket, key.run_id)).fetchone()
    return _run(row) if row else None


def require(connection: sqlite3.Connection, key: RunKey) -> Run:
    """One run's record. Raises InvalidRequestError where there is none."""
    run = get(connection, key)
    if run is None:
        raise InvalidRequestError(
            f"There is no run {key.run_id} in {key.bucket}.", hint="See `vbvr status` for the runs there are."
        )
    return run


def select(connection: sqlite3.Connection, bucket: str | None, generator: str | None) -> list[Run]:
    """Runs by bucket, generator and first index."""
    return [_run(row) for row in connection.execute(_LIST, {"bucket": bucket, "generator": generator})]


def require_free(
    connection: sqlite3.Connection, bucket: str, generator: str, start_index: int, end_index: int
) -> None:
    """Raise RangeTakenError if a part of the range is some run's."""
    row = connection.execute(_OVERLAPPING, (bucket, generator, end_index, start_index)).fetchone()
    if row:
        owner, taken_start, taken_end = row
        raise RangeTakenError(generator, (start_index, end_index), owner, (taken_start, taken_end))


def _run(row: tuple[Any, ...]) -> Run:
    bucket, run_id, spec, extents, cancelled, exhausted = row
    return Run(
        RunKey(bucket, run_id),
        RunSpec.model_validate_json(spec),
        tuple((start, end) for start, end in json.loads(extents)),
        bool(cancelled),
        bool(exhausted),
    )
