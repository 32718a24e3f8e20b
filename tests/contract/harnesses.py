"""The back ends that the contract suite runs over.

A back end joins with one entry in `HARNESSES`: a context manager that yields a `BackendUnderTest` with a
queue that is empty and a ledger that knows nothing. Emulators stand in for AWS; no test waits for
time to pass. Between them and the tests' own process each batch call is done in part, and every seventh
request is throttled.
"""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest import mock

from emulators.ministack import Ministack, ministack

from vbvr_cli.backends.local import LocalBackend
from vbvr_cli.backends.ports import Backend

if TYPE_CHECKING:
    import boto3
    from emulators.partial_failures import PartialFailures

    from vbvr_cli.backends.aws.backend import AwsBackend
    from vbvr_cli.backends.aws.resources import Resources


@dataclass(frozen=True)
class BackendUnderTest:
    """A back end, and what a test needs beside it.

    `reconnect` gives another back end on the same state, as another process would have; it can be pickled
    if `across_processes`. `lease` is a lease in seconds that no test outlasts by itself; `advance` lets so
    many seconds pass, by waiting or by moving a clock. `bucket` is an allowed bucket, empty and unused, and
    `other_bucket` another one. `pace` is how much it does in a while, at most 1: what a test repeats many
    times it repeats `often` so.
    """

    backend: Backend
    reconnect: Callable[[], Backend]
    advance: Callable[[float], None]
    bucket: str
    other_bucket: str
    lease: float
    across_processes: bool
    pace: float = 1.0

    def often(self, times: int) -> int:
        """How often to do what a fast back end does so many times."""
        return max(1, round(times * self.pace))

    def let_leases_lapse(self) -> None:
        """Wait until what was leased for `lease` seconds is free again."""
        self.advance(self.lease + 1)


class StandingClock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@contextmanager
def local(folder: Path) -> Iterator[BackendUnderTest]:
    """The local back end, in a folder of its own."""
    clock = StandingClock()
    connect = partial(LocalBackend, folder / "state", clock=clock)
    backend = connect()
    buckets = [str(folder / name) for name in ("bucket", "other")]
    for bucket in buckets:
        backend.allow_bucket(bucket)
    try:
        yield BackendUnderTest(
            backend=backend,
            reconnect=connect,
            advance=clock.advance,
            bucket=buckets[0],
            other_bucket=buckets[1],
            lease=60.0,
            across_processes=True,
        )
    finally:
        backend.close()


@cache
def aws_session() -> boto3.Session:
    """One session a process: making clients is slow with a new one. moto only gets into later ones."""
    import moto  # noqa: F401
    from emulators.stack import session

    return session()


@cache
def failing_session() -> tuple[boto3.Session, PartialFailures]:
    """A session, and what makes batch calls fail in part on its wire."""
    import moto  # noqa: F401
    from emulators.partial_failures import PartialFailures
    from emulators.stack import session

    failing = session()
    return failing, PartialFailures(failing)


@contextmanager
def tries_without_pauses() -> Iterator[None]:
    """What fails is tried again at once."""
    from vbvr_cli.backends.aws import calls

    with (
        mock.patch.object(calls, "BACKOFF", calls.Backoff(first=0.0, most=0.0)),
        mock.patch("botocore.retries.standard.ExponentialBackoff.delay_amount", return_value=0),
    ):
        yield


def connect_aws(resources: Resources, url: str | None, clock: StandingClock, tests_own: int) -> AwsBackend:
    """A back end on a stack. What it is made of is imported by those processes only that need it.

    In the process `tests_own` its batch calls fail in part.
    """
    from vbvr_cli.backends.aws.backend import AwsBackend

    session = failing_session()[0] if os.getpid() == tests_own else aws_session()
    # moto is within boto3: what goes past that would go to AWS.
    in_moto = url is None
    return AwsBackend(resources, session, endpoint_url=url, clock=clock, fast=not in_moto)


@contextmanager
def aws_in_moto(_folder: Path) -> Iterator[BackendUnderTest]:
    """The AWS back end on moto, which lives in this process."""
    from emulators.moto_in_process import moto
    from emulators.stack import make_stack

    clock = StandingClock()
    with moto(clock), tries_without_pauses():
        resources = make_stack(aws_session())
        connect = partial(connect_aws, resources, None, clock, os.getpid())
        with closing(connect()) as backend:
            yield _on_aws(backend, connect, clock.advance, across_processes=False, pace=0.1)


@contextmanager
def aws_in_ministack(_folder: Path) -> Iterator[BackendUnderTest]:
    """The AWS back end on a ministack, which all tests of this process share, on a stack of its own."""
    from emulators.stack import make_stack

    from vbvr_cli.backends.aws.posting import Poster

    clock, server = StandingClock(), running_ministack()

    def advance(seconds: float) -> None:
        clock.advance(seconds)
        server.advance(seconds)

    resources = make_stack(aws_session(), server.url)
    connect = partial(connect_aws, resources, server.url, clock, os.getpid())
    in_part = failing_session()[1].in_posts(Poster.post_all)
    with (
        tries_without_pauses(),
        mock.patch.object(Poster, "post_all", in_part),
        closing(connect()) as backend,
    ):
        yield _on_aws(backend, connect, advance, across_processes=True, pace=0.25)


def _on_aws(
    backend: AwsBackend,
    connect: Callable[[], Backend],
    advance: Callable[[float], None],
    *,
    across_processes: bool,
    pace: float,
) -> BackendUnderTest:
    bucket, other_bucket = backend.resources.extra_buckets
    return BackendUnderTest(
        backend=backend,
        reconnect=connect,
        advance=advance,
        bucket=bucket,
        other_bucket=other_bucket,
        lease=60.0,
        across_processes=across_processes,
        pace=pace,
    )


@cache
def running_ministack() -> Ministack:
    """The ministack of this process; it ends with it."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(stack.enter_context(TemporaryDirectory()))
    return stack.enter_context(ministack(folder))


HARNESSES: dict[str, Callable[[Path], AbstractContextManager[BackendUnderTest]]] = {
    "local": local,
    "moto": aws_in_moto,
    "ministack": aws_in_ministack,
}
