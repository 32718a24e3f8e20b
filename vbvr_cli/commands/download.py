"""`vbvr download`: bring a dataset into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vbvr_cli.commands import options as opt
from vbvr_cli.commands.interruption import stoppable
from vbvr_cli.commands.places import STATE, TARGET, placed
from vbvr_cli.commands.session import open_session
from vbvr_cli.config import Options
from vbvr_cli.homes import expanded

EPILOG = """[bold]Examples[/bold]

vbvr download --dest results

vbvr download -g 'O-*' --dest results --extract

[dim]Every file is checked against its manifest. The same command again goes on where it stopped.[/dim]"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=EPILOG)(download)


@placed(*STATE, *TARGET)
def download(
    context: typer.Context,
    where: Options,
    generator: opt.OnlyGenerators = None,
    category: opt.Categories = None,
    role: opt.Roles = None,
    run: Annotated[str | None, typer.Option(help="Only this run, by its id or the beginning of it.")] = None,
    dest: Annotated[Path, typer.Option(help="Where to.")] = Path("results"),
    extract: Annotated[bool, typer.Option("--extract", help="Unpack tar archives.")] = False,
    workers: Annotated[int, typer.Option(help="Objects at once.", min=1, max=256)] = 16,
    bucket: Annotated[str | None, typer.Option(help="Where from. Default: the target's own.")] = None,
    as_json: opt.Json = False,
) -> None:
    """Bring a dataset into a folder, checked, going by its manifests."""
    from vbvr_cli.errors import WorkFailedError
    from vbvr_cli.operations.download.download import Download
    from vbvr_cli.operations.download.request import DownloadRequest
    from vbvr_cli.screens.downloads import DownloadProgress, show_brought

    session = open_session(context, where)
    dest = expanded(dest)
    place = session.bucket(bucket)
    if bucket:
        session.backend.allow_bucket(place)
    request = DownloadRequest(session.names(generator, category, role), run, extract, workers)
    with stoppable("Everything brought so far is kept."), DownloadProgress() as progress:
        report = Download(session.backend, place, dest, request, progress.show).run()
    show_brought(report, dest, as_json=as_json)
    if report.failed:
        raise WorkFailedError(
            f"{report.failed:,} objects could not be brought; the rest is there.",
            why=report.problems[0],
            hint="`vbvr status RUN` names every gap; --repair has what is damaged made again.",
        )
