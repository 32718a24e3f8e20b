"""Checks several generators."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from vbvr_cli.catalog.checking.examine import examine
from vbvr_cli.catalog.checking.report import Report
from vbvr_cli.catalog.generator import Generator

FULL, QUICK = 200, 20
"""Samples of each of the two long runs."""


def check_generators(
    generators: Sequence[Generator],
    scratch: Path,
    *,
    samples: int,
    jobs: int,
    on_done: Callable[[Report], None] = lambda _: None,
) -> list[Report]:
    """Check each generator, `jobs` at a time, every one in a process of its own; in the order given.

    More jobs than cores spoil the times that are measured.
    """
    # Spawned, and one generator each: what a process's children hold is then that generator's memory.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool:
        waiting = [pool.submit(examine, generator, scratch, samples=samples) for generator in generators]
        try:
            for future in as_completed(waiting):
                on_done(future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():  # our signal was not theirs
                child.terminate()
            raise
    return [future.result() for future in waiting]
