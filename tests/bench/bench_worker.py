"""The worker's own share of a task, how two workers scale, and what a worker and a submit keep in memory.

    python tests/bench/bench_worker.py [--rounds 5] [--json]

A task is 25 samples of a generator that takes 0.1 s a sample. The bare run is what one would type:
`python examples/generate.py`, once a round, in turns with the worker.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from vbvr_cli.backends.local import LocalBackend
from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.operations.submit import Submitter
from vbvr_cli.worker.pace import Pace
from vbvr_cli.worker.worker import Worker
from vbvr_cli.worker.workspace import Workspace

GENERATORS = Path(__file__).with_name("generators")
NAME = "tenth_data-generator"
BATCH = 25


def bare() -> None:
    """The generator alone, with the environment that the worker gives it as far as speed goes."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "examples/generate.py", "--num-samples", str(BATCH), "--output", folder],
            cwd=GENERATORS / NAME,
            env={**os.environ, "PYTHONPATH": str(GENERATORS / NAME), "OMP_NUM_THREADS": "1"},
            check=True,
            stdout=subprocess.DEVNULL,
        )


def catalog() -> Catalog:
    """The benchmark's own generators."""
    return Catalog.load(generators_paths=[GENERATORS])


def submit(home: Path, tasks: int, batch_size: int = BATCH) -> LocalBackend:
    """A queue with so many tasks."""
    backend = LocalBackend(home)
    Submitter(backend, catalog()).submit([NAME], samples=tasks * batch_size, batch_size=batch_size)
    return backend


def work(home: Path, core: int | None = None) -> None:
    """One worker until the queue is empty."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    with Workspace(home / "tmp") as workspace:
        backend = LocalBackend(home)
        Worker(backend, catalog().get, workspace, name="bench", pace=Pace(idle=0.05)).work(until_empty=True)


def seconds(action: Callable[[], object]) -> float:
    """Wall time."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def one_task() -> float:
    """Seconds from lease to acknowledge, the worker being up already as it is for all tasks but the first."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        submit(home, 1)
        backend = LocalBackend(home)
        with Workspace(home / "tmp") as workspace:
            worker = Worker(backend, catalog().get, workspace, name="bench")
            catalog().get(NAME)
            [message] = backend.queue.lease(1, 60)
            return seconds(lambda: worker.handle(message))


def workers(count: int, tasks: int) -> float:
    """Tasks a second of so many workers, each pinned to a core of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        submit(home, tasks)
        cores = sorted(os.sched_getaffinity(0))
        context = multiprocessing.get_context("spawn")
        processes = [context.Process(target=work, args=(home, cores[number])) for number in range(count)]

        def run() -> None:
            for process in processes:
                process.start()
            for process in processes:
                process.join()

        return tasks / seconds(run)


def peak_mb_of(action: str) -> float:
    """The peak resident memory in MB of a new process that does one thing of this file."""
    code = (
        f"import resource, sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import bench_worker; "
        "from pathlib import Path; "
        f"bench_worker.{action}; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(answer.stdout.split()[-1])


def worker_memory(batch_size: int) -> float:
    """Peak MB of a worker process over a task of so many samples."""
    with tempfile.TemporaryDirectory() as folder:
        submit(Path(folder), 1, batch_size)
        return peak_mb_of(f"work(Path({folder!r}))")


def submit_memory(tasks: int) -> float:
    """Peak MB of a process that submits so many tasks."""
    with tempfile.TemporaryDirectory() as folder:
        return peak_mb_of(f"submit(Path({folder!r}), {tasks}, 10)")


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bares, tasks = [], []
    for _ in range(options.rounds):
        bares.append(seconds(bare))
        tasks.append(one_task())
    ones, twos = [], []
    for _ in range(max(1, options.rounds // 2)):
        ones.append(workers(1, 4))
        twos.append(workers(2, 8))
    figures = {
        "bare_seconds": statistics.median(bares),
        "task_seconds": statistics.median(tasks),
        "task_to_bare": statistics.median(task / plain for task, plain in zip(tasks, bares, strict=True)),
        "two_workers_to_one": statistics.median(two / one for one, two in zip(ones, twos, strict=True)),
        "worker_mb_batch_10": worker_memory(10),
        "worker_mb_batch_100": worker_memory(100),
        "submit_mb_10000_tasks": submit_memory(10_000),
        "submit_mb_1000000_tasks": submit_memory(1_000_000),
    }
    if options.json:
        print(json.dumps({"figures": figures, "bare": bares, "task": tasks, "one": ones, "two": twos}))
        return
    for name, value in figures.items():
        print(f"{name:<26}{value:>10.2f}")


if __name__ == "__main__":
    main()
