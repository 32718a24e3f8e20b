"""What Ctrl-C means for a command that can go on later."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stoppable(kept: str) -> Iterator[None]:
    """Turn Ctrl-C into an error that says what is `kept` and how to go on: with the same command."""
    from vbvr_cli.errors import InterruptedWorkError

    try:
        yield
    except KeyboardInterrupt:
        same = shlex.join(["vbvr", *sys.argv[1:]])
        raise InterruptedWorkError(f"Stopped. {kept}", hint=f"Go on with: {same}") from None
