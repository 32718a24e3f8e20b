"""The tasks in the local ledger: how they are kept."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from vbvr_cli.backends.transitions import StoredTask
from vbvr_cli.models import FailureCode, Outcome, Reason, Rounds, RunKey, Task, TaskRecord, TaskState

# `made`: samples made so far while claimed, in the end when done; otherwise 0, as the outcome's other parts.
SCHEMA = """
CREATE TABLE tasks (
    id            INTEGER PRIMARY KEY,
    run           INTEGER NOT NULL,
    start_index   INTEGER NOT NULL,
    num_samples   INTEGER NOT NULL,
    seed          INTEGER NOT NULL,
    output_format TEXT    NOT NULL,
    dedup         INTEGER NOT NULL,
    state         TEXT    NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    fence         INTEGER NOT NULL DEFAULT 0,
    worker        TEXT,
    holder        TEXT,
    claimed_until REAL,
    finished_at   REAL,
    code          TEXT,
    detail        TEXT,
    output        TEXT,
    made          INTEGER NOT NULL DEFAULT 0,
    num_bytes     INTEGER NOT NULL DEFAULT 0,
    seconds       REAL    NOT NULL DEFAULT 0,
    remade        INTEGER NOT NULL DEFAULT 0,
    duplicates    INTEGER NOT NULL DEFAULT 0,
    rounds        TEXT,
    children      TEXT,
    UNIQUE (run, start_index, num_samples, seed)
);
"""

_ADD = """
INSERT INTO tasks (run, start_index, num_samples, seed, output_format, dedup, state)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET state = excluded.state WHERE state = 'planned' AND excluded.state = 'sent'
"""
_STATE = "SELECT state FROM tasks WHERE run = ? AND start_index = ? AND num_samples = ? AND seed = ?"
_REOPEN = """
UPDATE tasks
SET state = 'planned', attempts = 0, worker = NULL, holder = NULL, claimed_until = NULL, finished_at = NULL,
    code = NULL, detail = NULL, output = NULL, children = NULL,
    made = 0, num_bytes = 0, seconds = 0, remade = 0, duplicates = 0
WHERE run = ? AND start_index = ? AND num_samples = ? AND seed = ?
"""
_FIND = "SELECT * FROM tasks WHERE run = ? AND start_index = ? AND num_samples = ? AND seed = ?"
_SAVE = """
UPDATE tasks
SET state = ?, attempts = ?, fence = ?, worker = ?, holder = ?, claimed_until = ?, finished_at = ?,
    code = ?, detail = ?, output = ?, made = ?, num_bytes = ?, seconds = ?, remade = ?, duplicates = ?,
    rounds = ?, children = ?
WHERE id = ?
"""
_PAGE = """
SELECT tasks.*, generator FROM tasks JOIN runs ON number = run
WHERE bucket = ? AND run_id = ? AND (tasks.start_index, num_samples, seed) > (?, ?, ?)
  AND state IN (SELECT value FROM json_each(?))
