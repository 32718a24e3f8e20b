"""How fast and how large a submit to AWS is, when every answer comes 20 ms late.

    python tests/bench/bench_submit_aws.py [--rounds 3] [--tasks 100000] [--generators 10] [--million]

The queue is ministack's, or a stub that takes more than 20,000 messages a second; the ledger and the bucket
are ministack's. Between them and the sender a proxy adds 20 ms to every answer. Three senders in turns, each
in a process of its own: the obvious loop (one thread, SendMessageBatch of ten, bodies ready made), the
queue's send alone, and all of `vbvr submit`: planning, runs, ledger and send. `--million` submits 1,000,000
tasks of one generator once, for its memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from emulators.ministack import free_port, ministack
from emulators.slow_wire import await_port, slow_wire
from emulators.stack import REGION, make_stack, session

DELAY_MS = 20.0
OBVIOUS = 2_000
BATCH = 10
GENERATOR = Path(__file__).with_name("generators") / "tenth_data-generator"
STUB = Path(__file__).with_name("stub_sqs.py")
SENDERS = ("obvious", "send", "submit")
BODY = json.dumps(
    {
        "type": "G-1_object_trajectory_data-generator",
        "num_samples": 100,
        "start_index": 1_234_500,
        "seed": 1_234_567_890,
        "output_format": "files",
        "output_bucket": "the-bucket-of-the-stack",
        "run_id": "0123456789abcdef",
    }
)


def send_obviously(tasks: int) -> None:
    """What one would write first."""
    import boto3

    client = boto3.client("sqs")
    for start in range(0, tasks, 10):
        entries = [{"Id": str(n), "MessageBody": BODY} for n in range(start, min(start + 10, tasks))]
        client.send_message_batch(QueueUrl=os.environ["SQS_QUEUE_URL"], Entries=entries)


def send_only(tasks: int) -> None:
    """The queue's own part of a submit, as a submit uses it."""
    from vbvr_cli.app import open_backend, open_settings
    from vbvr_cli.config import Options
    from vbvr_cli.lanes import in_lanes
    from vbvr_cli.operations.submit import CHUNK

    backend = open_backend(open_settings(Options(target="aws")))
    chunks = ([BODY] * min(CHUNK, tasks - start) for start in range(0, tasks, CHUNK))
    sent = sum(report.sent for report in in_lanes(backend.queue.send, chunks, backend.lanes))
    backend.close()
    if sent != tasks:
        sys.exit(f"{sent} of {tasks} messages were sent")


def submit(tasks: int, generators: Path) -> None:
    """All of a submit, but for the command line."""
    from vbvr_cli.app import open_backend, open_settings
    from vbvr_cli.catalog.catalog import Catalog
    from vbvr_cli.config import Options
    from vbvr_cli.operations.submit import Submitter

    backend = open_backend(open_settings(Options(target="aws")))
    catalog = Catalog.load(generators_paths=[generators])
    names = [folder.name for folder in generators.iterdir()]
    each = tasks // len(names)
    report = Submitter(backend, catalog).submit(names, samples=each * BATCH, batch_size=BATCH)
    backend.close()
    if report.tasks_sent != each * len(names):
        sys.exit(f"{report.tasks_sent} tasks were sent")


def child(sender: str, tasks: int, generators: Path) -> None:
    """Send in this process and print what it took."""
    began = time.perf_counter()
    if sender == "obvious":
        send_obviously(tasks)
    elif sender == "send":
        send_only(tasks)
    else:
        submit(tasks, generators)
    seconds = time.perf_counter() - began
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = usage.ru_utime + usage.ru_stime
    print(json.dumps({"seconds": seconds, "cpu": cpu, "megabytes": usage.ru_maxrss / 1024}))


