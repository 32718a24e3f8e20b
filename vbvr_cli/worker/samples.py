"""A sample as a generator wrote it, and as it will be published."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vbvr_cli.models import Provenance, Task
from vbvr_cli.worker.metadata import normalise_metadata
from vbvr_cli.worker.validation import BrokenSampleError, check_sample

TASK_SUFFIX = "_task"
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
LAST_NUMBER = re.compile(r"(\d+)\D*$")


@dataclass(frozen=True, slots=True)
class Making:
    """The generator call that a sample comes from: with these a person can make it again."""

    seed: int
    num_samples: int
    round: int


@dataclass(frozen=True, slots=True)
class SampleFile:
    """One file of a sample: its path within the sample's folder, its size in bytes, its SHA-256 (hex)."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A checked sample, ready to be published: `folder` holds exactly `files`, metadata.json rewritten."""

    position: int
    index: int
    task_name: str
    folder: Path
    files: tuple[SampleFile, ...]
    param_hash: str
    making: Making

    @property
    def task_id(self) -> str:
        """The sample's global id, `{task_name}_{index:08d}`; unique within its generator."""
        return f"{self.task_name}_{self.index:08d}"

    @property
    def num_bytes(self) -> int:
        """The size of all its files."""
        return sum(file.size for file in self.files)


def find_samples(output: Path) -> list[Path]:
    """The sample folders that a generator wrote, in the order of their positions.

    Over all `*_task` folders below `output`: folders by name, samples by the last number in their name.
    """
    folders = sorted(_task_folders(output), key=lambda folder: (folder.name, str(folder)))
    return [sample for folder in folders for sample in sorted(_folders_in(folder), key=_sample_order)]


def prepare_sample(task: Task, folder: Path, position: int, making: Making, provenance: Provenance) -> Sample:
    """Check what the generator wrote and rewrite its metadata. Raises BrokenSampleError with what is wrong.

    Doing it again gives the same.
    """
    task_name = folder.parent.name.removesuffix(TASK_SUFFIX)
    if not SAFE_NAME.fullmatch(task_name):
        raise BrokenSampleError(f"the folder {folder.parent.name!r} cannot be part of a sample's name")
    check_sample(folder)
    index = task.start_index + position
    param_hash = normalise_metadata(
        folder,
        task_id=f"{task_name}_{index:08d}",
        generator=task.generator,
        provenance=provenance,
        generation={
            "seed": making.seed,
            "num_samples": making.num_samples,
            "position": position,
            "run_id": task.run.run_id,
            "round": making.round,
        },
    )
    files = tuple(_describe(folder, file) for file in _files_in(folder))
    return Sample(position, index, task_name, folder, files, param_hash, making)


def _task_folders(folder: Path) -> Iterator[Path]:
    for child in _folders_in(folder):
        if child.name.endswith(TASK_SUFFIX) and child.name != TASK_SUFFIX:
            yield child
        else:
            yield from _task_folders(child)


def _folders_in(folder: Path) -> list[Path]:
    if not folder.is_dir():  # a generator may even remove the folder that it was given
        return []
    with os.scandir(folder) as entries:
        return [
            Path(entry.path)
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
        ]


def _sample_order(folder: Path) -> tuple[int, int, str]:
    number = LAST_NUMBER.search(folder.name)
    return (0, int(number[1]), folder.name) if number else (1, 0, folder.name)


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _describe(folder: Path, file: Path) -> SampleFile:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return SampleFile(file.relative_to(folder).as_posix(), file.stat().st_size, digest)
