"""What many tests need: small generators in folders, a place to work in, and the `vbvr` command itself."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from generators.layout import lay_out

from vbvr_cli.backends.local import LocalBackend
from vbvr_cli.backends.ports import Backend
from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.catalog.generator import Generator
from vbvr_cli.manifest import ManifestLine, manifest_folder, manifest_key, parse_manifest
from vbvr_cli.models import Run, Task, TaskRecord
from vbvr_cli.operations.submit import SubmitReport, Submitter
from vbvr_cli.planning import Request, tasks_of
from vbvr_cli.worker.pace import Pace
from vbvr_cli.worker.worker import Worker
from vbvr_cli.worker.workspace import MARKER, Workspace

FAST = Pace(lease=30.0, heartbeat=0.02, idle=0.01, backoff=0.0)
PATIENCE_SECONDS = 60.0
EMPTY_CATALOG = "version: 1\ngenerators: []\n"


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """What `condition` gives once it is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.01)
    pytest.fail(f"waited in vain for {what}")


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes; links count by their target."""
    found = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*"))}
    return {
        name: str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        for name, path in found.items()
        if path.is_symlink() or path.is_file()
    }


def processes_below(folder: Path) -> list[int]:
    """The generators' processes that work below a folder, by their marker or by where they stand."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
            where = str((entry / "cwd").readlink())
        except OSError:
            continue
        if f"{MARKER}={folder}".encode() in environment or where.startswith(f"{folder}/"):
            found.append(int(entry.name))
    return found


@dataclass
class Place:
    """A state folder, a destination and generators; requests go in, samples come out, all in this process."""

    root: Path
    tuned: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home = self.root / "home"
        self.dest = self.root / "dest"
        self.generators = self.root / "generators"
        self.generators.mkdir(parents=True)
        self.catalog_file = self.root / "generators.yaml"
        self.catalog_file.write_text(EMPTY_CATALOG)
        self.backend: Backend = LocalBackend(self.home)
        self.bucket = str(self.dest)

    @property
    def scratch(self) -> Path:
        return self.home / "tmp"

    def add(self, *names: str) -> None:
        """Lay out test generators that are not here yet."""
        for name in names:
            if not (self.generators / name).exists():
                lay_out(self.generators, name)

    def find(self, name: str) -> Generator:
        """A generator as the worker gets it, with what the test has tuned (limits, options)."""
        return replace(self.catalog().get(name), **self.tuned)

    def catalog(self) -> Catalog:
        return Catalog.load(self.catalog_file, [self.generators])

    def submit(self, *names: str, samples: int, resend: bool = False, **request: Any) -> SubmitReport:
        self.add(*names)
        self.backend.allow_bucket(self.bucket)
        submitter = Submitter(self.backend, self.catalog(), self.bucket)
        plans = submitter.plans(self.catalog().select(names), Request(samples=samples, **request))
        return submitter.carry_out(plans, resend=resend)

    def work(
        self, *, backend: Backend | None = None, pace: Pace = FAST, stop: threading.Event | None = None
    ) -> None:
        """One worker, until the queue is empty."""
        with Workspace(self.scratch) as workspace:
            find = cache(self.find)
            worker = Worker(backend or self.backend, find, workspace, name="worker", pace=pace, stop=stop)
            worker.work(until_empty=True)

    def make(self, name: str, samples: int, **request: Any) -> Run:
        """Submit and work: the run."""
        self.submit(name, samples=samples, **request)
        self.work()
        return self.run(name)

    def run(self, name: str) -> Run:
        """The last run of a generator."""
        return self.backend.ledger.list_runs(self.bucket, name)[-1]

    def records(self, name: str) -> list[TaskRecord]:
        return list(self.backend.ledger.tasks(self.run(name).key))

    def record(self, name: str) -> TaskRecord:
        """The only task of a generator."""
        (record,) = self.records(name)
        return record

    def tasks(self, name: str) -> list[Task]:
        return list(tasks_of(self.run(name)))

    def lines(self, name: str) -> list[ManifestLine]:
        """What the manifests of a generator's last run name."""
        run = self.run(name)
        folder = self.dest / manifest_folder(name, run.key.run_id)
        return [
            line
            for file in sorted(folder.glob("*.jsonl"))
            for line in parse_manifest(file.name, file.read_bytes())
        ]

    def manifest(self, task: Task) -> Path:
        return self.dest / manifest_key(task)

    def sample(self, line: ManifestLine) -> Path:
        return self.dest / "questions" / line.folder

    def metadata(self, line: ManifestLine) -> dict[str, Any]:
        return json.loads((self.sample(line) / "metadata.json").read_text())

    def reasons(self) -> list[tuple[str, str]]:
        """Code and detail of every dead letter."""
        letters = self.backend.queue.peek_dead()
        assert letters is not None
        return [(letter.reason.code.value, letter.reason.detail) for letter in letters if letter.reason]

    def close(self) -> None:
        self.backend.close()


def check_dataset(place: Place, name: str, samples: int, first: int = 0) -> list[ManifestLine]:
    """Every sample exists once, the manifests match the files byte for byte, and there is nothing else."""
    lines = place.lines(name)
    assert [line.index for line in lines] == list(range(first, first + samples))
    named = {}
    for line in lines:
        for entry in line.files:
            data = (place.sample(line) / entry.name).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (entry.size, entry.sha256), line.task_id
            named[f"{line.folder}/{entry.name}"] = data
    found = tree(place.dest / "questions")
    assert {key for key in found if key.startswith(f"{name}/")} == set(named)
    return lines


@dataclass(frozen=True)
class Finished:
    """What a command came to."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The result, which is one JSON document and nothing else."""
        return json.loads(self.stdout)


class Vbvr:
    """The built command, as a user of one folder runs it: no setting of the machine reaches it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.generators = folder / "generators"
        self.generators.mkdir(parents=True)
        (folder / "generators.yaml").write_text(EMPTY_CATALOG)
        (folder / "user").mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "user"),
            "GENERATORS_PATH": str(self.generators),
            "COLUMNS": "200",
            "NO_COLOR": "1",
        }

    @property
    def state(self) -> Path:
        return self.folder / ".vbvr"

    def add(self, *names: str) -> None:
        for name in names:
            lay_out(self.generators, name)

    def start(self, *arguments: str | Path, **more: Any) -> subprocess.Popen[str]:
        """Begin a command; it is a group of its own, as a terminal would make it."""
        binary = Path(sys.executable).with_name("vbvr")
        return subprocess.Popen(
            [str(binary), *map(str, arguments)],
            cwd=self.folder,
            env={**self.environment, **more.pop("env", {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **more,
        )

    def finish(self, process: subprocess.Popen[str], stdin: str = "") -> Finished:
        try:
            stdout, stderr = process.communicate(stdin, timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            pytest.fail(f"vbvr did not end; it said:\n{stdout}\n{stderr}")
        return Finished(process.returncode, stdout, stderr)

    def __call__(self, *arguments: str | Path, stdin: str = "", **environment: str) -> Finished:
        """Run a command to its end."""
        return self.finish(self.start(*arguments, env=environment), stdin)

    def ok(self, *arguments: str | Path, stdin: str = "", **environment: str) -> Finished:
        """Run a command that must succeed."""
        finished = self(*arguments, stdin=stdin, **environment)
        assert finished.exit_code == 0, finished.stderr
        return finished

    def everything(self) -> Sequence[str]:
        """Every path in the user's folder, generators aside."""
        return sorted(
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if not path.is_relative_to(self.generators)
        )
