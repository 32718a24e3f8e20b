"""Runs each contract test over every back end, and over threads and processes where it is about racing."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import racing
from harnesses import HARNESSES, BackendUnderTest
from ledger_examples import key_of, spec, task_of

from vbvr_cli.backends.ports import DedupRegistry, Ledger, SampleStore, TaskQueue
from vbvr_cli.models import Run, Task

RACERS = 4


@pytest.fixture(params=HARNESSES)
def under_test(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BackendUnderTest]:
    with HARNESSES[request.param](tmp_path) as harness:
        yield harness


@pytest.fixture
def queue(under_test: BackendUnderTest) -> TaskQueue:
    return under_test.backend.queue


@pytest.fixture
def store(under_test: BackendUnderTest) -> SampleStore:
    return under_test.backend.store(under_test.bucket)


@pytest.fixture
def ledger(under_test: BackendUnderTest) -> Ledger:
    return under_test.backend.ledger


@pytest.fixture
def dedup(under_test: BackendUnderTest) -> DedupRegistry:
    return under_test.backend.dedup


@pytest.fixture(scope="session")
def process_pool() -> Iterator[Executor]:
    """Processes that stay: what they lease is held when their part of a test is over."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(RACERS, context, racing.take_barrier, (context.Barrier(RACERS),)) as pool:
        yield pool


@pytest.fixture(params=["threads", "processes"])
def race(request: pytest.FixtureRequest, under_test: BackendUnderTest) -> Callable[..., list[Any]]:
    """Run an action four times at once, each with a connection of its own; what each came to."""
    if request.param == "threads":
        pool: Executor = ThreadPoolExecutor(RACERS)
        run: Callable[..., Any] = partial(racing.run, threading.Barrier(RACERS))
    elif under_test.across_processes:
        pool, run = request.getfixturevalue("process_pool"), racing.in_process
    else:
        pytest.skip("this back end lives in one process")

    def at_once(action: Callable[..., Any], *arguments: Any) -> list[Any]:
        futures = [pool.submit(run, action, under_test.reconnect, *arguments) for _ in range(RACERS)]
        return [future.result(timeout=120) for future in futures]

    return at_once


@pytest.fixture
def run(under_test: BackendUnderTest) -> Run:
    """A run of 1000 samples."""
    one = spec()
    return under_test.backend.ledger.create_run(key_of(under_test.bucket, one), one, 1000)


@pytest.fixture
def task(ledger: Ledger, run: Run) -> Task:
    """The run's first task, sent."""
    first = task_of(run.key, 0)
    ledger.confirm_sent(run.key, [first])
    return first
