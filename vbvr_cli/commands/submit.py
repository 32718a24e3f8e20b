"""`vbvr submit`: put a request's tasks into the queue."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from vbvr_cli.commands import options as opt
from vbvr_cli.commands.interruption import stoppable
from vbvr_cli.commands.session import Session, open_session
from vbvr_cli.config import Options

EPILOG = """[bold]Examples[/bold]

vbvr submit -g all -n 10000

vbvr submit -g 'O-*' -n 500 --dry-run

echo '{"type": "O-nonogram_data-generator", "num_samples": 5}' | vbvr submit --message -

[dim]Doing it again sends only what is missing. Then: vbvr worker[/dim]"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=EPILOG)(submit)


def submit(
    context: typer.Context,
    generator: opt.Generators = None,
    category: opt.Categories = None,
    role: opt.Roles = None,
    samples: opt.Samples = 10_000,
    batch_size: opt.BatchSize = None,
    seed: opt.Seed = 0,
    output_format: opt.OutputFormat = opt.OutputFormatChoice.FILES,
    dedup: opt.Dedup = False,
    bucket: Annotated[
        str | None, typer.Option(help="Where samples go: a folder. Default: the state folder's data.")
    ] = None,
    append: opt.Append = False,
    replace: opt.Replace = False,
    resend: Annotated[
        bool, typer.Option("--resend", help="Send again whatever is not done, also what was sent.")
    ] = False,
    message: Annotated[
        str | None,
        typer.Option(help="Send task messages written by hand: JSON lines in a file, or - for stdin."),
    ] = None,
    dry_run: opt.DryRun = False,
    yes: opt.Yes = False,
    as_json: opt.Json = False,
    home: opt.Home = None,
    generators_path: opt.GeneratorsPath = None,
    catalog: opt.CatalogFile = None,
    target: opt.Target = None,
) -> None:
    """Send tasks to the queue, for workers to work on."""
    from vbvr_cli.errors import InvalidRequestError
    from vbvr_cli.operations.submit import Submitter
    from vbvr_cli.planning import Request
    from vbvr_cli.screens.console import confirm
    from vbvr_cli.screens.dispatch import announce_plan, show_plan, show_submitted
    from vbvr_cli.screens.progress import TaskProgress

    if bool(generator or category or role) == bool(message):
        raise InvalidRequestError("Name generators with -g, or give messages with --message; not both.")
    request = Request(
        samples=samples,
        batch_size=batch_size,
        seed=seed,
        output_format=output_format.value,
        dedup=dedup,
        append=append,
        replace=replace,
    )
    session = open_session(context, Options(home, catalog, generators_path, target))
    if message:
        _send_messages(session, message, as_json=as_json)
        return
    place = session.bucket(bucket)
    submitter = Submitter(session.backend, session.catalog, place)
    chosen = session.select(generator, category, role)
    if dry_run or samples == 0:
        show_plan(submitter.plans(chosen, request), os.cpu_count() or 1, as_json=as_json)
        return
    with stoppable("What was sent is recorded, and is not sent again."):
        session.backend.allow_bucket(place)
        submitter.adopt(chosen)
        plans = submitter.plans(chosen, request)
        announce_plan(plans, place, seed)
        if any(one.exceeds_pool for one in plans) and not yes and not confirm("Submit all the same?"):
            return
        with TaskProgress() as progress:
            report = submitter.carry_out(plans, resend=resend, on_progress=progress.show)
    show_submitted(report, as_json=as_json)


def _send_messages(session: Session, source: str, *, as_json: bool) -> None:
    from vbvr_cli.operations.files import read_text
    from vbvr_cli.operations.submit import Submitter, read_messages
    from vbvr_cli.screens.dispatch import show_submitted

    text = sys.stdin.read() if source == "-" else read_text(Path(source))
    report = Submitter(session.backend, session.catalog).send_messages(read_messages(text))
    show_submitted(report, as_json=as_json)
