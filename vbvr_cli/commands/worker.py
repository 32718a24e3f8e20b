"""`vbvr worker`: work on the queue."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Annotated

import typer

from vbvr_cli.commands import options as opt
from vbvr_cli.commands.interruption import stoppable
from vbvr_cli.commands.places import CATALOG, STATE, TARGET, placed
from vbvr_cli.commands.session import Session, open_session
from vbvr_cli.config import Options

EPILOG = """[bold]Examples[/bold]

vbvr worker

vbvr worker --workers 8 --forever

[dim]Ctrl-C stops cleanly: what is not finished goes back to the queue. The exit code is 5 where tasks ended
as dead letters meanwhile, those of other workers included.[/dim]"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=EPILOG)(worker)


@placed(*STATE, *CATALOG, *TARGET)
def worker(
    context: typer.Context,
    where: Options,
    workers: opt.Workers = None,
    forever: Annotated[
        bool, typer.Option("--forever", help="Wait for more when the queue is empty.")
    ] = False,
    as_json: opt.Json = False,
) -> None:
    """Work on the queue until it is empty."""
    from vbvr_cli.operations.work import work_failed_error, work_with
    from vbvr_cli.screens.dispatch import show_worked
    from vbvr_cli.screens.progress import SampleProgress

    session = open_session(context, where)
    if "VBVR_SUPERVISED" in os.environ:
        _be_supervised(session, forever=forever)
        return
    with stoppable("What was not finished is back in the queue."), SampleProgress() as progress:
        worked = work_with(
            session.backend,
            workers or os.cpu_count() or 1,
            session.settings.environment(),
            session.settings.home / "logs",
            forever=forever,
            on_standing=progress.show,
        )
    show_worked(worked, as_json=as_json)
    if failed := work_failed_error(worked):
        raise failed


def _be_supervised(session: Session, *, forever: bool) -> None:
    """Work in this process until told to stop, by a signal or by the end of stdin."""
    from vbvr_cli.operations.work import work_here

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=_stop_at_end_of_stdin, args=(stop,), daemon=True).start()
    work_here(session.backend, session.catalog, session.settings.scratch, stop, forever=forever)


def _stop_at_end_of_stdin(stop: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop.set()
