"""The `vbvr` command at a thirtieth of a second: a process that has imported it forks for each command.

    python warm_vbvr.py CLOCK

Reads orders as lines of JSON on stdin and answers each with a line. What runs is `vbvr_cli.app.main` in a
process of its own, with its own environment, folder and streams, as a shell would start it; it can be killed
like any other. It differs in two things. Its clock, and so every lease that it takes, is ahead by the
modification time of the file CLOCK, as that of `ministack_with_clock.py` is; and botocore's pauses before it
tries a request again are a fiftieth of what they are.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import Any

PAUSE = 0.02


def main() -> None:
    """Fork for each order; a line with a pid asks for that process's exit code."""
    _go_by(sys.argv[1])
    _import_all()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        answer = _exit_code(order) if isinstance(order, int) else _start(order)
        print(json.dumps(answer), flush=True)


def _go_by(clock: str) -> None:
    real_time = time.time
    time.time = lambda: real_time() + os.stat(clock).st_mtime  # noqa: PTH116 - called very often


def _import_all() -> None:
    """What the commands import when they run. Nothing of it may start a thread or read the environment."""
    import boto3
    import botocore.retries.standard as retries
    import botocore.session

    import vbvr_cli.app
    import vbvr_cli.backends.aws.backend
    import vbvr_cli.backends.local
    import vbvr_cli.catalog.catalog
    import vbvr_cli.operations.dlq.redrive
    import vbvr_cli.operations.download.download
    import vbvr_cli.operations.submit
    import vbvr_cli.operations.work  # noqa: F401
    from vbvr_cli.catalog.interpreters import OWN_PYTHON, inspect_interpreter

    loader = botocore.session.create_loader()
    botocore.session.create_loader = lambda *_: loader  # it remembers what it has read of the services
    for service in ("sqs", "s3", "dynamodb"):
        boto3.Session("none", "none").client(service, "us-east-2").close()
    inspect_interpreter(OWN_PYTHON)  # it remembers that too
    pause = retries.ExponentialBackoff.delay_amount
    retries.ExponentialBackoff.delay_amount = lambda *given: pause(*given) * PAUSE


def _start(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        code = _run(order)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _run(order: dict[str, Any]) -> int:
    os.setsid()
    reading, _held_open = os.pipe()
    os.dup2(reading, 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    sys.argv = ["vbvr", *order["arguments"]]
    from vbvr_cli import app

    try:
        app.main()
    except SystemExit as ended:
        return int(ended.code or 0)


def _exit_code(pid: int) -> int | None:
    """As `subprocess` has it: negative for a signal; None for a process that runs."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


if __name__ == "__main__":
    main()
