"""`vbvr doctor`: is everything there that vbvr needs?"""

from __future__ import annotations

import typer

from vbvr_cli.commands import options as opt
from vbvr_cli.commands.places import CATALOG, STATE, TARGET, placed
from vbvr_cli.commands.session import connections_of
from vbvr_cli.config import Options

EPILOG = """[bold]Examples[/bold]

vbvr doctor

vbvr doctor --json

[dim]Exit code 3 if something is broken.[/dim]"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=EPILOG)(doctor)


@placed(*STATE, *CATALOG, *TARGET)
def doctor(
    context: typer.Context,
    where: Options,
    as_json: opt.Json = False,
) -> None:
    """Check what vbvr needs, and say what mends what is broken."""
    from vbvr_cli.errors import ExitCode
    from vbvr_cli.operations.doctor import Health, examine
    from vbvr_cli.screens.health import show_findings

    connections = connections_of(context)
    settings = connections.settings(where)
    findings = list(
        examine(settings, lambda: connections.backend(settings), lambda: connections.catalog(settings))
    )
    show_findings(findings, as_json=as_json)
    if any(finding.health is Health.BROKEN for finding in findings):
        raise typer.Exit(ExitCode.CONFIGURATION)
