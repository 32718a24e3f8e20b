"""The local task queue: one table of messages, dead ones among them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from vbvr_cli.backends.local import processes
from vbvr_cli.backends.local.database import Database
from vbvr_cli.backends.ports import DeadLetter, Depth, Message, SendReport
from vbvr_cli.models import FailureCode, Reason

SCHEMA = """
CREATE TABLE messages (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    body          TEXT    NOT NULL,
    dead          INTEGER NOT NULL DEFAULT 0,
    available_at  REAL    NOT NULL,
    receive_count INTEGER NOT NULL DEFAULT 0,
    receipt       TEXT,
    holder        TEXT,
    died_at       REAL,
    code          TEXT,
    detail        TEXT,
    output        TEXT
);
CREATE INDEX messages_by_availability ON messages (dead, available_at, id);
CREATE TABLE totals (dead INTEGER PRIMARY KEY, messages INTEGER NOT NULL);
INSERT INTO totals VALUES (0, 0), (1, 0);
CREATE TRIGGER message_sent AFTER INSERT ON messages BEGIN
    UPDATE totals SET messages = messages + 1 WHERE dead = NEW.dead;
END;
CREATE TRIGGER message_deleted AFTER DELETE ON messages BEGIN
    UPDATE totals SET messages = messages - 1 WHERE dead = OLD.dead;
END;
CREATE TRIGGER message_died AFTER UPDATE OF dead ON messages BEGIN
    UPDATE totals SET messages = messages - 1 WHERE dead = OLD.dead;
    UPDATE totals SET messages = messages + 1 WHERE dead = NEW.dead;
END;
"""

_SEND = "INSERT INTO messages (body, available_at) VALUES (?, ?)"

# A receipt is random: it names one lease of one message.
_LEASE = """
UPDATE messages
SET available_at = :until, holder = :holder, receipt = hex(randomblob(8)),
    receive_count = receive_count + (dead = 0)
WHERE id IN (
    SELECT id FROM messages
    WHERE dead = :dead AND available_at <= :now ORDER BY available_at, id LIMIT :max_messages
)
RETURNING id, body, receipt, receive_count, code, detail, output, died_at
"""
_HOLDERS = """
SELECT holder, count(*) AS messages FROM messages
WHERE dead = :dead AND available_at > :now AND holder IS NOT NULL GROUP BY holder
"""
_LET_LAPSE = """
UPDATE messages SET available_at = :now, holder = NULL
WHERE dead = :dead AND available_at > :now AND holder = :holder
"""
_EXTEND = "UPDATE messages SET available_at = ? WHERE id = ? AND receipt = ?"
_GIVE_BACK = """
UPDATE messages SET available_at = ?, holder = NULL, receipt = NULL WHERE id = ? AND receipt = ?
"""
_DELETE = "DELETE FROM messages WHERE id = ? AND receipt = ?"
_BURY = """
UPDATE messages
SET dead = 1, died_at = :now, available_at = :now, holder = NULL, receipt = NULL,
    code = :code, detail = :detail, output = :output
WHERE id = :id AND receipt = :receipt
"""
# What waits is by far the most and is never counted: the totals less what is hidden.
_COUNT = """
SELECT (SELECT messages FROM totals WHERE dead = 0),
       (SELECT count(*) FROM messages WHERE dead = 0 AND available_at > :now),
       (SELECT messages FROM totals WHERE dead = 1)
