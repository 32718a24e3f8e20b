"""`vbvr fetch-generators`: bring generators' code and environments here."""

from __future__ import annotations

from typing import Annotated

import typer

from vbvr_cli.commands import options as opt
from vbvr_cli.commands.places import STATE, placed
from vbvr_cli.commands.session import open_session
from vbvr_cli.config import Options
from vbvr_cli.errors import ExitCode

EPILOG = """[bold]Examples[/bold]

vbvr fetch-generators -g 'O-3*'

vbvr fetch-generators -g all --locked

vbvr fetch-generators --category spatiality --base-url https://git.example.org/mirrors

[dim]What was fetched is pinned in generators.lock beside the catalog. Credentials are left to git.[/dim]"""
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", "-j", help="Repositories at a time. Default: four for each core, 16 to 32.", min=1, max=128
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("fetch-generators", epilog=EPILOG)(fetch_generators)


@placed(*STATE, "catalog", target="local")
def fetch_generators(
    context: typer.Context,
    where: Options,
    generator: opt.OnlyGenerators = None,
    category: opt.Categories = None,
    role: opt.Roles = None,
    update: Annotated[
        bool, typer.Option("--update", help="Take the newest commit of what the catalog does not fix.")
    ] = False,
    locked: Annotated[
        bool, typer.Option("--locked", help="Fetch exactly what generators.lock says, or fail.")
    ] = False,
    jobs: Jobs = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            help="A mirror: the repository's name is put after it, or for {owner} and {name} in it.",
            envvar="VBVR_BASE_URL",
            metavar="URL",
        ),
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Fetch generators from their repositories, by commit, and build the environments they run in."""
    from vbvr_cli.catalog.fetching import DEFAULT_JOBS
    from vbvr_cli.catalog.provisioning import FetchRequest, provision
    from vbvr_cli.screens.fetching import FetchProgress, show_provisioned

    session = open_session(context, where)
    request = FetchRequest(
        patterns=tuple(generator or ([] if category or role else ["all"])),
        categories=tuple(category or ()),
        roles=tuple(role or ()),
        update=update,
        locked=locked,
        jobs=jobs or DEFAULT_JOBS,
        base_url=base_url,
    )
    report = provision(session.catalog, request, FetchProgress())
    show_provisioned(report, session.catalog, as_json=as_json)
    if report.failed:
        raise typer.Exit(ExitCode.PARTIAL)
