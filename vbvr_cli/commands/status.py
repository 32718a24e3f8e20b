"""`vbvr status`: the runs, or one looked at from all sides."""

from __future__ import annotations

from typing import Annotated

import typer

from vbvr_cli.commands import options as opt
from vbvr_cli.commands.places import STATE, TARGET, placed
from vbvr_cli.commands.session import open_session
from vbvr_cli.config import Options

EPILOG = """[bold]Examples[/bold]

vbvr status

vbvr status 3f2a9c0d5e6b7a81

vbvr status 3f2a9c0d5e6b7a81 --repair

[dim]A run may be named by the beginning of its id. Exit code 5 if anything is missing.[/dim]"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=EPILOG)(status)


@placed(*STATE, *TARGET)
def status(
    context: typer.Context,
    where: Options,
    run: Annotated[str | None, typer.Argument(help="A run's id; without one, all runs are listed.")] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Make the ledger say what the manifests say.")
    ] = False,
    bucket: Annotated[
        str | None, typer.Option(help="Only the runs in this bucket; with --repair, also those forgotten.")
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Show the runs; or compare one run's plan, ledger, manifests and store, and name every gap."""
    from vbvr_cli.operations.status import examine, find_runs, restore_bucket
    from vbvr_cli.screens.statuses import show_examined, show_runs

    session = open_session(context, where)
    place = session.bucket(bucket) if bucket else None
    if place and repair:
        session.backend.allow_bucket(place)
        restore_bucket(session.backend, place)
    runs = find_runs(session.backend, run, place)
    if run is None and not repair:
        show_runs(session.backend.ledger.progress([one.key for one in runs]), as_json=as_json)
        return
    examined = [examine(session.backend, one, repair=repair) for one in runs]
    show_examined(examined, as_json=as_json)
    if not all(one.complete for one in examined):
        raise typer.Exit(5)
