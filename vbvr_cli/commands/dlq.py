"""`vbvr dlq`: the dead letters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vbvr_cli.commands import options as opt
from vbvr_cli.commands.interruption import stoppable
from vbvr_cli.commands.places import STATE, TARGET, placed
from vbvr_cli.commands.session import open_session
from vbvr_cli.config import Options

dlq = typer.Typer(name="dlq", help="Tasks that were given up, and why.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands, also under their names of one word."""
    app.add_typer(dlq)
    app.command("dlq-download", epilog=DOWNLOAD_EPILOG, help="Same as `vbvr dlq download`.")(download)
    app.command("dlq-redrive", epilog=REDRIVE_EPILOG, help="Same as `vbvr dlq redrive`.")(redrive)


LIST_EPILOG = "[bold]Examples[/bold]\n\nvbvr dlq list\n\nvbvr dlq list --json\n\nvbvr dlq list --bodies"
DOWNLOAD_EPILOG = "[bold]Examples[/bold]\n\nvbvr dlq download --output DLQ\n\nvbvr dlq download --delete"
REDRIVE_EPILOG = """[bold]Examples[/bold]

vbvr dlq redrive --reason generator_failed --new-seed

vbvr dlq redrive -g 'O-*' --reason out_of_time --batch-size 20

vbvr dlq redrive --from DLQ --dry-run

[dim]A letter is deleted only when its replacement is confirmed sent; doing it again doubles nothing.[/dim]"""


@dlq.command("list", epilog=LIST_EPILOG)
@placed(*STATE, *TARGET)
def list_letters(
    context: typer.Context,
    where: Options,
    bodies: Annotated[
        bool, typer.Option("--bodies", help="Receive the letters and show them whole; counts as a receive.")
    ] = False,
    as_json: opt.Json = False,
) -> None:
    """List what was given up, by generator and reason."""
    from vbvr_cli.operations.dlq.leasing import leased_letters
    from vbvr_cli.operations.dlq.listing import list_dead
    from vbvr_cli.screens.letters import show_bodies, show_dead

    session = open_session(context, where)
    if not bodies:
        show_dead(list_dead(session.backend), as_json=as_json)
        return
    with leased_letters(session.backend.queue) as letters:
        show_bodies(letters, as_json=as_json)


@dlq.command(epilog=DOWNLOAD_EPILOG)
@placed(*STATE, *TARGET)
def download(
    context: typer.Context,
    where: Options,
    output: Annotated[Path, typer.Option(help="A folder; one JSON file a letter.")] = Path("DLQ"),
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete each letter once its file is on the disk.")
    ] = False,
    as_json: opt.Json = False,
) -> None:
    """Keep the dead letters as files, to be read, mended and redriven."""
    from vbvr_cli.operations.dlq.letter_files import download_letters
    from vbvr_cli.screens.letters import show_downloaded

    session = open_session(context, where)
    with stoppable("No letter is lost."):
        report = download_letters(session.backend.queue, output, delete=delete)
    show_downloaded(report, output, as_json=as_json)


@dlq.command(epilog=REDRIVE_EPILOG)
@placed(*STATE, *TARGET)
def redrive(
    context: typer.Context,
    where: Options,
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder of downloaded letters, instead of the queue.")
    ] = None,
    generator: opt.OnlyGenerators = None,
    category: opt.Categories = None,
    role: opt.Roles = None,
    reason: Annotated[
        list[str] | None, typer.Option(help="Only letters that died for this reason. Repeatable.")
    ] = None,
    max_attempts: Annotated[
        int | None, typer.Option(help="Only letters tried at most so often.", min=0)
    ] = None,
    new_seed: Annotated[
        bool, typer.Option("--new-seed", help="Make the samples from other seeds than those that failed.")
    ] = False,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", "-b", help="Split into tasks of so many samples.")
    ] = None,
    dry_run: opt.DryRun = False,
    as_json: opt.Json = False,
) -> None:
    """Send what was given up again: as it was, with new seeds, or split."""
    from vbvr_cli.operations.dlq.redrive import Redrive
    from vbvr_cli.operations.dlq.request import RedriveRequest, parse_reasons
    from vbvr_cli.screens.letters import show_redriven

    session = open_session(context, where)
    request = RedriveRequest(
        generators=session.names(generator, category, role),
        reasons=parse_reasons(reason or ()),
        max_attempts=max_attempts,
        new_seed=new_seed,
        batch_size=batch_size,
        dry_run=dry_run,
    )
    work = Redrive(session.backend, request)
    with stoppable("No letter is lost."):
        report = work.from_files(source) if source else work.from_queue()
    show_redriven(report, dry_run=dry_run, as_json=as_json)
    if report.unreadable:
        raise typer.Exit(5)
