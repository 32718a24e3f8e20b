"""Runs the functions of an image's tree as Lambda does, and lets ministack forward invocations to them.

Each function has up to `concurrency` runtimes: the image's entry point under the runtime interface client, on
a read-only tree, with a folder for its /tmp that outlives crashes. One that exceeds its time is killed with
all that it started, and the next invocation starts another.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import LifoQueue
from typing import Any, Self

import psutil
from emulators.runtime_api import Invocation, RuntimeApi

READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && exec "$@"'


@dataclass(frozen=True)
class Function:
    """A function as it is deployed. `timeout` in seconds; `environment` is its own, credentials included."""

    name: str
    handler: str
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 900.0
    memory_mb: int = 3072
    concurrency: int = 1


@dataclass(frozen=True)
class Answer:
    """What an invocation came to: the handler's result, or if `failed` the error in Lambda's form."""

    payload: Any
    failed: bool
    seconds: float


class Runtime:
    """One execution environment of a function. `tmp` is its /tmp."""

    def __init__(self, function: Function, tree: Path, folder: Path) -> None:
        self.function = function
        self.folder = folder
        self.tmp = folder / "tmp"
        self.tmp.mkdir(parents=True, exist_ok=True)
        self._tree = tree
        self._api: RuntimeApi | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stream = f"{function.name}/{uuid.uuid4().hex[:12]}"
        self.start_seconds = 0.0
        """How long the last start took, until the runtime asked for work."""

    @property
    def pid(self) -> int | None:
        """The runtime's process, if it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def invoke(self, event: Any, request_id: str) -> Answer:
        """Invoke the function, starting it if it does not run."""
        if self.pid is None:
            self.start()  # which Lambda does not count as the function's time
        begun = time.monotonic()
        if self._api is None:  # it ended before it asked for work
            self._start()
        assert self._api
        seconds = self.function.timeout
        invocation = Invocation(
            request_id=request_id,
            body=json.dumps(event).encode(),
            deadline=time.time() + seconds,
            arn=f"arn:aws:lambda:us-east-2:000000000000:function:{self.function.name}",
            answered=threading.Event(),
        )
        self._api.invoke(invocation)
        while not invocation.answered.wait(0.02):
            if self.pid is None:
                why = self._api.start_failed or _error(
                    "Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited"
                )
                invocation.answer(why, failed=True)
                self.kill()
            elif time.monotonic() - begun > seconds:
                self.kill()
                invocation.answer(
                    _error("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after "
                           f"{seconds:.2f} seconds"), failed=True)  # fmt: skip
        return Answer(invocation.payload, invocation.failed, time.monotonic() - begun)

    def start(self) -> None:
        """Start the runtime and wait until it asks for work."""
        begun = time.monotonic()
        self._start()
        assert self._api
        while self._api.asked_at is None and self.pid is not None:
            time.sleep(0.001)
        self.start_seconds = time.monotonic() - begun

    def kill(self) -> None:
        """Kill the runtime with everything that it started; its /tmp stays as it is."""
        process, self._process = self._process, None
        if process:
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                os.kill(process.pid, signal.SIGSTOP)  # so that it begins nothing more
                for child in psutil.Process(process.pid).children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        child.kill()
            process.kill()
            process.wait()
        if self._api:
            self._api.close()
            self._api = None

    def _start(self) -> None:
        self.kill()
        self._api = RuntimeApi()
        python = self._tree / "environments" / "vbvr" / "bin" / "python"
        command = [str(python), "-m", "awslambdaric", self.function.handler]
        if can_mount():
            command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", READ_ONLY,
                       str(self._tree), *command]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._tree,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        assert self._api
        return {
            "PATH": os.environ["PATH"],
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": str(self._tree),
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_LAMBDA_FUNCTION_NAME": self.function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.function.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": self._stream,
            "_HANDLER": self.function.handler,
            "TMPDIR": str(self.tmp),
            **self.function.environment,
            "VBVR_TMP": str(self.tmp),
            "VBVR_HOME": str(self.tmp / "vbvr"),
        }


