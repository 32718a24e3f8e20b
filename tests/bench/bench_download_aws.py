"""How fast a dataset comes down from S3, beside s5cmd and `aws s3 sync`.

    python tests/bench/bench_download_aws.py [--rounds 3] [--objects 20000] [--json]

The dataset is of loose files of 60 KB, in tasks of 25 samples of 4 files, with manifests; the server is
seaweedfs, a real one, without a delay; the ledger is ministack's. `vbvr download` checks each file against
its manifest's SHA-256 and moves it into place whole; the others write files. In turns, in every second round
the other way round, each into a new folder, the dataset being in the server's memory. Tools and server come
from an environment of their own.

ext4 makes files slowly for up to five minutes after many were deleted, as this does at its end: wait so long
before the next run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from botocore.exceptions import BotoCoreError, ClientError
from emulators.environments import environment_of
from emulators.ministack import ministack
from emulators.stack import REGION, make_stack, session

from vbvr_cli.backends.aws.backend import AwsBackend
from vbvr_cli.backends.aws.resources import Resources
from vbvr_cli.lanes import in_lanes
from vbvr_cli.manifest import (
    QUESTIONS,
    ManifestFile,
    ManifestLine,
    manifest_key,
    outcome_of,
    render_manifest,
    render_run_record,
    run_record_key,
)
from vbvr_cli.models import Provenance, RunKey, RunSpec, Task
from vbvr_cli.planning import tasks_of

GENERATOR = "G-1_bench_data-generator"
BYTES = 60_000
NAMES = ("final_frame.png", "first_frame.png", "ground_truth.mp4", "metadata.json")
BATCH = 25
PATIENCE_SECONDS = 60
TOOLS = Path(__file__).with_name("bench-tools.lock")
DOWNLOADERS = ("vbvr", "s5cmd", "aws")


def fill(backend: AwsBackend, bucket: str, objects: int) -> None:
    """A dataset of so many objects, as workers leave it: samples, manifests, a ledger that knows them."""
    spec = RunSpec(
        generator=GENERATOR, provenance=Provenance(commit="0123abc"), environment="e", batch_size=BATCH
    )
    run = backend.ledger.create_run(RunKey(bucket, spec.run_id), spec, objects // len(NAMES))
    store = backend.store(bucket)
    store.put(run_record_key(run), render_run_record(run))

    def make(task: Task) -> None:
        lines = []
        for index in range(task.start_index, task.end_index):
            name = f"bench_{index:08d}"
            folder = f"{GENERATOR}/bench_task/{name}"
            files = []
            for file in NAMES:
                data = random.Random(f"{index}/{file}").randbytes(BYTES)
                store.put(f"{QUESTIONS}{folder}/{file}", data)
                digest = hashlib.sha256(data).hexdigest()
                files.append(ManifestFile(name=file, size=len(data), sha256=digest))
            lines.append(
                ManifestLine(
                    task_id=name,
                    generator=GENERATOR,
                    index=index,
                    folder=folder,
                    files=tuple(files),
                    seed=task.seed,
                    num_samples=task.num_samples,
                    position=index - task.start_index,
                    round=0,
                    param_hash=f"{index:016x}",
                )
            )
        store.put(manifest_key(task), render_manifest(lines))
        backend.ledger.settle(task, outcome_of(lines))

    for _ in in_lanes(make, tasks_of(run), backend.lanes):
        pass


def make_bucket(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Make the bucket as soon as the server is up."""
    s3 = session().client("s3", endpoint_url=url)
    for _ in range(PATIENCE_SECONDS):
        if process.poll() is not None:
            break
        try:
            s3.create_bucket(Bucket="bench")
        except (BotoCoreError, ClientError):
            time.sleep(1)
        else:
            return
    sys.exit(f"seaweedfs did not start: {log.read_text()[-2000:]}")


