"""How generators are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vbvr_cli.catalog.generator import Generator, Unavailable
from vbvr_cli.catalog.selection import Offer
from vbvr_cli.catalog.sharing import Sharing
from vbvr_cli.screens.console import note, say, show_json, show_table, warn
from vbvr_cli.screens.units import count

COLUMNS = (
    ("generator", "left"),
    ("category", "left"),
    ("role", "left"),
    ("commit", "left"),
    ("batch", "right"),
    ("s/sample", "right"),
)


def show_left_out(notices: Sequence[str], left_out: Sequence[Unavailable]) -> None:
    """What a request means, but what cannot run here."""
    for notice in notices:
        warn(notice)
    if left_out:
        note(f"{count(len(left_out))} of the generators meant cannot run yet: vbvr generators list --all")


def show_generators(catalog: Offer, names: Sequence[str], *, every: bool, as_json: bool) -> None:
    """A row for each of them that can run here; with `every`, also what the others lack."""
    known = [generator for generator in catalog if generator.name in names]
    unavailable = [one for one in catalog.unavailable if one.name in names]
    if as_json:
        others = [{"name": one.name, "reason": one.reason, "mend": one.mend} for one in unavailable]
        show_json({"generators": [as_dict(one) for one in known], "unavailable": others if every else []})
        return
    for notice in catalog.notices:
        warn(notice)
    show_table(COLUMNS, [_row(one) for one in known])
    if every:
        show_table(
            (("cannot run yet", "left"), ("why", "left"), ("fix", "left")),
            [[one.name, one.reason, one.mend] for one in unavailable],
        )
    elif unavailable:
        note(f"{count(len(unavailable))} more cannot run yet: vbvr generators list --all")


def show_generator(generator: Generator, sharing: Sharing, *, as_json: bool) -> None:
    """All that is known of one generator."""
    described = {
        **as_dict(generator),
        "shares_with": list(sharing.others),
        "not_merged_with": list(sharing.apart),
        "notices": list(sharing.notices),
        "look_at": _sample_to_look_at(generator),
    }
    if as_json:
        show_json(described)
        return
    width = max(map(len, described))
    for name, value in described.items():
        for line in value if isinstance(value, list) else [value]:
            if line not in (None, ""):
                say(f"{name:<{width}}  {line}")


def as_dict(generator: Generator) -> dict[str, Any]:
    """A generator for scripts."""
    return {
        "name": generator.name,
        "path": str(generator.path),
        "commit": generator.provenance.commit,
        "branch": generator.provenance.branch,
        "repo": generator.provenance.repo,
        "timestamp": generator.provenance.timestamp,
        "category": generator.category,
        "role": generator.role,
        "licence": generator.licence,
        "options": list(generator.options),
        "environment": generator.environment.id,
        "python": str(generator.environment.python),
        "batch_size": generator.batch_size,
        "time_limit_seconds": generator.time_limit_seconds,
        "memory_mb": generator.memory_mb,
        "seconds_per_sample": generator.seconds_per_sample,
        "bytes_per_sample": generator.bytes_per_sample,
        "pool": generator.pool,
    }


def _sample_to_look_at(generator: Generator) -> str:
    """A picture that its repository shows, else how to make one."""
    pictures = sorted((generator.path / "samples").rglob("*first*.png"))
    return str(pictures[0]) if pictures else f"vbvr generate -g {generator.name} -n 1 --dest look"


def _row(generator: Generator) -> list[str]:
    seconds = generator.seconds_per_sample
    return [
        generator.name,
        generator.category or "",
        generator.role if generator.role != "none" else "",
        generator.provenance.commit[:12],
        count(generator.batch_size),
        f"{seconds:.2f}" if seconds else "",
    ]