class FunctionHost:
    """Functions of one tree behind one address: `MINISTACK_LAMBDA_PROXY_URL` in their environment."""

    def __init__(self, tree: Path, folder: Path, *functions: Function) -> None:
        self.tree = tree.resolve()
        self._folder = folder
        self._runtimes: dict[str, list[Runtime]] = {}
        self._idle: dict[str, LifoQueue[Runtime]] = {}
        if not can_mount():
            make_read_only(self.tree)
        for function in functions:
            self.add(function)
        self._server = _Front(("127.0.0.1", 0), _FrontHandler)
        self._server.host = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where invocations are to be sent."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, function: Function) -> list[Runtime]:
        """Serve one more function, or one that was deployed anew."""
        for old in self._runtimes.get(function.name, ()):
            old.kill()
        runtimes = [
            Runtime(function, self.tree, self._folder / f"{function.name}-{number}")
            for number in range(function.concurrency)
        ]
        idle: LifoQueue[Runtime] = LifoQueue()
        for runtime in reversed(runtimes):
            idle.put(runtime)
        self._runtimes[function.name], self._idle[function.name] = runtimes, idle
        return runtimes

    def serves(self, name: str) -> bool:
        """Whether there is such a function."""
        return name in self._runtimes

    def runtimes(self, name: str) -> list[Runtime]:
        """The execution environments of a function."""
        return self._runtimes[name]

    def invoke(self, name: str, event: Any, request_id: str | None = None) -> Answer:
        """Invoke a function, waiting for a free runtime."""
        idle = self._idle[name]
        runtime = idle.get()
        try:
            return runtime.invoke(event, request_id or str(uuid.uuid4()))
        finally:
            idle.put(runtime)

    def log(self, name: str) -> list[dict[str, Any]]:
        """What a function has logged so far: JSON lines as they are, anything else as {"text": …}."""
        lines = []
        for runtime in self._runtimes[name]:
            file = runtime.folder / "log"
            text = file.read_text(errors="replace") if file.exists() else ""
            lines += [_parsed(line) for line in text.splitlines() if line.strip()]
        return lines

    def close(self) -> None:
        """End all."""
        self._server.shutdown()
        self._server.server_close()
        for runtimes in self._runtimes.values():
            for runtime in runtimes:
                runtime.kill()


class _Front(ThreadingHTTPServer):
    host: FunctionHost
    daemon_threads = True
    request_queue_size = 256


class _FrontHandler(BaseHTTPRequestHandler):
    """Takes what ministack forwards: the event as body, which function and request in headers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Front

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
        name = self.headers.get("X-Amzn-Lambda-Function-Name", "")
        if not self.server.host.serves(name):
            return self._send(404, _error("ResourceNotFoundException", f"no function {name!r} is served"))
        answer = self.server.host.invoke(name, event, self.headers.get("X-Amzn-Lambda-Request-Id"))
        return self._send(500 if answer.failed else 200, answer.payload)

    def _send(self, status: int, payload: Any) -> None:
        body = json.dumps(payload).encode()
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@cache
def can_mount() -> bool:
    """Whether this user may give a process a read-only view of the tree."""
    command = ["unshare", "--mount", "--propagation", "private", "true"]
    with contextlib.suppress(OSError):
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    return False


def make_read_only(tree: Path) -> None:
    """Take the permission to write from everybody. It does not hold against root, who can mount instead."""
    for path in _below(tree):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)


def make_writable(tree: Path) -> None:
    """Undo `make_read_only`, to remove the tree."""
    for path in _below(tree):
        if path.is_dir() and not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o200)


def _below(tree: Path) -> Iterator[Path]:
    yield tree
    for folder, folders, files in os.walk(tree):
        yield from (Path(folder, name) for name in [*folders, *files])


def _error(kind: str, message: str) -> dict[str, str]:
    return {"errorType": kind, "errorMessage": message}


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"text": line}
