"""One run of a generator, looked at closely."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from vbvr_cli.catalog.checking.media import Video, look_at_video
from vbvr_cli.catalog.generator import Environment, Generator
from vbvr_cli.models import RunKey, Task
from vbvr_cli.worker.runner import Ended, run_generator
from vbvr_cli.worker.samples import Making, Sample, find_samples, prepare_sample
from vbvr_cli.worker.validation import BrokenSampleError
from vbvr_cli.worker.workspace import Workspace

METADATA_NAMES = ("metadata.json", "question_metadata.json")
MEMORY_POLL_SECONDS = 0.03


@dataclass(frozen=True, slots=True)
class Observed:
    """One sample. `content` is over all its files but the metadata; `broken` says what is wrong with it."""

    content: tuple[str, ...] = ()
    param_hash: str = ""
    prompt: str = ""
    num_bytes: int = 0
    has_metadata: bool = False
    broken: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """How a run went. `memory_mb` is the most that its processes held at a time."""

    asked: int
    ended: Ended
    samples: tuple[Observed, ...]
    memory_mb: float
    video: Video | None

    @property
    def failure(self) -> str | None:
        """Why it did not end well, in one line."""
        if self.ended.timed_out:
            return "it ran out of time"
        if self.ended.out_of_memory:
            return "it ran out of memory"
        if self.ended.exit_code != 0:
            lines = [line.strip() for line in self.ended.output.splitlines() if line.strip()]
            return f"exit code {self.ended.exit_code}: {lines[-1][:200] if lines else 'it said nothing'}"
        return None


class TrialBench:
    """Runs a generator as a worker would, in folders of `workspace`."""

    def __init__(self, generator: Generator, workspace: Workspace, should_stop: Callable[[], bool]) -> None:
        self._generator = generator
        self._workspace = workspace
        self._should_stop = should_stop

    def run(self, num_samples: int, seed: int, *, hash_seed: int | None = None) -> Trial:
        """Run it once. `hash_seed` replaces the PYTHONHASHSEED that a worker would set, the seed itself."""
        with self._workspace.folder_for("trial") as folder:
            generator = self._generator
            if hash_seed is not None:
                generator = _with_hash_seed(generator, hash_seed, folder / "python")
            run_folder = folder / "run"
            run_folder.mkdir()
            with _peak_memory() as peak:
                ended = run_generator(
                    generator,
                    num_samples=num_samples,
                    seed=seed,
                    folder=run_folder,
                    deadline=time.monotonic() + generator.time_limit_seconds,
                    should_stop=self._should_stop,
                )
            found = find_samples(run_folder / "output")
            video = look_at_video(found[0]) if found else None
            samples = tuple(self._observe(sample, position, seed) for position, sample in enumerate(found))
            return Trial(num_samples, ended, samples, peak[0] / 1e6, video)

    def _observe(self, folder: Path, position: int, seed: int) -> Observed:
        has_metadata = any((folder / name).is_file() for name in METADATA_NAMES)
        task = Task(RunKey("check", "check"), self._generator.name, 0, 1, seed)
        try:
            sample = prepare_sample(task, folder, position, Making(seed, 1, 0), self._generator.provenance)
        except BrokenSampleError as error:
            return Observed(has_metadata=has_metadata, broken=str(error))
        prompt = (folder / "prompt.txt").read_text(encoding="utf-8")
        return Observed(_content(sample), sample.param_hash, prompt, sample.num_bytes, has_metadata)


def _content(sample: Sample) -> tuple[str, ...]:
    return tuple(f"{file.name} {file.sha256}" for file in sample.files if file.name not in METADATA_NAMES)


def _with_hash_seed(generator: Generator, hash_seed: int, program: Path) -> Generator:
    """The same generator, its interpreter put behind a script that sets another PYTHONHASHSEED."""
    python = shlex.quote(str(generator.environment.python))
    program.write_text(f'#!/bin/sh\nPYTHONHASHSEED={hash_seed} exec {python} "$@"\n')
    program.chmod(0o755)
    return dataclasses.replace(generator, environment=Environment(program, generator.environment.id))


@contextlib.contextmanager
def _peak_memory() -> Iterator[list[int]]:
    """The most bytes that this process's children hold at a time, in a list of one that grows."""
    peak, over = [0], threading.Event()
    own = psutil.Process()

    def watch() -> None:
        while not over.wait(MEMORY_POLL_SECONDS):
            with contextlib.suppress(psutil.Error):
                held = 0
                for child in own.children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        held += child.memory_info().rss
                peak[0] = max(peak[0], held)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()