"""

_PEEK = """
SELECT id, body, '', receive_count, code, detail, output, died_at FROM messages
WHERE dead = 1 ORDER BY died_at, id
"""

_SEND_AT_ONCE = 5_000  # messages a transaction: others get their turn within some 20 ms


class LocalQueue:
    """A TaskQueue in a SQLite file.

    A lease also ends when the process that took it no longer exists: after a crash nothing waits.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def send(self, bodies: Sequence[str]) -> SendReport:
        """Put messages into the queue, all of them: what fails here is the disk, and raises."""
        rest = iter(bodies)
        while chunk := list(islice(rest, _SEND_AT_ONCE)):
            with self._database.write() as connection:
                now = self._clock()
                connection.executemany(_SEND, ((body, now) for body in chunk))
        return SendReport(sent=len(bodies))

    def lease(self, max_messages: int, lease_seconds: float) -> list[Message]:
        """Take messages in the order in which they became available."""
        rows = self._lease(max_messages, lease_seconds, dead=False)
        return [Message(str(row_id), body, receipt, received) for row_id, body, receipt, received, *_ in rows]

    def extend(self, message: Message, lease_seconds: float) -> bool:
        """Let the lease end later; one that has lapsed is revived if nobody took the message since."""
        with self._database.write() as connection:
            until = self._clock() + lease_seconds
            return connection.execute(_EXTEND, (until, int(message.id), message.receipt)).rowcount == 1

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Delete messages for good."""
        self._for_each(_DELETE, [(int(message.id), message.receipt) for message in messages])

    def give_back(self, message: Message, delay_seconds: float = 0.0) -> None:
        """End the lease and line up at the end, or where the delay says."""
        available_at = self._clock() + delay_seconds
        self._for_each(_GIVE_BACK, [(available_at, int(message.id), message.receipt)])

    def dead_letter(self, message: Message, reason: Reason) -> None:
        """Move a message to the dead letters with its reason."""
        with self._database.write() as connection:
            connection.execute(
                _BURY,
                {
                    "now": self._clock(),
                    "code": reason.code.value,
                    "detail": reason.detail,
                    "output": reason.output,
                    "id": int(message.id),
                    "receipt": message.receipt,
                },
            )

    def depth(self) -> Depth:
        """Count the messages, exactly; those of processes that are gone are waiting."""
        with self._database.read() as connection:
            now = self._clock()
            living, hidden, dead = connection.execute(_COUNT, {"now": now}).fetchone()
            held = _holders(connection, now, dead=False)
        abandoned = sum(count for holder, count in held.items() if not processes.alive(holder))
        in_flight = sum(held.values()) - abandoned
        return Depth(living - hidden + abandoned, in_flight, hidden - abandoned - in_flight, dead)

    def lease_dead(self, max_messages: int, lease_seconds: float) -> list[DeadLetter]:
        """Take dead letters, those that died first before others."""
        return [_letter(row) for row in self._lease(max_messages, lease_seconds, dead=True)]

    def peek_dead(self) -> Iterator[DeadLetter]:
        """All dead letters, those that died first before others."""
        if self._database.exists():
            with self._database.read() as connection:
                yield from map(_letter, connection.execute(_PEEK))

    def delete_dead(self, letters: Sequence[DeadLetter]) -> None:
        """Delete dead letters for good."""
        self._for_each(_DELETE, [(int(letter.id), letter.receipt) for letter in letters])

    def give_back_dead(self, letters: Sequence[DeadLetter]) -> None:
        """End the leases; each letter is back where it stood, by the time it died."""
        self._for_each(_GIVE_BACK, [(letter.died_at, int(letter.id), letter.receipt) for letter in letters])

    def purge(self) -> int:
        """Delete all messages that are not dead, leased ones too."""
        if not self._database.exists():
            return 0
        with self._database.write() as connection:
            return connection.execute("DELETE FROM messages WHERE dead = 0").rowcount

    def _lease(self, max_messages: int, lease_seconds: float, *, dead: bool) -> list[tuple[Any, ...]]:
        """Lease what is available and, where that is too little, what processes held that are gone."""
        if not self._database.exists():
            return []
        rows = self._take(max_messages, lease_seconds, dead=dead)
        if len(rows) < max_messages and self._let_abandoned_lapse(dead=dead):
            rows += self._take(max_messages - len(rows), lease_seconds, dead=dead)
        return rows

    def _take(self, max_messages: int, lease_seconds: float, *, dead: bool) -> list[tuple[Any, ...]]:
        with self._database.write() as connection:
            now = self._clock()
            rows = connection.execute(
                _LEASE,
                {
                    "now": now,
                    "until": now + lease_seconds,
                    "holder": processes.identity(),
                    "dead": dead,
                    "max_messages": max_messages,
                },
            ).fetchall()
        return sorted(rows)

    def _let_abandoned_lapse(self, *, dead: bool) -> bool:
        """End the leases of processes that are gone; whether there were any."""
        with self._database.read() as connection:
            now = self._clock()
            held = _holders(connection, now, dead=dead)
        gone = [holder for holder in held if not processes.alive(holder)]
        if gone:
            with self._database.write() as connection:
                connection.executemany(
                    _LET_LAPSE, [{"now": now, "dead": dead, "holder": holder} for holder in gone]
                )
        return bool(gone)

    def _for_each(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            with self._database.write() as connection:
                connection.executemany(statement, rows)


def _letter(row: tuple[Any, ...]) -> DeadLetter:
    row_id, body, receipt, received, code, detail, output, died_at = row
    return DeadLetter(
        str(row_id), body, receipt, received, Reason(FailureCode(code), detail, output), died_at
    )


def _holders(connection: sqlite3.Connection, now: float, *, dead: bool) -> dict[str, int]:
    """How many messages each process has leased."""
    return dict(connection.execute(_HOLDERS, {"now": now, "dead": dead}).fetchall())