def free_ports(number: int) -> list[int]:
    """Ports of this machine that nobody listens at, all different."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@contextmanager
def seaweed(folder: Path, tools: Path) -> Iterator[str]:
    """A seaweedfs with S3 on a free port: its address."""
    numbers = iter(free_ports(8))
    ports = {name: next(numbers) for name in ("master", "volume", "filer", "s3")}
    rpc = [f"-{name}.port.grpc={next(numbers)}" for name in ports]
    command = [
        tools / "bin" / "weed",
        "-logtostderr=true",
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-filer",
        "-s3",
        "-volume.max=20",
        "-master.volumeSizeLimitMB=1024",
        "-master.telemetry=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        *(f"-{name}.port={port}" for name, port in ports.items()),
        *rpc,
    ]
    log = folder / "weed.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{ports['s3']}"
        make_bucket(url, process, log)
        yield url
    finally:
        process.terminate()
        process.wait()


def forget(files: list[Path]) -> None:
    """Have them written, and out of the memory, of which each tool should find as much free."""
    os.sync()
    for file in files:
        handle = os.open(file, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


class Bench:
    """The servers, and how each tool is called."""

    def __init__(self, within: ExitStack, folder: Path, objects: int) -> None:
        self._tools = environment_of(TOOLS)
        self._folder = folder
        self._numbers = count()
        for name in ("emulator", "weed"):
            folder.joinpath(name).mkdir()
        emulator = within.enter_context(ministack(folder / "emulator")).url
        self._s3 = within.enter_context(seaweed(folder / "weed", self._tools))
        self._stack = replace(make_stack(session(), emulator), bucket="bench")
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "VBVR_HOME": str(folder / "state"),
            "AWS_ENDPOINT_URL": emulator,
            "AWS_ENDPOINT_URL_S3": self._s3,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "VBVR_TARGET": "aws",
            **_names(self._stack),
        }
        os.environ.update(self._environment)
        with closing(AwsBackend(self._stack, session())) as backend:
            fill(backend, "bench", objects)

    def command(self, tool: str, dest: Path) -> list[str | Path]:
        """What one would type."""
        bin_folder = self._tools / "bin"
        if tool == "vbvr":
            return [Path(sys.executable).with_name("vbvr"), "download", "--dest", dest]
        if tool == "s5cmd":
            return [bin_folder / "s5cmd", "--endpoint-url", self._s3, "cp", "s3://bench/questions/*", dest]
        return [bin_folder / "aws", "s3", "sync", "--only-show-errors", "s3://bench/questions", dest]

    def run(self, tool: str, objects: int) -> dict[str, float]:
        """Bring everything once: objects a second, and the processor's seconds and peak MB of the tool."""
        # All are kept to the end: ext4 makes new files slowly while others have just been deleted.
        dest = self._folder / f"dest-{next(self._numbers)}"
        began = time.perf_counter()
        process = subprocess.Popen(
            self.command(tool, dest), env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert process.stderr
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        files = [path for path in dest.rglob("*") if path.is_file()]
        forget(files)
        found = sum(1 for path in files if "manifests" not in path.parts)
        if status or found != objects:
            sys.exit(f"{tool} brought {found} of {objects} objects: {said.decode()[-2000:]}")
        cpu = usage.ru_utime + usage.ru_stime
        return {"per_second": objects / seconds, "seconds": seconds, "cpu": cpu, "mb": usage.ru_maxrss / 1024}


def _names(stack: Resources) -> dict[str, str]:
    return {
        "SQS_QUEUE_URL": stack.queue_url,
        "SQS_DLQ_URL": stack.dlq_url,
        "OUTPUT_BUCKET": stack.bucket,
        "LEDGER_TABLE_NAME": stack.ledger_table,
        "DEDUP_TABLE_NAME": stack.dedup_table,
    }


def show(found: dict[str, list[dict[str, float]]]) -> None:
    """Medians, and how fast vbvr is beside the others, round by round."""
    print(f"{'tool':<8}{'objects/s':>10}{'seconds':>9}{'CPU s':>7}{'MB':>6}  vbvr to it, each round")
    for tool, rounds in found.items():
        medians = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
        ratios = [
            ours["per_second"] / theirs["per_second"]
            for ours, theirs in zip(found["vbvr"], rounds, strict=True)
        ]
        each = " ".join(f"{ratio:.2f}" for ratio in ratios)
        print(
            f"{tool:<8}{medians['per_second']:>10,.0f}{medians['seconds']:>9.1f}{medians['cpu']:>7.1f}"
            f"{medians['mb']:>6.0f}  {statistics.median(ratios):.2f}: {each}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--tools", nargs="+", choices=DOWNLOADERS, default=DOWNLOADERS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {}
    with ExitStack() as within:
        folder = Path(within.enter_context(tempfile.TemporaryDirectory()))
        bench = Bench(within, folder, options.objects)
        bench.run(options.tools[-1], options.objects)  # the server's first time is none of theirs
        for number in range(options.rounds):
            for tool in options.tools[:: -1 if number % 2 else 1]:
                figures = bench.run(tool, options.objects)
                found.setdefault(tool, []).append(figures)
                print(f"{tool}: {figures['per_second']:,.0f} objects/s", file=sys.stderr)
    if options.json:
        print(json.dumps(found))
    else:
        show(found)


if __name__ == "__main__":
    main()
