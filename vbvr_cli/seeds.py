"""Where every seed comes from: one 31-bit hash, so that neighbouring seeds share nothing."""

from __future__ import annotations

import hashlib

MAX_SEED = 2**31 - 1


def derive(*parts: str | int) -> int:
    """Hash the parts to a seed from 0 to 2^31 - 1; another part, or another order, is another seed."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") & MAX_SEED


def task_seed(run_seed: int, generator: str, start_index: int) -> int:
    """The seed of the task that begins at `start_index`."""
    return derive("task", run_seed, generator, start_index)


def round_seed(seed: int, round_number: int) -> int:
    """The seed with which a whole task is made in a round; round 0 is the task's own seed."""
    return seed if round_number == 0 else derive("round", seed, round_number)


def sample_seed(seed: int, position: int, round_number: int) -> int:
    """The seed with which the sample at `position` of a task is made anew alone, from round 1 on."""
    return derive("sample", seed, position, round_number)


def redrive_seed(seed: int, start_index: int) -> int:
    """The seed of what replaces a dead task of `seed`, for its child that begins at `start_index`."""
    return derive("redrive", seed, start_index)
