"""A batch of samples on its way to the output folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from vbvr_cli.starter.kit.events import announce_sample
from vbvr_cli.starter.kit.puzzle import Puzzle
from vbvr_cli.starter.kit.sample import Sample


def write_batch(kind: type[Puzzle], *, num_samples: int, seed: int, output: Path) -> Iterator[PurePosixPath]:
    """Write so many samples as `{task}_task/{task}_{index:08d}/`, and yield each path when it is there.

    A sample folder that exists is complete: samples are written beside, in a folder with a dotted name that
    is gone at the end, and moved. One that is there already is replaced.
    """
    output.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".unfinished-", dir=output) as unfinished:
        for index in range(num_samples):
            sample = Sample.draw(kind, seed=seed, index=index)
            path = PurePosixPath(f"{kind.task}_task", sample.task_id)
            written = Path(unfinished, sample.task_id)
            sample.write(written)
            _move(written, output / path)
            announce_sample(path)
            yield path


def _move(folder: Path, to: Path) -> None:
    to.parent.mkdir(exist_ok=True)
    if to.exists():
        shutil.rmtree(to)
    folder.rename(to)
