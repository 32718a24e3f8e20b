"""Runs a generator once, as a child process that leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import stat
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from vbvr_cli.catalog.generator import Generator
from vbvr_cli.worker import driver
from vbvr_cli.worker.announcements import Announcements
from vbvr_cli.worker.failures import StoppedError
from vbvr_cli.worker.workspace import MARKER, kill_processes_of

TAIL_BYTES = 8_192
POLL_SECONDS = 0.1
MEMORY_CHECK_SECONDS = 1.0
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "node_modules", ".mypy_cache", ".pytest_cache")
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "FONTCONFIG_PATH")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a generator ended: `exit_code` is negative for a signal, `output` the tail of what it printed."""

    exit_code: int
    seconds: float
    output: str
    timed_out: bool = False
    out_of_memory: bool = False


def run_generator(
    generator: Generator,
    *,
    num_samples: int,
    seed: int,
    folder: Path,
    deadline: float,
    should_stop: Callable[[], bool] = lambda: False,
    on_sample: Callable[[Path], None] | None = None,
) -> Ended:
    """Run `generator` in `folder` (new and empty); its samples are then below `folder / "output"`.

    It works on a copy of its own folder. When this returns, every process that it started is gone.
    `deadline` is in seconds of `time.monotonic()`. `on_sample` is called with each sample's folder as soon
    as it is complete, for a generator that says so. Raises StoppedError when `should_stop` says so.
    """
    source = folder / "generator" / generator.name
    shutil.copytree(generator.path, source, ignore=NOT_COPIED, symlinks=True)
    make_writable(source)
    output = folder / "output"
    for name in ("output", "tmp", "home"):
        (folder / name).mkdir()
    command = [
        *(str(generator.environment.python), driver.__file__),
        *(str(os.getpid()), str(generator.memory_mb * 1024 * 1024), str(output)),
        "examples/generate.py",
        *("--num-samples", str(num_samples), "--seed", str(seed)),
        *(generator.output_option, str(output), *generator.options),
    ]
    environment = child_environment(generator, seed=seed, source=source, folder=folder)
    try:
        with _Child(command, environment, source, on_sample, output) as child:
            return child.wait(deadline, generator.memory_mb * 1024 * 1024, should_stop)
    finally:
        kill_processes_of(folder)
        shutil.rmtree(source, ignore_errors=True)


def make_writable(copy: Path) -> None:
    """Give the owner back the permission to write, which a copy from a read-only image lacks."""
    for folder, _, files in os.walk(copy):
        for path in (Path(folder), *(Path(folder, name) for name in files)):
            mode = path.lstat().st_mode
            if not mode & stat.S_IWUSR and not stat.S_ISLNK(mode):
                path.chmod(mode | stat.S_IWUSR)


def child_environment(generator: Generator, *, seed: int, source: Path, folder: Path) -> dict[str, str]:
    """All that a generator gets to see of the environment: nothing secret, nothing that varies."""
    released = datetime.fromisoformat(generator.provenance.timestamp)
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        **dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(folder / "tmp")),
        **dict.fromkeys(("HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR"), str(folder / "home")),
        # One core a worker: what a generator computes must not depend on how many there are.
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        MARKER: str(folder),
        "PYTHONPATH": str(source),
        "PYTHONHASHSEED": str(seed),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": str(int(released.timestamp())),
        "MPLBACKEND": "Agg",
        "SDL_VIDEODRIVER": "dummy",
        "SDL_AUDIODRIVER": "dummy",
        "QT_QPA_PLATFORM": "offscreen",
        "GIT_CEILING_DIRECTORIES": str(folder / "generator"),
        "GIT_TERMINAL_PROMPT": "0",
    }


