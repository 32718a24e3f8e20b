"""How many requests a snapshot of the monitor makes on AWS: 300 generators of many tasks against 300 of few.

Both ledgers are filled through the ports, on an emulator. The large one plans 100,000 tasks a generator, of
which `--sent` are sent (640 unless told otherwise). Requests are counted as they are sent.

    python tests/bench/bench_monitor_aws.py [--sent 640] [--generators 300]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from emulators.interference import Interference
from emulators.ministack import ministack
from emulators.stack import make_stack, session

from vbvr_cli.backends.aws.backend import AwsBackend
from vbvr_cli.models import Claim, FailureCode, Outcome, Provenance, Reason, RunKey, RunSpec, Task
from vbvr_cli.operations.monitor import Monitor

BATCH = 100
LOOKS = 5


def main() -> None:
    """Fill, look, print. Exit code 1 if the large one takes more requests."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--generators", type=int, default=300)
    parser.add_argument("--sent", type=int, default=640)
    options = parser.parse_args()
    counted = []
    with tempfile.TemporaryDirectory() as folder, ministack(Path(folder)) as emulator:
        for planned, sent in ((10, 10), (100_000, options.sent)):
            watched = session()
            wire = Interference(watched)
            stack = make_stack(watched, emulator.url, extra_buckets=0)
            with closing(AwsBackend(stack, watched, endpoint_url=emulator.url)) as backend:
                fill(backend, options.generators, planned, sent)
                requests, seconds = measure(backend, wire)
            counted.append(requests)
            listed = ", ".join(f"{number} {name}" for name, number in sorted(requests.items()))
            print(f"{options.generators} generators x {planned:,} tasks, {sent:,} of each sent: ", end="")
            print(f"{requests.total()} requests ({listed}), {seconds:.2f} s")
    sys.exit(counted[0] != counted[1])


def fill(backend: AwsBackend, generators: int, planned: int, sent: int) -> None:
    """Runs with so many tasks planned and sent; a few of each generator's are done, one is dead."""

    def fill_one(number: int) -> None:
        generator = f"G-{number}_bench_data-generator"
        spec = RunSpec(
            generator=generator, provenance=Provenance(commit="0123abc"), environment="e", batch_size=BATCH
        )
        key = RunKey(backend.default_bucket, spec.run_id)
        backend.ledger.create_run(key, spec, planned * BATCH)
        tasks = [Task(key, generator, start, BATCH, start) for start in range(0, sent * BATCH, BATCH)]
        for first in range(0, sent, 640):
            backend.ledger.confirm_sent(key, tasks[first : first + 640])
        for position, task in enumerate(tasks[:4]):
            claim = backend.ledger.claim(task, "bench", 3600)
            assert isinstance(claim, Claim)
            if position == 0:
                backend.ledger.fail(claim, Reason(FailureCode.GENERATOR_FAILED, "bench"))
            elif position < 3:
                backend.ledger.complete(claim, Outcome(BATCH, 40_000_000, 30.0, remade=1, duplicates=2))

    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(fill_one, range(generators)):
            pass


def measure(backend: AwsBackend, wire: Interference) -> tuple[Counter[str], float]:
    """The requests of one snapshot, and the median of what some took."""
    monitor = Monitor(backend)
    monitor.look()
    seconds = []
    for _ in range(LOOKS):
        wire.reset()
        began = time.perf_counter()
        reading = monitor.look()
        seconds.append(time.perf_counter() - began)
        assert reading.snapshot.total.done > 0
    return Counter(wire.requests), statistics.median(seconds)


if __name__ == "__main__":
    main()
