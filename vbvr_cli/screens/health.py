"""How the doctor's findings are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.markup import escape

from vbvr_cli.operations.doctor import Finding, Health
from vbvr_cli.screens.console import out, show_json

LOOKS = {
    Health.OK: "[green]ok[/green]    ",
    Health.NOTE: "[yellow]note[/yellow]  ",
    Health.BROKEN: "[bold red]broken[/bold red]",
}


def show_findings(findings: Sequence[Finding], *, as_json: bool) -> None:
    """A line for each, and the command that mends it below."""
    if as_json:
        show_json([asdict(finding) for finding in findings])
        return
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        out.print(
            f"{LOOKS[finding.health]} {finding.what:<{width}}  {escape(finding.detail)}", soft_wrap=True
        )
        if finding.mend:
            out.print(f"       {'':<{width}}  [dim]fix:[/dim] {escape(finding.mend)}", soft_wrap=True)
