"""`vbvr fetch-generators` of 150 repositories on a loopback server 50 ms away, beside a loop of `git clone`.

    python tests/bench/bench_fetching.py [--runs 3] [--repositories 150] [--latency 0.05] [--jobs 16]

The server is a process of its own on the same cores, and answers each request after the latency. Each
repository has 12 files, ten of Python with 2 kB and one of 100 kB that compresses by half, and one commit.
The whole command is timed: its start, fetching, reading requirements, writing generators.lock. In each run
come a fetch by commit, the same again with nothing to do, a fetch of the newest commits, and the loop;
every other run begins with the loop. Prints each run's seconds and how many times faster, with the
processor time a repository of client and server in milliseconds; then the range and the median.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))

from catalog_repositories import make_repository

from vbvr_cli.catalog.fetching import DEFAULT_JOBS

LOOP, BY_COMMIT, AGAIN, NEWEST = "git clone --depth 1", "by commit", "by commit, again", "newest commit"


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock, and processor seconds of client and server with their children."""

    seconds: float
    client: float
    server: float


class Bench:
    """The repositories of a server, and both ways to have them here."""

    def __init__(
        self, folder: Path, url: str, commits: dict[str, str], server: psutil.Process, jobs: int
    ) -> None:
        self._folder = folder
        self._url = url
        self._commits = commits
        self._server = server
        self._jobs = jobs

    def run(self, number: int) -> dict[str, Spent]:
        """Each way once, in a folder of its own; nothing is deleted, which would slow what follows."""
        here = self._folder / f"run-{number}"
        (here / "cloned").mkdir(parents=True)
        pinned = self._fetch_command(here / "pinned", pinned=True)
        newest = self._fetch_command(here / "newest", pinned=False)
        ways: list[tuple[str, Callable[[], object]]] = [
            (BY_COMMIT, lambda: must_run(pinned)),
            (AGAIN, lambda: must_run(pinned)),
            (NEWEST, lambda: must_run(newest)),
        ]
        loop = (LOOP, lambda: self._clone_all(here / "cloned"))
        return {name: self._timed(way) for name, way in ([loop, *ways] if number % 2 else [*ways, loop])}

    def _fetch_command(self, home: Path, *, pinned: bool) -> list[str]:
        home.mkdir()
        generators = [
            {"name": name, "source": {"git": f"{self._url}/{name}"} | ({"commit": head} if pinned else {})}
            for name, head in self._commits.items()
        ]
        catalog = home / "generators.yaml"
        catalog.write_text(json.dumps({"version": 1, "generators": generators}))
        command = ["fetch-generators", "-g", "all", "--jobs", str(self._jobs)]
        return [sys.executable, "-m", "vbvr_cli", *command, "--catalog", str(catalog), "--home", str(home)]

    def _clone_all(self, folder: Path) -> None:
        """What a script would do."""
        for name in self._commits:
            command = ["git", "clone", "--quiet", "--depth", "1", f"{self._url}/{name}", str(folder / name)]
            must_run(command)

    def _timed(self, work: Callable[[], object]) -> Spent:
        client, server = processor_seconds(psutil.Process()), processor_seconds(self._server)
        began = time.perf_counter()
        work()
        seconds = time.perf_counter() - began
        return Spent(
            seconds,
            processor_seconds(psutil.Process()) - client,
            processor_seconds(self._server) - server,
        )


def main() -> None:
    """Make the repositories, fetch them both ways as often as asked, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--repositories", type=int, default=150)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--jobs", type=int, default=DEFAULT_JOBS)
    options = parser.parse_args()
    runs: list[dict[str, Spent]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        commits = make_repositories(folder / "origin", options.repositories)
        with serving(folder / "origin", options.latency) as (url, server):
            bench = Bench(folder, url, commits, server, options.jobs)
            for number in range(options.runs):
                runs.append(bench.run(number))
                load = os.getloadavg()[0]
                print(f"run {number + 1}, {options.jobs} at a time, load afterwards {load:.1f}")
                show(runs[-1], options.repositories)
    for way in (BY_COMMIT, NEWEST):
        ratios = [run[LOOP].seconds / run[way].seconds for run in runs]
        print(f"{way}: {min(ratios):.1f} to {max(ratios):.1f} times, median {statistics.median(ratios):.1f}")


def make_repositories(origin: Path, number: int) -> dict[str, str]:
    """Their commits by name."""
    modules = {f"src/module_{part}.py": f"value = {part}\n" * 200 for part in range(10)}
    return {
        f"g{each}": make_repository(
            origin / f"g{each}", {**modules, "samples/a.png": os.urandom(50_000).hex()}
        )
        for each in range(number)
    }


@contextmanager
def serving(origin: Path, latency: float) -> Iterator[tuple[str, psutil.Process]]:
    """The server's address and process."""
    command = [sys.executable, str(Path(__file__).with_name("git_server.py")), str(origin), str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}", psutil.Process(process.pid)
        finally:
            process.terminate()


def must_run(command: list[str]) -> None:
    """Run it, or stop with what it said."""
    ended = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if ended.returncode:
        raise SystemExit(ended.stderr)


def processor_seconds(process: psutil.Process) -> float:
    """What a process and those of its children that have ended have used."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def show(run: dict[str, Spent], repositories: int) -> None:
    """A line for each way."""
    for way, spent in run.items():
        ratio = f"{run[LOOP].seconds / spent.seconds:6.1f} times" if way in {BY_COMMIT, NEWEST} else " " * 12
        client, server = (each * 1000 / repositories for each in (spent.client, spent.server))
        print(f"  {way:20}{spent.seconds:7.2f} s {ratio}; client {client:5.1f} ms, server {server:5.1f} ms")


if __name__ == "__main__":
    main()
