"""How far a download is, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

KEPT_PROBLEMS = 1_000


@dataclass(slots=True)
class Downloaded:
    """What a download has brought so far. `samples_total` and `bytes_total` none: nobody knows.

    `files` were brought, `present` were there; `failed` were not brought, `problems` says why of the first.
    `samples_missing` were asked for, but are not made. `checked`: against manifests, not by size alone.
    """

    samples: int = 0
    num_bytes: int = 0
    files: int = 0
    present: int = 0
    failed: int = 0
    samples_total: int | None = None
    bytes_total: int | None = None
    samples_missing: int = 0
    problems: list[str] = field(default_factory=list)
    checked: bool = True

    def add(self, samples: int, num_bytes: int, files: int, present: int) -> None:
        """So much more is there."""
        self.samples += samples
        self.num_bytes += num_bytes
        self.files += files
        self.present += present

    def note(self, problem: str) -> None:
        """One object more could not be brought."""
        self.failed += 1
        if len(self.problems) < KEPT_PROBLEMS:
            self.problems.append(problem)
