"""Measure the functions under the runtime interface client: cold start, and what a warm invocation costs.

    python tests/bench/bench_lambda.py

The tree is what build.sh makes, the store is ministack. A generator that does nothing but write one sample at
once says, by the time in its metadata, when its process began. Times are of the wall clock: run it on an idle
machine. The store's latency is measured for itself, by the same calls that one task makes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY / "tests"), str(REPOSITORY / "tests" / "lambda_image")]

from emulators.function_host import Runtime  # noqa: E402
from emulators.ministack import Ministack, ministack  # noqa: E402
from generators.layout import lay_out  # noqa: E402
from serving import Served  # noqa: E402

from vbvr_cli.catalog.roster import Roster  # noqa: E402
from vbvr_cli.lanes import in_lanes  # noqa: E402
from vbvr_cli.manifest import manifest_key  # noqa: E402
from vbvr_cli.models import Outcome, Refusal, TaskMessage  # noqa: E402
from vbvr_cli.worker.admission import adhoc_spec  # noqa: E402
from vbvr_cli.worker.publish import describe_run, published  # noqa: E402
from vbvr_cli.worker.runner import run_generator  # noqa: E402

COLD_STARTS = 10
WARM_TASKS = 60
FIRST = 5
"""Warm invocations that are left out: connections are opened in them."""
NAME = "does_nothing"
PROGRAM = """
import time
began = time.time()
from sample import read_arguments, sample_folder, write_sample
write_sample(sample_folder(read_arguments().output, 0), 0, {"began": began})
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name, ministack(Path(name)) as emulator:
        folder = Path(name)
        tree = _build(folder)
        cold = [_cold(tree, emulator, folder / f"cold-{number}") for number in range(COLD_STARTS)]
        print(f"cold start, {COLD_STARTS} times, milliseconds: median (least to most)")
        _show("until the runtime asks for work", [ready for ready, _, _ in cold])
        _show("until the generator's first line runs", [began for _, began, _ in cold])
        _show("processor time of the function, first task done", [cpu for _, _, cpu in cold])
        served = Served(tree, emulator, folder / "warm", timeout=60)
        task = TaskMessage(type=NAME, num_samples=1)
        warm = [
            _invoke(served, task.model_copy(update={"start_index": number})) for number in range(WARM_TASKS)
        ]
        (runtime,) = served.host.runtimes(served.work)
        cpu = _cpu(runtime) - statistics.median(cpu for _, _, cpu in cold)
        calls = [_calls(served, 10_000 + number) for number in range(WARM_TASKS)]
        child = [_child(tree, folder / f"child-{number}") for number in range(WARM_TASKS)]
        print(f"a warm invocation whose generator does nothing, {WARM_TASKS - FIRST} times:")
        _show("in all", warm[FIRST:])
        _show("the same calls to store and ledger alone", calls[FIRST:])
        _show("the generator's process alone", child[FIRST:])
        own = statistics.median(warm[FIRST:]) - statistics.median(calls[FIRST:])
        print(f"  {'in all, without the calls':48} {own * 1000:8.1f}")
        print(f"  {'processor time of the function, each':48} {cpu / WARM_TASKS * 1000:8.1f}")
        served.close()


def _cpu(runtime: Runtime) -> float:
    """Seconds of processor time that the runtime's own process has taken."""
    times = psutil.Process(runtime.pid).cpu_times()
    return times.user + times.system


def _show(what: str, seconds: list[float]) -> None:
    middle, least, most = statistics.median(seconds), min(seconds), max(seconds)
    print(f"  {what:48} {middle * 1000:8.1f}  ({least * 1000:.1f} to {most * 1000:.1f})")


def _cold(tree: Path, emulator: Ministack, folder: Path) -> tuple[float, float, float]:
    """Seconds from starting the runtime until it asks for work, until its generator's code runs; of CPU."""
    served = Served(tree, emulator, folder, timeout=60)
    message = TaskMessage(type=NAME, num_samples=1)
    (runtime,) = served.host.runtimes(served.work)
    started = time.time()
    _invoke(served, message)
    (line,) = served.lines(served.task(message))
    key = f"questions/{line.folder}/metadata.json"
    began = json.loads(served.backend.store(served.resources.bucket).get(key))["began"]
    cpu = _cpu(runtime)
    served.close()
    return runtime.start_seconds, began - started, cpu


def _invoke(served: Served, message: TaskMessage) -> float:
    """Seconds that an invocation with one message takes."""
    served.send(message)
    delivery = served.deliver()
    if delivery.answer.failed or delivery.failed:
        raise RuntimeError(delivery.answer.payload)
    return delivery.answer.seconds


def _calls(served: Served, index: int) -> float:
    """Seconds that the calls take which the function makes for one such task, from this process."""
    message = TaskMessage(type=NAME, num_samples=1, start_index=index)
    task, ledger = served.task(message), served.backend.ledger
    store = served.backend.store(task.run.bucket)
    roster = Roster.read(served.host.tree / "roster.json")
    spec = adhoc_spec(task, roster.get(NAME))
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name) / f"file-{number}" for number in range(4)]
        for file in files:
            file.write_bytes(b"x" * 100)
        started = time.monotonic()
        ledger.get_run(task.run)
        run = ledger.create_run(task.run, spec, 1)
        describe_run(store, run)
        claim = ledger.claim(task, "bench", 60)
        if isinstance(claim, Refusal) or published(store, task) is not None:
            raise TypeError(claim)
        ledger.extend_claim(claim, 60, 1)
        for _ in in_lanes(lambda file: store.upload(f"bench/{index}/{file.name}", file), files, store.lanes):
            pass
        store.put_if_absent(manifest_key(task), b"{}")
        ledger.complete(claim, Outcome(1, 400, 0.1))
        return time.monotonic() - started


def _child(tree: Path, folder: Path) -> float:
    """Seconds that the generator's process takes, as the worker starts it but without the worker."""
    folder.mkdir()
    generator = Roster.read(tree / "roster.json").get(NAME)
    started = time.monotonic()
    run_generator(generator, num_samples=1, seed=0, folder=folder, deadline=started + 60)
    return time.monotonic() - started


def _build(folder: Path) -> Path:
    lay_out(folder / "generators", "good").rename(folder / "generators" / NAME)
    (folder / "generators" / NAME / "examples" / "generate.py").write_text(PROGRAM)
    catalog = folder / "generators.yaml"
    catalog.write_text(f"version: 1\ngenerators: [{{name: {NAME}, source: {{path: generators/{NAME}}}}}]\n")
    subprocess.run(
        [REPOSITORY / "lambda_image" / "build.sh", "--target", folder / "tree", "--catalog", catalog],
        check=True,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "BUILD_PYTHON": sys.executable},
    )
    return folder / "tree"


if __name__ == "__main__":
    main()
