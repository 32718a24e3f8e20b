"""Which folders samples may be written to."""

from __future__ import annotations

import os
from pathlib import Path

from vbvr_cli.backends.local.database import Database
from vbvr_cli.errors import InvalidRequestError

SCHEMA = """
CREATE TABLE buckets (bucket TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class AllowedBuckets:
    """The folders that the operator allowed, remembered for every process on this state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def allow(self, bucket: str) -> None:
        """Remember a folder. Raises InvalidRequestError for a path that is not absolute and plain."""
        if not Path(bucket).is_absolute() or os.path.normpath(bucket) != bucket:
            raise InvalidRequestError(
                f"{bucket!r} is not the absolute path of a folder.",
                why="A bucket of the local target is a folder; its path names it, so it has one form only.",
                hint=f"Write {Path(bucket).resolve()}.",
            )
        with self._database.write() as connection:
            connection.execute("INSERT INTO buckets VALUES (?) ON CONFLICT DO NOTHING", (bucket,))

    def allows(self, bucket: str) -> bool:
        """Whether the folder was allowed."""
        with self._database.read() as connection:
            found = connection.execute("SELECT 1 FROM buckets WHERE bucket = ?", (bucket,)).fetchone()
        return found is not None
