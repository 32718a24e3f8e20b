"""How dead letters are shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from vbvr_cli.backends.ports import DeadLetter
from vbvr_cli.operations.dlq.letter_files import Downloaded, describe
from vbvr_cli.operations.dlq.listing import DeadList
from vbvr_cli.operations.dlq.report import Fate, RedriveReport
from vbvr_cli.screens.console import note, say, show_json, show_table, warn
from vbvr_cli.screens.units import count, plural

COLUMNS = (
    ("generator", "left"),
    ("reason", "left"),
    ("tasks", "right"),
    ("samples", "right"),
    ("for example", "left"),
)


FATES = {
    Fate.SETTLED: "of tasks that are done or under way already",
    Fate.UNREADABLE: "kept: no task messages",
    Fate.CANCELLED: "kept: their runs are cancelled, which submitting them again lifts",
    Fate.FAILED_AGAIN: "kept: sent again just now, their tasks failed once more",
    Fate.PASSED_OVER: "passed over by the filters",
}


def show_dead(dead: DeadList, *, as_json: bool) -> None:
    """A row for each generator and reason; every entry with --json."""
    if as_json:
        entries = [asdict(entry) for entry in dead.entries]
        counts = {"letters": dead.letters, "unlisted": dead.unlisted, "settled": dead.settled}
        show_json({**counts, "entries": entries})
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
            printable(" ".join(f"{entries[0].where}: {entries[0].detail}".split())),
        ]
        for (generator, code), entries in dead.groups().items()
    ]
    if rows:
        show_table(COLUMNS, rows)
    if dead.unlisted:
        note(f"{plural(dead.unlisted, 'letter')} can only be read by receiving: vbvr dlq list --bodies")
    if dead.settled:
        note(f"{plural(dead.settled, 'letter')} of tasks that are done or under way: a redrive deletes them")
    if dead.without_letter:
        note(
            f"{plural(dead.without_letter, 'task')} without a letter in the queue: "
            "redrive them --from where they were downloaded to, or use vbvr submit --resend"
        )
    note("Send them again: vbvr dlq redrive  (--reason, --new-seed, --batch-size)")


def show_bodies(letters: Iterable[DeadLetter], *, as_json: bool) -> None:
    """Every letter whole; a JSON line each with --json."""
    note("The letters are received for this, so nobody else sees them for a moment.")
    for letter in letters:
        described = describe(letter)
        if as_json:
            show_json(described.model_dump(mode="json"))
            continue
        say(
            f"{letter.id}  {letter.reason.code if letter.reason else '(no reason)'}  {printable(letter.body)}"
        )
        if letter.reason:
            say(f"  {printable(letter.reason.detail)}")
            for line in letter.reason.output.splitlines()[-10:]:
                say(f"  | {printable(line)}")


def printable(text: str) -> str:
    """What anybody may have written, without what would steer the terminal."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def show_downloaded(report: Downloaded, folder: Path, *, as_json: bool) -> None:
    """How many files were written."""
    if as_json:
        show_json(asdict(report))
        return
    parts = [f"{plural(report.written, 'letter')} written to {folder}"]
    if report.present:
        parts.append(f"{count(report.present)} there already")
    if report.deleted:
        parts.append(f"{count(report.deleted)} deleted from the queue")
    say(", ".join(parts))


def show_redriven(report: RedriveReport, *, dry_run: bool, as_json: bool) -> None:
    """What became of the letters, and what was sent for them."""
    if as_json:
        show_json({"dry_run": dry_run, **asdict(report)})
        return
    would = "would send" if dry_run else "sent"
    say(f"{would} {plural(report.tasks_sent, 'task')} of {plural(report.samples_sent, 'sample')}")
    replaced = "would be replaced" if dry_run else "replaced"
    for fate, number in report.fates.items():
        say(f"  {plural(number, 'letter')} {FATES.get(fate, replaced)}")
    if report.hidden:
        warn(
            f"{plural(report.hidden, 'letter')} cannot be received: somebody else looks at them, "
            "or did a moment ago. They show again within 15 minutes."
        )
    for text in report.unreadable:
        warn(text)
    if report.unreadable:
        note("Mend such a letter: vbvr dlq download, edit `body` in its file, vbvr dlq redrive --from DLQ")
