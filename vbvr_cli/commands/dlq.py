"""`vbvr dlq`: the dead letters."""

from __future__ import annotations

import typer

from vbvr_cli.commands import options as opt
from vbvr_cli.commands.session import open_session
from vbvr_cli.config import Options

dlq = typer.Typer(name="dlq", help="Tasks that were given up, and why.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(dlq)


@dlq.command("list", epilog="[bold]Example[/bold]\n\nvbvr dlq list --json")
def list_letters(
    context: typer.Context,
    as_json: opt.Json = False,
    home: opt.Home = None,
    target: opt.Target = None,
) -> None:
    """List what was given up, by generator and reason."""
    from vbvr_cli.operations.dlq import list_dead
    from vbvr_cli.screens.letters import show_dead

    session = open_session(context, Options(home=home, target=target))
    show_dead(list_dead(session.backend), as_json=as_json)
