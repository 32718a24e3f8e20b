"""What a snapshot costs: 300 generators of many tasks against 300 of few.

Both ledgers and queues are filled through the ports. The large one plans 100,000 tasks a generator, of which
`--sent` are sent (2,000 unless told otherwise) and some of those done or dead: the counters that a snapshot
reads are the same rows whether a hundred tasks or a hundred thousand went into them.

    python tests/bench/bench_monitor.py [--sent 2000] [--generators 300]
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vbvr_cli.backends.local import LocalBackend
from vbvr_cli.models import Claim, FailureCode, Outcome, Provenance, Reason, RunKey, RunSpec, Task
from vbvr_cli.operations.monitor import Monitor

BATCH = 100
LOOKS = 7


def main() -> None:
    """Fill, look, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--generators", type=int, default=300)
    parser.add_argument("--sent", type=int, default=2_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for planned, sent in ((10, 10), (100_000, options.sent)):
            home = Path(folder) / f"{planned}"
            began = time.perf_counter()
            fill(home, options.generators, planned, sent)
            filled = time.perf_counter() - began
            print(f"{options.generators} generators x {planned:,} tasks, {sent:,} of each sent: ", end="")
            print(f"filled in {filled:.0f} s, {_megabytes(home):.0f} MB")
            for name, cost in measure(home).items():
                print(f"  {name:<10} {cost.milliseconds:8.1f} ms  {cost.statements:5d} statements")


@dataclass(frozen=True, slots=True)
class Cost:
    """The median of some looks, and the SQL statements of each."""

    milliseconds: float
    statements: int


def fill(home: Path, generators: int, planned: int, sent: int) -> None:
    """Runs with so many tasks planned and sent; a few of each generator's are done, one is dead."""
    backend = LocalBackend(home)
    for number in range(generators):
        generator = f"G-{number}_bench_data-generator"
        provenance = Provenance(commit="0123abc")
        spec = RunSpec(generator=generator, provenance=provenance, environment="e", batch_size=BATCH)
        key = RunKey(backend.default_bucket, spec.run_id)
        backend.ledger.create_run(key, spec, planned * BATCH)
        tasks = [Task(key, generator, start, BATCH, start) for start in range(0, sent * BATCH, BATCH)]
        backend.queue.send([task.to_message().to_json() for task in tasks])
        backend.ledger.confirm_sent(key, tasks)
        for position, task in enumerate(tasks[:5]):
            claim = backend.ledger.claim(task, "bench", 3600)
            assert isinstance(claim, Claim)
            if position == 0:
                backend.ledger.fail(claim, Reason(FailureCode.GENERATOR_FAILED, "bench"))
            elif position < 4:
                backend.ledger.complete(claim, Outcome(BATCH, 40_000_000, 30.0, remade=1, duplicates=2))
    backend.close()


def measure(home: Path) -> dict[str, Cost]:
    """The whole look, and its two reads alone; connections are open, as in a watch."""
    statements: list[str] = []
    connect = sqlite3.connect

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_trace_callback(statements.append)
        return connection

    sqlite3.connect = traced  # type: ignore[assignment]
    try:
        backend = LocalBackend(home)
        monitor = Monitor(backend)
        reads = {"snapshot": monitor.look, "depth": backend.queue.depth, "progress": backend.ledger.progress}
        costs = {}
        for name, read in reads.items():
            read()
            seconds = []
            for _ in range(LOOKS):
                statements.clear()
                began = time.perf_counter()
                read()
                seconds.append(time.perf_counter() - began)
            costs[name] = Cost(1000 * statistics.median(seconds), len(statements))
        backend.close()
    finally:
        sqlite3.connect = connect
    return costs


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.iterdir()) / 1e6


if __name__ == "__main__":
    main()
