"""`vbvr cancel`: stop working on runs."""

from __future__ import annotations

from typing import Annotated

import typer

from vbvr_cli.commands import options as opt
from vbvr_cli.commands.places import STATE, TARGET, placed
from vbvr_cli.commands.session import open_session
from vbvr_cli.config import Options

EPILOG = """[bold]Examples[/bold]

vbvr cancel 3f2a9c0d5e6b7a81

vbvr cancel -g 'O-*'

[dim]What is done is kept; what is being made is finished. Submitting again lifts the mark.[/dim]"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=EPILOG)(cancel)


@placed(*STATE, *TARGET)
def cancel(
    context: typer.Context,
    where: Options,
    run: Annotated[str | None, typer.Argument(help="A run's id, or the beginning of it.")] = None,
    generator: opt.OnlyGenerators = None,
    category: opt.Categories = None,
    role: opt.Roles = None,
    yes: opt.Yes = False,
    as_json: opt.Json = False,
) -> None:
    """Stop working on runs: workers drop their tasks unrun. Without a name, on all of them."""
    from vbvr_cli.operations.cancel import cancel as cancel_runs
    from vbvr_cli.operations.cancel import cancellable
    from vbvr_cli.screens.console import confirm
    from vbvr_cli.screens.statuses import show_cancelled

    session = open_session(context, where)
    runs = cancellable(session.backend, run, session.names(generator, category, role))
    everything = run is None and not (generator or category or role)
    if runs and everything and not yes and not confirm(f"Cancel all {len(runs)} unfinished runs?"):
        return
    cancel_runs(session.backend, runs)
    show_cancelled(runs, as_json=as_json)
