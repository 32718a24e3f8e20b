"""Runs inside the generator's own interpreter, before the generator: limits it, then becomes it.

Standard library only, and nothing of vbvr: the interpreter may have nothing else installed.

    python driver.py PARENT_PID MEMORY_BYTES OUTPUT examples/generate.py [ARGUMENT ...]

With `VBVR_EVENTS_FD` set, a generator whose samples can be written one at a time (see `streaming`) announces
each finished sample on that file descriptor; any other is run exactly as it stands.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import runpy
import signal
import sys
from pathlib import Path
from types import ModuleType

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Limit this process and run the generator in it."""
    parent, memory, output, script, *arguments = sys.argv[1:]
    die_with_parent(int(parent))
    limit_memory(int(memory))
    sys.path.pop(0)  # this file's folder
    sys.path.insert(0, str(Path(script).resolve().parent))
    sys.argv = [script, *arguments]
    streaming = load_streaming()
    if streaming is None or not streaming.install(Path(script), Path(output)):
        os.execv(sys.executable, [sys.executable, script, *arguments])  # noqa: S606
    runpy.run_path(script, run_name="__main__")


def load_streaming() -> ModuleType | None:
    """The module beside this file, or None if nobody listens; read by path to keep vbvr off sys.path."""
    if "VBVR_EVENTS_FD" not in os.environ:
        return None
    from importlib.util import module_from_spec, spec_from_file_location  # noqa: PLC0415

    spec = spec_from_file_location("_vbvr_streaming", Path(__file__).with_name("streaming.py"))
    if spec is None or spec.loader is None:
        return None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the worker dies (Linux; elsewhere the next sweep does it)."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def limit_memory(num_bytes: int) -> None:
    """Bound what each process of the generator may allocate; the worker bounds their sum."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = num_bytes if hard == resource.RLIM_INFINITY else min(num_bytes, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
