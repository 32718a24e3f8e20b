"""A whole AWS target for the `vbvr` command: an emulator, a wire that can be meddled with, and a stack."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil
from emulators.faulty_wire import FaultyWire
from emulators.ministack import Ministack
from emulators.stack import REGION, make_stack, session
from places import PATIENCE_SECONDS, Vbvr

from vbvr_cli.backends.aws.backend import AwsBackend
from vbvr_cli.backends.aws.resources import Resources
from vbvr_cli.backends.ports import Depth
from vbvr_cli.manifest import parse_manifest
from vbvr_cli.models import TaskState

HERE = Path(__file__).parent
LONGER_THAN_A_LEASE = 121.0


class WarmProcess:
    """A command that was started warm; what a test needs of `subprocess.Popen`."""

    def __init__(self, warm: Warm, pid: int, outputs: tuple[Path, Path]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._warm = warm
        self._outputs = outputs

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        if self.returncode is None:
            self.returncode = self._warm.ask(self.pid)
        return self.returncode

    def wait(self, timeout: float = PATIENCE_SECONDS) -> int:
        """The exit code, once it has ended."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("vbvr", timeout)
            time.sleep(0.005)
        return code

    def communicate(self, _stdin: str = "", timeout: float = PATIENCE_SECONDS) -> tuple[str, str]:
        """What it said, once it has ended; or so far, if it is killed by then."""
        self.wait(timeout)
        out, err = (file.read_text(errors="replace") for file in self._outputs)
        return out, err

    def kill(self) -> None:
        """Send SIGKILL."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


class Warm:
    """The process that forks `vbvr` commands: see `warm_vbvr.py`."""

    def __init__(self, folder: Path, clock: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, HERE / "warm_vbvr.py", clock],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._started = 0
        self._say_ready = self._read()

    def ask(self, order: Any) -> Any:
        """Give an order and get the answer."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._read())

    def start(self, arguments: tuple[str, ...], folder: Path, environment: dict[str, str]) -> WarmProcess:
        """Start a command."""
        self._started += 1
        stdout, stderr = (self._folder / f"{self._started}.{name}" for name in ("out", "err"))
        pid = self.ask(
            {
                "arguments": arguments,
                "environment": environment,
                "folder": str(folder),
                "stdout": str(stdout),
                "stderr": str(stderr),
            }
        )
        return WarmProcess(self, pid, (stdout, stderr))

    def close(self) -> None:
        """End it; no command may run any longer."""
        self._process.kill()
        self._process.communicate()

    def _read(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "warm_vbvr.py ended"
        return line


class WarmVbvr(Vbvr):
    """The command as a user of one folder runs it, started warm."""

    def __init__(self, folder: Path, warm: Warm) -> None:
        super().__init__(folder)
        self._warm = warm

    def start(self, *arguments: str | Path, **more: Any) -> Any:
        environment = {**self.environment, **more.pop("env", {})}
        return self._warm.start(tuple(map(str, arguments)), self.folder, environment)

    def start_worker(self) -> Any:
        """One worker, in the very process that is started."""
        return self.start("worker", env={"VBVR_SUPERVISED": "1"})


@dataclass(frozen=True)
class Target:
    """An AWS target. `vbvr` reaches it over `wire`, `backend` and `aws` directly."""

    vbvr: Vbvr
    emulator: Ministack
    wire: FaultyWire
    resources: Resources
    backend: AwsBackend
    aws: boto3.Session

    def client(self, service: str) -> Any:
        """boto3's client of the emulator."""
        return self.aws.client(service, endpoint_url=self.emulator.url)  # type: ignore[call-overload]

    def let_leases_lapse(self) -> None:
        """Let more time pass than any lease lasts."""
        self.emulator.advance(LONGER_THAN_A_LEASE)

    def let_leases_of_the_dead_lapse(self) -> None:
        """Let leases lapse if nobody who is alive holds one, and nothing else waits."""
        ledger = self.backend.ledger
        holders = [
            record.worker or ""
            for progress in ledger.progress()
            if TaskState.CLAIMED in progress.tasks
            for record in ledger.tasks(progress.run, [TaskState.CLAIMED])
        ]
        alive = any(psutil.pid_exists(int(holder.rpartition("-")[2])) for holder in holders)
        if not alive and self.backend.queue.depth().waiting == 0:
            self.let_leases_lapse()

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """All objects in the bucket."""
        store = self.backend.store(self.resources.bucket)
        names = [found.key for found in store.list_objects(prefix)]
        with ThreadPoolExecutor(4) as pool:
            return dict(zip(names, pool.map(store.get, names), strict=True))

    def work(self) -> None:
        """One worker, until the queue is empty."""
        worker = self.vbvr.start("worker", env={"VBVR_SUPERVISED": "1"})
        finished = self.vbvr.finish(worker)
        assert finished.exit_code == 0, finished.stderr


@contextmanager
def target(vbvr: Vbvr, emulator: Ministack, wire: FaultyWire) -> Iterator[Target]:
    """Let `vbvr` have a stack of its own."""
    aws = session()
    resources = make_stack(aws, emulator.url)
    vbvr.environment |= {
        "VBVR_TARGET": "aws",
        "AWS_ENDPOINT_URL": wire.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "SQS_QUEUE_URL": resources.queue_url,
        "SQS_DLQ_URL": resources.dlq_url,
        "OUTPUT_BUCKET": resources.bucket,
        "LEDGER_TABLE_NAME": resources.ledger_table,
        "DEDUP_TABLE_NAME": resources.dedup_table,
        "CLOCK": str(emulator.clock),
        "PYTHONPATH": str(HERE / "clock"),
    }

    def now() -> float:
        return time.time() + emulator.clock.stat().st_mtime

    backend = AwsBackend(resources, aws, endpoint_url=emulator.url, clock=now)
    with closing(backend):
        yield Target(vbvr, emulator, wire, resources, backend, aws)
    wire.clear()
    with suppress(AttributeError):
        wire.requests.clear()


def check_bucket(on_aws: Target, **samples: int) -> None:
    """Every sample of each generator exists once, and the objects are those that manifests name."""
    objects = on_aws.objects()
    named: dict[str, tuple[int, str]] = {}
    indices: dict[str, list[int]] = {}
    for key, data in objects.items():
        if key.endswith(".jsonl"):
            for line in parse_manifest(key, data):
                indices.setdefault(line.generator, []).append(line.index)
                if line.archive:
                    named[line.archive.key] = (line.archive.size, line.archive.sha256)
                    continue
                files = {f"questions/{line.folder}/{file.name}": file for file in line.files}
                assert not set(files) & set(named)
                named |= {key: (file.size, file.sha256) for key, file in files.items()}
    assert {name: sorted(found) for name, found in indices.items()} == {
        name: list(range(count)) for name, count in samples.items()
    }
    found = {
        key: (len(data), hashlib.sha256(data).hexdigest())
        for key, data in objects.items()
        if key.startswith("questions/")
    }
    assert found == named


def check_nothing_is_left(on_aws: Target) -> None:
    """Nothing in the queues, and every task in the ledger is at an end of which the counters know."""
    on_aws.let_leases_lapse()
    assert on_aws.backend.queue.lease(1, 1.0) == []
    assert on_aws.backend.queue.lease_dead(1, 1.0) == []
    assert on_aws.backend.queue.depth() == Depth(waiting=0, in_flight=0, delayed=0, dead=0)
    for progress in on_aws.backend.ledger.progress():
        states = Counter(record.state for record in on_aws.backend.ledger.tasks(progress.run))
        assert dict(states) == progress.tasks
        assert set(states) <= {TaskState.DONE, TaskState.SUPERSEDED}
        assert (progress.samples_done, progress.samples_making) == (progress.samples_planned, 0)
