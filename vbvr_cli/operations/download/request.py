"""What of a dataset is to be brought, and in which form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

ARCHIVE_NAME = re.compile(r"(.+)_\d{5,}-\d{5,}\.tar\.gz")


@dataclass(frozen=True, slots=True)
class DownloadRequest:
    """Generators by name or glob and a run by the beginning of its id; empty means all."""

    generators: tuple[str, ...] = ()
    run_id: str | None = None
    extract: bool = False
    workers: int = 16

    def __str__(self) -> str:
        return ", ".join([*self.generators, *([f"run {self.run_id}"] if self.run_id else [])])

    def wants(self, generator: str, run_id: str) -> bool:
        """Whether a run is asked for."""
        return self._wants_generator(generator) and run_id.startswith(self.run_id or "")

    def wants_unmanifested(self, key: str) -> bool:
        """Whether an object below `questions/` is asked for: nobody knows which run it is of."""
        name = key.split("/")[1]
        archive = ARCHIVE_NAME.fullmatch(name)
        return self.run_id is None and self._wants_generator(archive[1] if archive else name)

    def _wants_generator(self, generator: str) -> bool:
        patterns = self.generators
        return not patterns or any(fnmatchcase(generator, pattern) for pattern in patterns)
