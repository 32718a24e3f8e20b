"""What the rest of vbvr knows of a generator that can run here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vbvr_cli.models import Provenance

OutputOption = Literal["--output", "--output-dir"]
Role = Literal["train", "in_domain_test", "out_of_domain_test", "none"]


@dataclass(frozen=True, slots=True)
class Environment:
    """The interpreter a generator runs in. `id` names all of it that decides bytes, and nothing else."""

    python: Path
    id: str


@dataclass(frozen=True, slots=True)
class Generator:
    """A generator whose code is on this machine.

    `path` is its folder; `options` follow those of the contract on its command line; `pool` is an
    estimate of how many distinct puzzles it has. None: not measured.
    """

    name: str
    path: Path
    provenance: Provenance
    environment: Environment
    output_option: OutputOption
    options: tuple[str, ...]
    category: str | None
    role: Role
    licence: str | None
    batch_size: int
    time_limit_seconds: float
    memory_mb: int
    seconds_per_sample: float | None
    bytes_per_sample: int | None
    pool: int | None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A generator that is known, why it cannot run here, and what would mend that."""

    name: str
    reason: str
    mend: str
