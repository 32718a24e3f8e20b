"""The local target: a folder for the state, and folders as buckets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from vbvr_cli.backends.local import buckets, dedup, ledger, queue
from vbvr_cli.backends.local.database import Database
from vbvr_cli.backends.local.store import FolderStore
from vbvr_cli.backends.ports import Part
from vbvr_cli.errors import UnknownBucketError


class LocalBackend:
    """A Backend below one folder, for any number of processes of this machine.

    Queue, ledger and registry are files of their own: no transaction spans them, as none does on AWS.
    Nothing is created before something is written. `clock` gives seconds since the epoch.
    """

    target = "local"
    lanes = 1
    fleet = None
    discovered: Mapping[str, str] = MappingProxyType({})

    def __init__(self, home: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.description = f"local, state in {home}"
        folder = home.resolve()
        self.default_bucket = str(folder / "data")
        messages = Database(folder / "queue.sqlite3", queue.SCHEMA)
        records = Database(folder / "ledger.sqlite3", ledger.SCHEMA + buckets.SCHEMA)
        puzzles = Database(folder / "dedup.sqlite3", dedup.SCHEMA)
        self.queue = queue.LocalQueue(messages, clock)
        self.ledger = ledger.LocalLedger(records, clock)
        self.dedup = dedup.LocalDedup(puzzles)
        self._buckets = buckets.AllowedBuckets(records)
        self._databases = (messages, records, puzzles)
        self._stores: dict[str, FolderStore] = {}

    def store(self, bucket: str) -> FolderStore:
        """The store of a bucket, an absolute path. Raises UnknownBucketError for one not allowed."""
        if bucket not in self._stores:
            if bucket != self.default_bucket and not self._buckets.allows(bucket):
                raise UnknownBucketError(
                    f"Nobody allowed samples to be written to {bucket!r}.",
                    why="What a message names is written to only if the operator allowed it.",
                    hint=f"Use {self.default_bucket}, or name the bucket in a submit of your own.",
                )
            self._stores[bucket] = FolderStore(Path(bucket))
        return self._stores[bucket]

    def allow_bucket(self, bucket: str) -> None:
        """Let samples be written to a folder."""
        if bucket != self.default_bucket:
            self._buckets.allow(bucket)

    def parts(self) -> Sequence[Part]:
        """The state folder is all there is, and whoever has settings has looked at it."""
        return ()

    def close(self) -> None:
        """Close the databases and remove what the stores kept for themselves."""
        for store in self._stores.values():
            store.close()
        for database in self._databases:
            database.close()
