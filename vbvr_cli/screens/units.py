"""Numbers as people read them."""

from __future__ import annotations


def count(number: int) -> str:
    """`10,000`."""
    return f"{number:,}"


def size(num_bytes: float) -> str:
    """`3.2 GB`, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if num_bytes < 1000 or unit == "TB":
            return f"{num_bytes:.0f} {unit}" if unit == "B" else f"{num_bytes:.1f} {unit}"
        num_bytes /= 1000
    raise AssertionError


def usd(amount: float) -> str:
    """`12.34`, in dollars; what is not nothing is not shown as nothing."""
    return f"{amount:,.2f}" if amount == 0 or amount >= 0.005 else "<0.01"


def duration(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def rate(per_second: float) -> str:
    """`4.2/s`, or `12.0/min` where that reads better."""
    return f"{per_second:.1f}/s" if per_second >= 1 else f"{per_second * 60:.1f}/min"


def plural(number: int, noun: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
