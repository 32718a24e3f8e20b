"""How the doctor's findings are shown."""

from __future__ import annotations

import textwrap
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
    indent = " " * (width + 9)
    for finding in findings:
        detail = finding.detail
        if out.is_terminal:
            lines = textwrap.wrap(detail, max(20, out.width - len(indent)), break_long_words=False)
            detail = f"\n{indent}".join(lines)
        out.print(f"{LOOKS[finding.health]} {finding.what:<{width}}  {escape(detail)}", soft_wrap=True)
        if finding.mend:
            out.print(f"{indent}[dim]fix:[/dim] {escape(finding.mend)}", soft_wrap=True)
