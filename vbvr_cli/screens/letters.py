"""How dead letters are shown."""

from __future__ import annotations

from dataclasses import asdict

from vbvr_cli.operations.dlq import DeadList
from vbvr_cli.screens.console import note, show_json, show_table
from vbvr_cli.screens.units import count, plural

COLUMNS = (
    ("generator", "left"),
    ("reason", "left"),
    ("tasks", "right"),
    ("samples", "right"),
    ("for example", "left"),
)


def show_dead(dead: DeadList, *, as_json: bool) -> None:
    """A row for each generator and reason; every entry with --json."""
    if as_json:
        entries = [asdict(entry) for entry in dead.entries]
        show_json({"letters": dead.letters, "unlisted": dead.unlisted, "entries": entries})
        return
    if not dead.entries and not dead.letters:
        note("No dead letters.")
        return
    rows = [
        [
            generator,
            code,
            count(len(entries)),
            count(sum(entry.samples or 0 for entry in entries)),
            f"{entries[0].where}: {entries[0].detail}",
        ]
        for (generator, code), entries in dead.groups().items()
    ]
    show_table(COLUMNS, rows)
    if dead.unlisted:
        note(f"{plural(dead.unlisted, 'letter')} more can only be read by receiving.")
