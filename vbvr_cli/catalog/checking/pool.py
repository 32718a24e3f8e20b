"""How many distinct puzzles a generator has, judged from how often some came again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def estimate_pool(hashes: Sequence[str]) -> int | None:
    """An estimate of the pool from what was drawn, or None where nothing came twice: too large to tell.

    Chao's estimator (Chao 1984, bias-corrected): the distinct ones, and from how many were seen just once
    or twice, how many were not seen at all. Beyond a hundred to two digits: it is no better than that.
    """
    seen = Counter(hashes)
    if len(seen) == len(hashes):
        return None
    once = sum(times == 1 for times in seen.values())
    twice = sum(times == 2 for times in seen.values())
    estimate = len(seen) + once * (once - 1) / (2 * (twice + 1))
    return int(float(f"{estimate:.2g}")) if estimate > 100 else round(estimate)
