"""How many messages a second the local queue takes and gives, beside the obvious way to do it.

    python tests/bench/bench_queue.py [--json] [--repeats N] [--depth N]

Four processes fill a queue to a depth of 100,000 and then lease and acknowledge from it at that depth. The
obvious way is one process with one transaction a message, on an indexed table in SQLite's default settings.
Each figure is the median of several repeats in this one run; all of them are in the JSON.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from vbvr_cli.backends.local import LocalBackend

PROCESSES = 4
LEASES = 8_000
OBVIOUS_SENDS, OBVIOUS_LEASES = 500, 200
BODY = json.dumps(
    {
        "type": "G-1_object_trajectory_data-generator",
        "num_samples": 100,
        "start_index": 1_234_500,
        "seed": 1_234_567_890,
        "output_format": "files",
        "output_bucket": "/data/vbvr",
        "run_id": "0123456789abcdef",
    }
)


def send(home: Path, count: int) -> None:
    """Fill the queue as a submit does, a thousand messages at a time."""
    queue = LocalBackend(home).queue
    for _ in range(count // 1000):
        queue.send([BODY] * 1000)


def lease_and_acknowledge(home: Path, count: int, at_once: int) -> None:
    """Work through messages as a worker does that has nothing to do."""
    queue = LocalBackend(home).queue
    for _ in range(count // at_once):
        queue.acknowledge(queue.lease(at_once, 600))


def together(action: Callable[..., None], home: Path, total: int, *arguments: int) -> float:
    """Actions a second when four processes share them, from the moment all of them are up."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(PROCESSES + 1)
    share = (home, total // PROCESSES, *arguments)
    processes = [context.Process(target=_begin_with, args=(start, action, share)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    start.wait()
    began = time.perf_counter()
    for process in processes:
        process.join()
    seconds = time.perf_counter() - began
    if any(process.exitcode for process in processes):
        sys.exit("a process of the benchmark failed")
    return total / seconds


def _begin_with(start: object, action: Callable[..., None], share: tuple[object, ...]) -> None:
    start.wait()  # type: ignore[attr-defined]
    action(*share)


def obvious(home: Path, depth: int) -> tuple[float, float]:
    """Sends and leases a second, one process, one transaction a message."""
    connection = sqlite3.connect(home / "obvious.sqlite3", isolation_level=None)
    connection.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT, leased_until REAL)")
    connection.execute("CREATE INDEX by_lease ON messages (leased_until, id)")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO messages (body, leased_until) VALUES (?, 0)", [(BODY,)] * depth)
    connection.execute("COMMIT")

    began = time.perf_counter()
    for _ in range(OBVIOUS_SENDS):
        connection.execute("INSERT INTO messages (body, leased_until) VALUES (?, 0)", (BODY,))
    sends = OBVIOUS_SENDS / (time.perf_counter() - began)

    began = time.perf_counter()
    for _ in range(OBVIOUS_LEASES):
        now = time.time()
        connection.execute("BEGIN IMMEDIATE")
        (message,) = connection.execute(
            "SELECT id FROM messages WHERE leased_until <= ? ORDER BY leased_until, id LIMIT 1", (now,)
        ).fetchone()
        connection.execute("UPDATE messages SET leased_until = ? WHERE id = ?", (now + 600, message))
        connection.execute("COMMIT")
        connection.execute("DELETE FROM messages WHERE id = ?", (message,))
    leases = OBVIOUS_LEASES / (time.perf_counter() - began)
    connection.close()
    return sends, leases


def measure(depth: int) -> dict[str, float]:
    """All figures once, on a fresh queue."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        sends, leases = obvious(home, depth)
        figures = {"obvious: send": sends, "obvious: lease + acknowledge": leases}
        figures["send"] = together(send, home, depth)
        figures["lease + acknowledge, one at a time"] = together(lease_and_acknowledge, home, LEASES, 1)
        together(send, home, LEASES)
        figures["lease + acknowledge, ten at a time"] = together(lease_and_acknowledge, home, LEASES, 10)
    return figures


def show(medians: dict[str, float], repeats: int, depth: int) -> None:
    """A table for people."""
    table = Table("messages/s", "median", "times the obvious", title=f"depth {depth:,}, {repeats} repeats")
    for name, value in medians.items():
        base = medians["obvious: send" if name.endswith("send") else "obvious: lease + acknowledge"]
        table.add_row(name, f"{value:,.0f}", f"{value / base:,.1f}")
    Console().print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--depth", type=int, default=100_000)
    options = parser.parse_args()
    rounds = [measure(options.depth) for _ in range(options.repeats)]
    figures = {name: [one[name] for one in rounds] for name in rounds[0]}
    medians = {name: statistics.median(values) for name, values in figures.items()}
    if options.json:
        json.dump({"depth": options.depth, "median": medians, "all": figures}, sys.stdout, indent=2)
        print()
    else:
        show(medians, options.repeats, options.depth)


if __name__ == "__main__":
    main()
