"""What a check found, and what follows for running the generator."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vbvr_cli.catalog.checking.media import Video
from vbvr_cli.catalog.entries import Figures
from vbvr_cli.catalog.generator import Generator
from vbvr_cli.models import MAX_SAMPLES_PER_TASK

TASK_SECONDS = 120.0
"""A task of two minutes: long beside its start, short beside what a lost worker costs."""
SAFE_SHARE = 0.7
"""Of the time and memory limits; other seeds and other machines take more."""


class Weight(StrEnum):
    """How much a finding matters: `fault` means that samples cannot be relied on."""

    FAULT = "fault"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to know, in one sentence."""

    weight: Weight
    text: str


@dataclass(frozen=True, slots=True)
class Measured:
    """Numbers of one generator. Times in seconds of one worker, memory in MB, the pool None: too large."""

    samples: int
    startup_seconds: float
    seconds_per_sample: float
    bytes_per_sample: int
    memory_mb: float
    memory_mb_per_sample: float
    distinct_puzzles: int
    distinct_prompts: int
    shared_by_seeds: int
    pool: int | None
    video: Video | None


@dataclass(frozen=True, slots=True)
class Report:
    """All that a check found of one generator. `measured` none: it never ran through."""

    name: str
    findings: tuple[Finding, ...]
    measured: Measured | None
    licence: str | None

    @property
    def is_sound(self) -> bool:
        """Whether it keeps the contract."""
        return all(finding.weight is not Weight.FAULT for finding in self.findings)


def recommend(measured: Measured, generator: Generator) -> Figures:
    """How to run it: tasks of about two minutes, well inside its limits of time and memory."""
    seconds = min(TASK_SECONDS, SAFE_SHARE * generator.time_limit_seconds) - measured.startup_seconds
    by_time = seconds / measured.seconds_per_sample
    room = SAFE_SHARE * generator.memory_mb - measured.memory_mb
    growth = measured.memory_mb_per_sample
    by_memory = room / growth if growth > 0 else float(MAX_SAMPLES_PER_TASK)
    return Figures(
        batch_size=_round_down(max(1, min(by_time, by_memory, MAX_SAMPLES_PER_TASK))),
        seconds_per_sample=float(f"{measured.seconds_per_sample:.2g}"),
        bytes_per_sample=int(float(f"{measured.bytes_per_sample:.2g}")),
        pool=measured.pool,
    )


def _round_down(number: float) -> int:
    """To one digit and a half: 137 -> 100, 171 -> 150, 8 -> 8."""
    whole = int(number)
    step = 10 ** (len(str(whole)) - 1) // 2
    return whole - whole % step if step > 1 else whole
