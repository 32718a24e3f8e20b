"""Fetching 150 repositories from a loopback git server that is 50 ms away, beside a loop of `git clone`.

    python tests/bench/bench_fetching.py [--repositories 150] [--latency 0.05] [--jobs 8]

The server answers each request after the latency, with git's own HTTP back end, in a process of its own on
the same cores. Each repository has 12 files and one commit. Prints seconds, and how many times faster.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))

from catalog_repositories import make_repository, serve

from vbvr_cli.catalog.checkouts import Checkouts
from vbvr_cli.catalog.fetching import DEFAULT_JOBS, Fetcher, State, Wanted


def main() -> None:
    """Make the repositories, fetch them both ways, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repositories", type=int, default=150)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--jobs", type=int, default=DEFAULT_JOBS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        commits = make_repositories(folder / "origin", options.repositories)
        addresses: multiprocessing.Queue[str] = multiprocessing.Queue()
        server = multiprocessing.Process(
            target=keep_serving, args=(folder / "origin", options.latency, addresses), daemon=True
        )
        server.start()
        url = addresses.get()
        fetcher = Fetcher(Checkouts(folder / "fetched"), jobs=options.jobs)
        pinned = [Wanted(name, f"{url}/{name}", head) for name, head in commits.items()]
        first = timed(lambda: fetch(fetcher, pinned))
        again = timed(lambda: fetch(fetcher, pinned))
        newest = [Wanted(f"{name}-newest", f"{url}/{name}") for name in commits]
        unpinned = timed(lambda: fetch(fetcher, newest))
        loop = timed(lambda: clone_all(url, list(commits), folder / "cloned"))
        server.terminate()
    print(f"git clone --depth 1, one after the other {loop:6.1f} s")
    for what, seconds in (("by commit", first), ("newest commit", unpinned)):
        print(f"fetch, {what}, {options.jobs} at a time {seconds:6.1f} s: {loop / seconds:.1f} times faster")
    print(f"fetch again, nothing to do {again:6.2f} s")


def make_repositories(origin: Path, number: int) -> dict[str, str]:
    """Their commits by name."""
    modules = {f"src/module_{part}.py": "value = 1\n" * 200 for part in range(10)}
    return {
        f"g{each}": make_repository(
            origin / f"g{each}", {**modules, "samples/a.png": os.urandom(50_000).hex()}
        )
        for each in range(number)
    }


def keep_serving(origin: Path, latency: float, addresses: multiprocessing.Queue[str]) -> None:
    """Serve until terminated."""
    with serve(origin, latency_seconds=latency) as url:
        addresses.put(url)
        threading.Event().wait()


def fetch(fetcher: Fetcher, wanted: list[Wanted]) -> None:
    """Fetch all, or stop with what went wrong."""
    failed = [one for one in fetcher.fetch(wanted) if one.state is State.FAILED]
    if failed:
        raise SystemExit(f"{len(failed)} failed: {failed[0].why}")


def clone_all(url: str, names: list[str], folder: Path) -> None:
    """What a script would do."""
    folder.mkdir()
    for name in names:
        command = ["git", "clone", "--quiet", "--depth", "1", f"{url}/{name}", str(folder / name)]
        subprocess.run(command, check=True)


def timed(work: Callable[[], object]) -> float:
    """How many seconds it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