class _Child:
    """A generator's process group, watched from the calling thread until it ends."""

    def __init__(
        self,
        command: list[str],
        environment: Mapping[str, str],
        source: Path,
        on_sample: Callable[[Path], None] | None,
        output: Path,
    ) -> None:
        self._started = time.monotonic()
        self._tail: deque[bytes] = deque()
        self._announcements = Announcements(output, on_sample) if on_sample else None
        passed = (self._announcements.write_fd,) if self._announcements else ()
        announced = {"VBVR_EVENTS_FD": str(passed[0])} if passed else {}
        try:
            self._process = subprocess.Popen(
                command,
                cwd=source,
                env={**environment, **announced},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=passed,
                start_new_session=True,
            )
        except BaseException:
            if self._announcements:
                self._announcements.close()
            raise
        if self._announcements:
            self._announcements.close_write_end()
        self._exit_fd = _open_exit_fd(self._process.pid)

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._kill_group()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        if self._announcements:
            self._announcements.close()
        if self._exit_fd is not None:
            os.close(self._exit_fd)

    def wait(self, deadline: float, memory_bytes: int, should_stop: Callable[[], bool]) -> Ended:
        """Watch the child until it ends, runs out of time or memory, or the worker has to stop."""
        next_memory_check = self._started + MEMORY_CHECK_SECONDS
        with selectors.DefaultSelector() as selector:
            self._listen(selector)
            while not self._has_ended():
                if should_stop():
                    raise StoppedError
                now = time.monotonic()
                if now >= deadline:
                    return self._end(timed_out=True)
                if now >= next_memory_check:
                    next_memory_check = now + MEMORY_CHECK_SECONDS
                    if self._resident_bytes() > memory_bytes:
                        return self._end(out_of_memory=True)
                self._read_what_came(selector, POLL_SECONDS)
            # The group is killed first: a process that outlives its parent would keep the pipes open.
            self._kill_group()
            while self._read_what_came(selector, 0):
                pass
        return self._end()

    def _listen(self, selector: selectors.BaseSelector) -> None:
        assert self._process.stdout is not None  # noqa: S101
        os.set_blocking(self._process.stdout.fileno(), False)
        selector.register(self._process.stdout, selectors.EVENT_READ, self._read_output)
        if self._announcements:
            selector.register(self._announcements.read_fd, selectors.EVENT_READ, self._announcements.read)
        if self._exit_fd is not None:
            selector.register(self._exit_fd, selectors.EVENT_READ, lambda: False)

    def _read_what_came(self, selector: selectors.BaseSelector, timeout: float) -> bool:
        if not selector.get_map():
            time.sleep(timeout)
            return False
        ready = selector.select(timeout)
        for key, _ in ready:
            if not key.data():
                selector.unregister(key.fileobj)
        return bool(ready)

    def _read_output(self) -> bool:
        assert self._process.stdout is not None  # noqa: S101
        try:
            data = os.read(self._process.stdout.fileno(), 65_536)
        except BlockingIOError:
            return True
        self._tail.append(data[-TAIL_BYTES:])
        while len(self._tail) > 1 and sum(map(len, self._tail)) - len(self._tail[0]) >= TAIL_BYTES:
            self._tail.popleft()
        return bool(data)

    def _has_ended(self) -> bool:
        # Not reaped yet: as long as the leader is a zombie, the group's number belongs to nobody else.
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            return os.waitid(os.P_PID, self._process.pid, flags) is not None
        except ChildProcessError:
            return True

    def _end(self, *, timed_out: bool = False, out_of_memory: bool = False) -> Ended:
        self._kill_group()
        exit_code = self._process.wait()
        output = b"".join(self._tail)[-TAIL_BYTES:].decode(errors="replace")
        return Ended(
            exit_code=exit_code,
            seconds=time.monotonic() - self._started,
            output=output,
            timed_out=timed_out,
            out_of_memory=out_of_memory or (exit_code != 0 and _ran_into_limit(output)),
        )

    def _kill_group(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _resident_bytes(self) -> int:
        total = 0
        with contextlib.suppress(psutil.Error):
            leader = psutil.Process(self._process.pid)
            for process in (leader, *leader.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    total += process.memory_info().rss
        return total


def _open_exit_fd(pid: int) -> int | None:
    """A file descriptor that is readable once the process has ended; None where only asking tells."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _ran_into_limit(output: str) -> bool:
    last_lines = output.rstrip().splitlines()[-3:]
    return any(line.startswith(("MemoryError", "numpy.exceptions._ArrayMemoryError")) for line in last_lines)