ORDER BY tasks.start_index, num_samples, seed LIMIT 1000
"""


def find(connection: sqlite3.Connection, run: int, task: Task) -> StoredTask | None:
    """A task as it is kept; None for one never seen."""
    row = _rows(connection, _FIND, _identity(run, task)).fetchone()
    return _stored(row, task) if row else None


def find_or_add(connection: sqlite3.Connection, run: int, task: Task) -> StoredTask:
    """A task as it is kept, from now on at least as planned."""
    add(connection, run, [task], TaskState.PLANNED)
    return _stored(_rows(connection, _FIND, _identity(run, task)).fetchone(), task)


def add(connection: sqlite3.Connection, run: int, tasks: Iterable[Task], state: TaskState) -> None:
    """Add tasks as planned or sent; of those there are already, planned ones may become sent."""
    connection.executemany(
        _ADD, ((*_identity(run, task), task.output_format, task.dedup, state.value) for task in tasks)
    )


def reopen(connection: sqlite3.Connection, run: int, tasks: Iterable[Task]) -> None:
    """Set tasks back to planned; fences and rounds stay."""
    connection.executemany(_REOPEN, (_identity(run, task) for task in tasks))


def states(connection: sqlite3.Connection, run: int, tasks: Sequence[Task]) -> list[TaskState]:
    """The state of each task."""
    rows = (connection.execute(_STATE, _identity(run, task)).fetchone() for task in tasks)
    return [TaskState(row[0]) if row else TaskState.PLANNED for row in rows]


def save(connection: sqlite3.Connection, stored: StoredTask) -> None:
    """Keep what became of a task."""
    record = stored.record
    reason = (record.reason.code.value, record.reason.detail, record.reason.output) if record.reason else None
    outcome = record.outcome or Outcome(stored.made, 0, 0.0)
    connection.execute(
        _SAVE,
        (
            record.state.value,
            record.attempts,
            stored.fence,
            record.worker,
            stored.holder,
            record.claimed_until,
            record.finished_at,
            *(reason or (None, None, None)),
            outcome.num_samples,
            outcome.num_bytes,
            outcome.seconds,
            outcome.remade,
            outcome.duplicates,
            record.rounds.to_json() if record.rounds else None,
            _children_to_json(record.children) if record.children else None,
            stored.id,
        ),
    )


def page(
    connection: sqlite3.Connection, key: RunKey, states: Iterable[TaskState], after: Task | None
) -> list[StoredTask]:
    """The next thousand tasks of a run in the order of their indices."""
    position = (after.start_index, after.num_samples, after.seed) if after else (-1, 0, 0)
    return [
        _stored(row, _task(row, key))
        for row in _rows(connection, _PAGE, (key.bucket, key.run_id, *position, json.dumps(list(states))))
    ]


def _identity(run: int, task: Task) -> tuple[int, int, int, int]:
    return run, task.start_index, task.num_samples, task.seed


def _rows(connection: sqlite3.Connection, query: str, parameters: tuple[Any, ...]) -> sqlite3.Cursor:
    cursor = connection.cursor()
    cursor.row_factory = sqlite3.Row
    return cursor.execute(query, parameters)


def _task(row: sqlite3.Row, key: RunKey) -> Task:
    return Task(
        run=key,
        generator=row["generator"],
        start_index=row["start_index"],
        num_samples=row["num_samples"],
        seed=row["seed"],
        output_format=row["output_format"],
        dedup=bool(row["dedup"]),
    )


def _stored(row: sqlite3.Row, task: Task) -> StoredTask:
    state = TaskState(row["state"])
    record = TaskRecord(
        task=task,
        state=state,
        attempts=row["attempts"],
        worker=row["worker"],
        claimed_until=row["claimed_until"],
        finished_at=row["finished_at"],
        reason=Reason(FailureCode(row["code"]), row["detail"], row["output"]) if row["code"] else None,
        outcome=_outcome(row) if state is TaskState.DONE else None,
        rounds=Rounds.from_json(row["rounds"]) if row["rounds"] else None,
        children=_children_from_json(row["children"], task) if row["children"] else (),
    )
    made = row["made"] if state is TaskState.CLAIMED else 0
    return StoredTask(row["id"], record, row["fence"], row["holder"], made)


def _outcome(row: sqlite3.Row) -> Outcome:
    return Outcome(row["made"], row["num_bytes"], row["seconds"], row["remade"], row["duplicates"])


def _children_to_json(children: Sequence[Task]) -> str:
    return json.dumps([(child.start_index, child.num_samples, child.seed) for child in children])


def _children_from_json(text: str, parent: Task) -> tuple[Task, ...]:
    """Children differ from their parent in nothing but range and seed."""
    return tuple(
        replace(parent, start_index=start_index, num_samples=num_samples, seed=seed)
        for start_index, num_samples, seed in json.loads(text)
    )
