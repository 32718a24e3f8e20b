"""What a process does that races with others; a new process finds it by the name of this module."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

from vbvr_cli.backends.ports import Backend

_start: Any = None
"""In a racing process: the barrier at which all wait for each other."""


def take_barrier(barrier: Any) -> None:
    global _start  # noqa: PLW0603 - a process pool hands things over in this way only
    _start = barrier


def in_process(action: Callable[..., Any], connect: Callable[[], Backend], *arguments: Any) -> Any:
    return run(_start, action, connect, *arguments)


def run(barrier: Any, action: Callable[..., Any], connect: Callable[[], Backend], *arguments: Any) -> Any:
    with closing(connect()) as backend:
        barrier.wait(timeout=60)
        return action(backend, *arguments)
