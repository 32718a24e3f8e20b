"""The counters of the local ledger: a row for each run, state and reason, kept right by triggers."""

from __future__ import annotations

import sqlite3
from collections import Counter

from vbvr_cli.models import FailureCode, Progress, Run, TaskState

# The triggers run in the transaction of whatever changes a task, so no change can miss its counters.
# Tasks are only ever deleted together with their run and its tallies: deleting needs no trigger.
SCHEMA = """
CREATE TABLE tallies (
    run        INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    code       TEXT    NOT NULL,
    tasks      INTEGER NOT NULL,
    samples    INTEGER NOT NULL,
    made       INTEGER NOT NULL,
    num_bytes  INTEGER NOT NULL,
    seconds    REAL    NOT NULL,
    remade     INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    PRIMARY KEY (run, state, code)
) WITHOUT ROWID;

CREATE TRIGGER task_added AFTER INSERT ON tasks BEGIN
    INSERT INTO tallies VALUES (
        new.run, new.state, iif(new.state = 'dead', new.code, ''),
        1, new.num_samples, new.made, new.num_bytes, new.seconds, new.remade, new.duplicates
    )
    ON CONFLICT DO UPDATE SET
        tasks = tasks + 1, samples = samples + excluded.samples, made = made + excluded.made,
        num_bytes = num_bytes + excluded.num_bytes, seconds = seconds + excluded.seconds,
        remade = remade + excluded.remade, duplicates = duplicates + excluded.duplicates;
END;

CREATE TRIGGER task_changed AFTER UPDATE ON tasks BEGIN
    UPDATE tallies SET
        tasks = tasks - 1, samples = samples - old.num_samples, made = made - old.made,
        num_bytes = num_bytes - old.num_bytes, seconds = seconds - old.seconds,
        remade = remade - old.remade, duplicates = duplicates - old.duplicates
    WHERE run = old.run AND state = old.state AND code = iif(old.state = 'dead', old.code, '');
    INSERT INTO tallies VALUES (
        new.run, new.state, iif(new.state = 'dead', new.code, ''),
        1, new.num_samples, new.made, new.num_bytes, new.seconds, new.remade, new.duplicates
    )
    ON CONFLICT DO UPDATE SET
        tasks = tasks + 1, samples = samples + excluded.samples, made = made + excluded.made,
        num_bytes = num_bytes + excluded.num_bytes, seconds = seconds + excluded.seconds,
        remade = remade + excluded.remade, duplicates = duplicates + excluded.duplicates;
END;
"""

_OF_RUN = """
SELECT state, code, tasks, samples, made, num_bytes, seconds, remade, duplicates FROM tallies
WHERE run = (SELECT number FROM runs WHERE bucket = ? AND run_id = ?) AND tasks > 0 AND state <> 'planned'
"""


def progress(connection: sqlite3.Connection, run: Run) -> Progress:
    """A run's counters."""
    tasks: Counter[TaskState] = Counter()
    samples: Counter[TaskState] = Counter()
    made: Counter[TaskState] = Counter()
    reasons: dict[FailureCode, int] = {}
    totals = (0, 0.0, 0, 0)
    for row in connection.execute(_OF_RUN, (run.key.bucket, run.key.run_id)):
        state = TaskState(row[0])
        tasks[state] += row[2]
        samples[state] += row[3]
        made[state] += row[4]
        if state is TaskState.DEAD:
            reasons[FailureCode(row[1])] = row[2]
        if state is TaskState.DONE:
            totals = row[5:]
    num_bytes, seconds, remade, duplicates = totals
    return Progress(
        run=run.key,
        generator=run.spec.generator,
        samples_planned=run.num_samples,
        samples_done=made[TaskState.DONE],
        samples_dead=samples[TaskState.DEAD],
        samples_making=made[TaskState.CLAIMED],
        num_bytes=num_bytes,
        seconds=seconds,
        remade=remade,
        duplicates=duplicates,
        tasks=dict(tasks),
        reasons=reasons,
        cancelled=run.cancelled,
        output_format=run.spec.output_format,
    )
