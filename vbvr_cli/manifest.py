"""Manifests: one line per sample of a finished task. What no manifest names does not exist."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vbvr_cli.errors import ServiceError
from vbvr_cli.models import Outcome, Run, RunSpec, Task

MANIFESTS = "manifests/"
QUESTIONS = "questions/"
RUN_RECORD = "run.json"


class DamagedManifestError(ServiceError):
    """A manifest is not what a worker wrote: cut off, or changed since."""


class ManifestFile(BaseModel):
    """A file of a sample: path within the sample's folder, size in bytes, SHA-256 in hex."""

    model_config = ConfigDict(frozen=True)

    name: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ManifestArchive(BaseModel):
    """The tar archive that holds a sample: its key, size in bytes, SHA-256 in hex."""

    model_config = ConfigDict(frozen=True)

    key: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class ManifestLine(BaseModel):
    """One sample. `folder` is `{generator}/{task}_task/{task_id}`, below `questions/` or in `archive`.

    `seed`, `num_samples` and `round` are of the generator call that made it, `position` is its place in the
    task.
    """

    model_config = ConfigDict(frozen=True)

    task_id: str
    generator: str
    index: int = Field(ge=0)
    folder: str
    files: tuple[ManifestFile, ...]
    archive: ManifestArchive | None = None
    seed: int
    num_samples: int
    position: int
    round: int
    param_hash: str

    @property
    def num_bytes(self) -> int:
        """The size of all files."""
        return sum(file.size for file in self.files)

    def object_keys(self) -> Iterable[str]:
        """The objects that hold this sample: its archive, or each of its files."""
        if self.archive:
            return (self.archive.key,)
        return (f"{QUESTIONS}{self.folder}/{file.name}" for file in self.files)


class RunRecord(BaseModel):
    """A run's own description beside its manifests, from which a lost ledger is rebuilt."""

    model_config = ConfigDict(frozen=True)

    spec: RunSpec
    extents: tuple[tuple[int, int], ...]


def manifest_folder(generator: str, run_id: str) -> str:
    """The key prefix of a run's manifests, ending in `/`."""
    return f"{MANIFESTS}{generator}/{run_id}/"


def manifest_key(task: Task) -> str:
    """The key of a task's manifest."""
    return f"{manifest_folder(task.generator, task.run.run_id)}{task.range_name}.jsonl"


def archive_key(task: Task) -> str:
    """The key of a task's tar archive, end inclusive."""
    return f"{QUESTIONS}{task.generator}_{task.start_index:05d}-{task.end_index - 1:05d}.tar.gz"


def run_record_key(run: Run) -> str:
    """The key of a run's description."""
    return f"{manifest_folder(run.spec.generator, run.key.run_id)}{RUN_RECORD}"


def render_run_record(run: Run) -> bytes:
    """A run's description; the same run gives the same bytes."""
    record = RunRecord(spec=run.spec, extents=run.extents)
    return record.model_dump_json(indent=2).encode() + b"\n"


def render_manifest(lines: Iterable[ManifestLine]) -> bytes:
    """JSON lines; the same samples give the same bytes."""
    return b"".join(line.model_dump_json(exclude_none=True).encode() + b"\n" for line in lines)


def parse_manifest(key: str, data: bytes) -> list[ManifestLine]:
    """Read a manifest. Raises DamagedManifestError naming the key and the line."""
    lines = []
    for number, text in enumerate(data.splitlines(), start=1):
        try:
            lines.append(ManifestLine.model_validate_json(text))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(map(str, first["loc"]))
            raise DamagedManifestError(
                f"The manifest {key} is damaged at line {number}.",
                why=f"{field or 'the line'}: {first['msg']}",
                hint="`vbvr status RUN --repair` sets such a task to be made again.",
            ) from error
    if not data.endswith(b"\n"):
        raise DamagedManifestError(
            f"The manifest {key} is cut off.",
            why="its last line does not end",
            hint="`vbvr status RUN --repair` sets such a task to be made again.",
        )
    return lines


def outcome_of(lines: Iterable[ManifestLine]) -> Outcome:
    """What a task came to, by its manifest. How long it took is not in there."""
    listed = list(lines)
    return Outcome(
        num_samples=len(listed),
        num_bytes=sum(line.num_bytes for line in listed),
        seconds=0.0,
        remade=sum(line.num_samples == 1 and line.round > 0 for line in listed),
    )
