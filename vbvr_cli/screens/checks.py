"""How checks are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vbvr_cli.catalog.checking.report import Finding, Report, Weight
from vbvr_cli.screens.console import note, say, show_json, show_table
from vbvr_cli.screens.units import count, plural, size

COLUMNS = (
    ("generator", "left"),
    ("contract", "left"),
    ("puzzles", "right"),
    ("prompts", "right"),
    ("pool", "right"),
    ("s/sample", "right"),
    ("start s", "right"),
    ("size", "right"),
    ("MB", "right"),
    ("MB/sample", "right"),
    ("video", "left"),
    ("licence", "left"),
)
MARKS = {Weight.FAULT: "fault", Weight.WARNING: "warning", Weight.NOTE: "note"}


class CheckProgress:
    """A line on stderr for each generator that was checked."""

    def __init__(self, generators: int) -> None:
        self._total = generators
        self._ended = 0
        note(f"checking {plural(generators, 'generator')}")

    def ended(self, report: Report) -> None:
        """One is checked."""
        self._ended += 1
        verdict = "keeps the contract" if report.is_sound else "does not keep the contract"
        note(f"[{self._ended:>{len(str(self._total))}}/{self._total}] {report.name} {verdict}")


def show_reports(reports: Sequence[Report], *, as_json: bool) -> None:
    """A row for each generator, then what is to be known of some."""
    if as_json:
        show_json({"generators": [_as_dict(report) for report in reports]})
        return
    show_table(COLUMNS, [_row(report) for report in reports])
    for report in reports:
        for finding in report.findings:
            say(f"{report.name}: {MARKS[finding.weight]}: {finding.text}")


def _row(report: Report) -> list[str]:
    contract = "kept" if report.is_sound else "broken"
    found = report.measured
    if found is None:
        return [report.name, contract, *[""] * 9, report.licence or ""]
    return [
        report.name,
        contract,
        f"{count(found.distinct_puzzles)} of {count(found.samples)}",
        count(found.distinct_prompts),
        f"~{count(found.pool)}" if found.pool else "large",
        f"{found.seconds_per_sample:.2f}",
        f"{found.startup_seconds:.1f}",
        size(found.bytes_per_sample),
        f"{found.memory_mb:.0f}",
        f"{found.memory_mb_per_sample:.1f}",
        str(found.video or ""),
        report.licence or "",
    ]


def _as_dict(report: Report) -> dict[str, Any]:
    def finding(one: Finding) -> dict[str, str]:
        return {"weight": one.weight, "text": one.text}

    return {
        "name": report.name,
        "sound": report.is_sound,
        "findings": [finding(one) for one in report.findings],
        "measured": asdict(report.measured) if report.measured else None,
        "licence": report.licence,
    }
