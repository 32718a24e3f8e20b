"""What a task has registered as made first."""

from __future__ import annotations

from vbvr_cli.backends.ports import DedupRegistry
from vbvr_cli.models import Task


class TaskPuzzles:
    """One task's view of the registry of duplicates."""

    def __init__(self, registry: DedupRegistry, task: Task) -> None:
        self._registry = registry
        self._task = task

    def register(self, hashes: list[tuple[int, str]]) -> list[bool]:
        """(Index, param_hash) in order; False for one that somebody else has made."""
        task = self._task
        return self._registry.register(task.run.bucket, task.generator, task.run.run_id, hashes)

    def forget(self) -> None:
        """Let go of what the task registered."""
        task = self._task
        self._registry.release(
            task.run.bucket, task.generator, task.run.run_id, task.start_index, task.end_index
        )