def run(sender: str, tasks: int, generators: Path, environment: dict[str, str]) -> dict[str, float]:
    """What it took one sender to send, in a process of its own."""
    command = [
        sys.executable,
        __file__,
        "--child",
        sender,
        "--tasks",
        str(tasks),
        "--folder",
        str(generators),
    ]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode:
        sys.exit(f"{sender} failed: {answer.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(answer.stdout)
    return {"tasks_per_second": tasks / figures["seconds"], **figures}


@contextmanager
def stub() -> Iterator[int]:
    """The stub of SQS: its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, STUB, str(port)])
    try:
        await_port(port)
        yield port
    finally:
        process.kill()
        process.wait()


def lay_out(folder: Path, count: int) -> Path:
    """So many generators."""
    for number in range(count):
        shutil.copytree(GENERATOR, folder / f"G-{number}_tenth_data-generator")
    return folder


class Bench:
    """Emulators with their slow wires, for all rounds."""

    def __init__(self, within: ExitStack, folder: Path) -> None:
        folder.joinpath("emulator").mkdir()
        self._emulator = within.enter_context(ministack(folder / "emulator")).url
        self._folder = folder
        self._stub_port = within.enter_context(stub())
        self._wire = within.enter_context(slow_wire(_port_of(self._emulator), delay_ms=DELAY_MS))
        self._stub_wire = within.enter_context(slow_wire(self._stub_port, delay_ms=DELAY_MS))

    def environment(self, queue: str) -> dict[str, str]:
        """What a sender's process sees: a new stack, whose queue is ministack's or the stub's."""
        stack = make_stack(session(), self._emulator)
        wires = {self._emulator: self._wire}
        queue_url = stack.queue_url.replace(self._emulator, self._wire)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "VBVR_HOME": str(self._folder / "state"),
            "AWS_ENDPOINT_URL": wires[self._emulator],
            "AWS_ENDPOINT_URL_SQS": self._wire if queue == "ministack" else self._stub_wire,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "SQS_QUEUE_URL": queue_url,
            "SQS_DLQ_URL": stack.dlq_url,
            "OUTPUT_BUCKET": stack.bucket,
            "LEDGER_TABLE_NAME": stack.ledger_table,
            "DEDUP_TABLE_NAME": stack.dedup_table,
        }

    def taken(self) -> dict[str, int]:
        """What the stub has taken so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._stub_port}/", timeout=10) as answer:
            counts: dict[str, int] = json.load(answer)
            return counts


def _port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def measure(options: argparse.Namespace, bench: Bench, generators: Path) -> dict[str, list[dict[str, float]]]:
    """All senders on both queues, in turns."""
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(options.rounds):
        for queue in ("ministack", "stub"):
            for sender in SENDERS:
                tasks = OBVIOUS if sender == "obvious" else options.tasks
                before = bench.taken()["taken"]
                figures = run(sender, tasks, generators, bench.environment(queue))
                if queue == "stub" and bench.taken()["taken"] - before != tasks:
                    sys.exit(f"the stub took {bench.taken()['taken'] - before} messages of {tasks}")
                found.setdefault(f"{queue}: {sender}", []).append(figures)
                print(f"{queue}: {sender}: {figures['tasks_per_second']:,.0f} tasks/s", file=sys.stderr)
    return found


def show(found: dict[str, list[dict[str, float]]]) -> None:
    """Medians, and how many times the obvious loop of the same round."""
    columns = ("tasks/s", "times", "each round", "CPU us/task", "MB")
    print("{:<20}{:>10}{:>7}  {:<24}{:>12}{:>6}".format("queue: sender", *columns))
    for name, rounds in found.items():
        queue = name.partition(":")[0]
        base = found[f"{queue}: obvious"]
        ratios = [
            one["tasks_per_second"] / plain["tasks_per_second"]
            for one, plain in zip(rounds, base, strict=True)
        ]
        speed = statistics.median(one["tasks_per_second"] for one in rounds)
        cpu = statistics.median(one["cpu"] / (one["tasks_per_second"] * one["seconds"]) for one in rounds)
        peak = max(one["megabytes"] for one in rounds)
        each = " ".join(f"{ratio:.1f}" for ratio in ratios)
        times = statistics.median(ratios)
        print(f"{name:<20}{speed:>10,.0f}{times:>7.1f}  {each:<24}{cpu * 1e6:>12.0f}{peak:>6.0f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--generators", type=int, default=10)
    parser.add_argument("--million", action="store_true", help="submit 1,000,000 tasks once, for the memory")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=SENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.tasks, options.folder)
        return
    with ExitStack() as within:
        folder = Path(within.enter_context(tempfile.TemporaryDirectory()))
        bench = Bench(within, folder)
        if options.million:
            generators = lay_out(folder / "generators", 1)
            found = {"stub: submit": [run("submit", 1_000_000, generators, bench.environment("stub"))]}
            print(json.dumps(found))
            return
        found = measure(options, bench, lay_out(folder / "generators", options.generators))
    if options.json:
        print(json.dumps(found))
    else:
        show(found)


if __name__ == "__main__":
    main()
