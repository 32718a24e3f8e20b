"""`vbvr generate`: submit, work and collect in one, on this machine."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from vbvr_cli.commands import options as opt
from vbvr_cli.commands.interruption import stoppable
from vbvr_cli.commands.places import CATALOG, STATE, placed
from vbvr_cli.commands.session import open_session
from vbvr_cli.config import Options

EPILOG = """[bold]Examples[/bold]

vbvr generate -g all -n 10

vbvr generate -g 'G-*' -g O-nonogram_data-generator -n 1000 -s 7 --dest data

vbvr generate -g all -n 20 --dest data --dry-run

[dim]The same command again goes on where it stopped; with a larger -n it extends the dataset.[/dim]"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=EPILOG)(generate)


@placed(*STATE, *CATALOG, "target")
def generate(
    context: typer.Context,
    where: Options,
    generator: opt.Generators = None,
    category: opt.Categories = None,
    role: opt.Roles = None,
    samples: opt.Samples = 10_000,
    batch_size: opt.BatchSize = None,
    seed: opt.Seed = 0,
    output_format: opt.OutputFormat = opt.OutputFormatChoice.FILES,
    dedup: opt.Dedup = False,
    workers: opt.Workers = None,
    dest: Annotated[
        Path | None, typer.Option(help="Where the dataset goes. Default: the state folder's data.")
    ] = None,
    append: opt.Append = False,
    replace: opt.Replace = False,
    dry_run: opt.DryRun = False,
    as_json: opt.Json = False,
) -> None:
    """Make a dataset on this machine: submit, work and collect in one."""
    from vbvr_cli.operations.generate import generate as run_generate
    from vbvr_cli.operations.generate import unfinished_error
    from vbvr_cli.operations.submit import Submitter
    from vbvr_cli.planning import Request
    from vbvr_cli.screens.dispatch import announce_backlog, announce_plan, show_generated, show_plan
    from vbvr_cli.screens.progress import SampleProgress

    request = Request(
        samples=samples,
        batch_size=batch_size,
        seed=seed,
        output_format=output_format.value,
        dedup=dedup,
        append=append,
        replace=replace,
    )
    session = open_session(context, on_this_machine(where))
    bucket = session.bucket(str(dest) if dest else None)
    submitter = Submitter(session.backend, session.offer, bucket)
    chosen = session.select(generator, category, role)
    crew = workers or os.cpu_count() or 1
    if dry_run or samples == 0:
        show_plan(submitter.plans(chosen, request), crew, as_json=as_json)
        return
    with stoppable("Everything finished so far is kept."):
        session.backend.allow_bucket(bucket)
        submitter.adopt(chosen)
        plans = submitter.plans(chosen, request)
        announce_plan(plans, bucket, request.seed)
        announce_backlog(session.backend.queue.depth())
        with SampleProgress() as progress:
            report = run_generate(
                session.backend,
                submitter,
                plans,
                workers=crew,
                environment=session.settings.environment(),
                logs=session.settings.home / "logs",
                on_standing=progress.show,
            )
    show_generated(report, bucket, as_json=as_json)
    if error := unfinished_error(report):
        raise error


def on_this_machine(where: Options) -> Options:
    """The same places on the local target, whatever the environment says. Another was not to be asked for."""
    from vbvr_cli.errors import InvalidRequestError

    if where.target not in (None, "local"):
        raise InvalidRequestError(
            f"`vbvr generate` works on this machine, not on {where.target}.",
            why="it is submit, work and collect in one, with workers of its own",
            hint=f"Use `vbvr submit --target {where.target}`, then `vbvr monitor` and `vbvr download`; "
            "or leave --target out.",
        )
    return replace(where, target="local")
