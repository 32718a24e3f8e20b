"""`vbvr monitor`: how the work goes."""

from __future__ import annotations

from typing import Annotated

import typer

from vbvr_cli.commands import options as opt
from vbvr_cli.commands.places import STATE, TARGET, placed
from vbvr_cli.commands.session import open_session
from vbvr_cli.config import Options

EPILOG = """[bold]Examples[/bold]

vbvr monitor

vbvr monitor --watch

vbvr monitor --watch -i 10 -g 'O-*'

vbvr monitor --watch --json | jq .samples_per_second

[dim]Ctrl-C ends a watch; the work goes on. Piped, each reading is a line.[/dim]"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=EPILOG)(monitor)


@placed(*STATE, *TARGET)
def monitor(
    context: typer.Context,
    where: Options,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until Ctrl-C.")] = False,
    interval: Annotated[
        float,
        typer.Option(
            "--interval",
            "-i",
            help="Seconds between two looks, with --watch.",
            metavar="SECONDS",
            min=0.2,
            max=3600,
        ),
    ] = 2.0,
    generator: opt.OnlyGenerators = None,
    category: opt.Categories = None,
    role: opt.Roles = None,
    as_json: opt.Json = False,
) -> None:
    """Show how the work goes: queue, progress, speed, time left, failures."""
    from vbvr_cli.operations.monitor import Monitor
    from vbvr_cli.screens.dashboard_live import show_reading
    from vbvr_cli.screens.dashboard_live import watch as show_readings

    session = open_session(context, where)
    place, looking = (
        session.backend.description,
        Monitor(session.backend, session.names(generator, category, role)),
    )
    if watch:
        show_readings(looking, place, interval, as_json=as_json)
    else:
        show_reading(looking.look(), place, as_json=as_json)
