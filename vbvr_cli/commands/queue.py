"""`vbvr queue`: the messages that wait."""

from __future__ import annotations

from typing import Annotated

import typer

from vbvr_cli.commands import options as opt
from vbvr_cli.commands.places import STATE, TARGET, placed
from vbvr_cli.commands.session import open_session
from vbvr_cli.config import Options

queue = typer.Typer(name="queue", help="The messages that wait for a worker.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(queue)


@queue.command(epilog="[bold]Example[/bold]\n\nvbvr queue count --json")
@placed(*STATE, *TARGET)
def count(
    context: typer.Context,
    where: Options,
    as_json: opt.Json = False,
) -> None:
    """Count the messages: waiting, in flight, delayed, dead."""
    from vbvr_cli.screens.queue import show_depth

    session = open_session(context, where)
    show_depth(session.backend.queue.depth(), as_json=as_json)


@queue.command(epilog="[bold]Example[/bold]\n\nvbvr queue peek -n 3")
@placed(*STATE, *TARGET)
def peek(
    context: typer.Context,
    where: Options,
    number: Annotated[int, typer.Option("-n", "--number", help="How many.", min=1, max=1000)] = 10,
    as_json: opt.Json = False,
) -> None:
    """Show messages; they are received for this and given back, which counts as a receive."""
    from vbvr_cli.operations.queueing import peek as peek_at
    from vbvr_cli.screens.queue import show_messages

    session = open_session(context, where)
    show_messages(peek_at(session.backend, number), as_json=as_json)


@queue.command(epilog="[bold]Example[/bold]\n\nvbvr queue purge --yes")
@placed(*STATE, *TARGET)
def purge(
    context: typer.Context,
    where: Options,
    yes: opt.Yes = False,
    as_json: opt.Json = False,
) -> None:
    """Delete all messages that are not dead; their tasks can be submitted again."""
    from vbvr_cli.operations.queueing import purge as purge_queue
    from vbvr_cli.operations.queueing import purge_loss
    from vbvr_cli.screens.console import confirm
    from vbvr_cli.screens.queue import purge_question, show_purged

    session = open_session(context, where)
    loss = purge_loss(session.backend)
    if loss.messages == 0 or yes or confirm(purge_question(loss)):
        show_purged(purge_queue(session.backend), as_json=as_json)
