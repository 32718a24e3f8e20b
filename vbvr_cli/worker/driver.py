"""Runs inside the generator's own interpreter, before the generator: limits it, then becomes it.

Standard library only, and nothing of vbvr: the interpreter may have nothing else installed.

    python driver.py PARENT_PID MEMORY_BYTES OUTPUT examples/generate.py [ARGUMENT ...]

With `VBVR_EVENTS_FD` set, a generator whose samples can be written one at a time (see `streaming`) announces
each finished sample on that file descriptor; any other is run exactly as it stands.

Every task pays for what is imported here: what not each generator needs is imported where it is needed.
"""

from __future__ import annotations

import os
import resource
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Limit this process and run the generator in it."""
    parent, memory, output, script, *arguments = sys.argv[1:]
    die_with_parent(int(parent))
    limit_memory(int(memory))
    sys.path.pop(0)  # this file's folder
    sys.path.insert(0, os.path.dirname(os.path.realpath(script)))  # noqa: PTH120 - pathlib takes 5 ms to import
    sys.argv = [script, *arguments]
    streaming = load_streaming(script)
    if streaming is None:
        run_as_main(script)
    elif not run_streaming(streaming, script, output):
        os.execv(sys.executable, [sys.executable, script, *arguments])  # noqa: S606


def run_as_main(script: str) -> None:
    """Run a program as this process's main module, which it finds as the interpreter would have left it.

    Starting the interpreter again for it would cost every task some ten milliseconds.
    """
    path = os.path.abspath(script)  # noqa: PTH100
    with open(path, "rb") as file:  # noqa: PTH123
        code = compile(file.read(), path, "exec", dont_inherit=True)
    names = sys.modules["__main__"].__dict__
    fresh = {name: names[name] for name in ("__name__", "__builtins__")}
    fresh |= dict.fromkeys(("__doc__", "__package__", "__spec__", "__cached__"))
    fresh |= {
        "__file__": path,
        "__annotations__": {},
        "__loader__": type(names["__loader__"])("__main__", path),
    }
    names.clear()
    names.update(fresh)
    exec(code, names)  # noqa: S102


def run_streaming(streaming: ModuleType, script: str, output: str) -> bool:
    """Run the generator in this process; False for one that has to be run as it stands."""
    from pathlib import Path  # noqa: PLC0415

    if not streaming.install(Path(script), Path(output)):
        return False
    import runpy  # noqa: PLC0415

    runpy.run_path(script, run_name="__main__")
    return True


def load_streaming(script: str) -> ModuleType | None:
    """The module beside this file, read by path to keep vbvr off sys.path; None where it cannot be of use.

    That is if nobody listens, or the generator has not the file that streaming has to know.
    """
    writer = os.path.join(os.path.dirname(script), "..", "core", "output_writer.py")  # noqa: PTH118, PTH120
    if "VBVR_EVENTS_FD" not in os.environ or not os.path.exists(writer):  # noqa: PTH110
        return None
    from importlib.util import module_from_spec, spec_from_file_location  # noqa: PLC0415

    beside = os.path.join(os.path.dirname(__file__), "streaming.py")  # noqa: PTH118, PTH120
    spec = spec_from_file_location("_vbvr_streaming", beside)
    if spec is None or spec.loader is None:
        return None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the worker dies (Linux; elsewhere the next sweep does it)."""
    if sys.platform != "linux":
        return
    try:
        import ctypes  # noqa: PLC0415

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (ImportError, OSError, AttributeError):
        pass
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def limit_memory(num_bytes: int) -> None:
    """Bound what each process of the generator may allocate; the worker bounds their sum."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = num_bytes if hard == resource.RLIM_INFINITY else min(num_bytes, hard)
    for kind, bounds in ((resource.RLIMIT_DATA, (limit, limit)), (resource.RLIMIT_CORE, (0, 0))):
        try:  # noqa: SIM105 - contextlib takes time to import
            resource.setrlimit(kind, bounds)
        except (OSError, ValueError):
            pass


if __name__ == "__main__":
    main()
