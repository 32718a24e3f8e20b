"""`vbvr generators`: what can be asked for."""

from __future__ import annotations

from typing import Annotated

import typer

from vbvr_cli.commands import fetch_generators
from vbvr_cli.commands import options as opt
from vbvr_cli.commands.session import open_session
from vbvr_cli.config import Options

generators = typer.Typer(name="generators", help="The generators that vbvr knows.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(generators)
    fetch_generators.register(app)


@generators.command("list", epilog="[bold]Example[/bold]\n\nvbvr generators list --json")
def list_generators(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also those that cannot run here yet.")] = False,
    as_json: opt.Json = False,
    home: opt.Home = None,
    generators_path: opt.GeneratorsPath = None,
    catalog: opt.CatalogFile = None,
) -> None:
    """List the generators that can run here."""
    from vbvr_cli.screens.generators import show_generators

    session = open_session(context, Options(home, catalog, generators_path))
    show_generators(session.catalog, every=every, as_json=as_json)


@generators.command(epilog="[bold]Example[/bold]\n\nvbvr generators show O-nonogram_data-generator")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A generator's name.")],
    as_json: opt.Json = False,
    home: opt.Home = None,
    generators_path: opt.GeneratorsPath = None,
    catalog: opt.CatalogFile = None,
) -> None:
    """Show where a generator comes from, and how it is run."""
    from vbvr_cli.screens.generators import show_generator

    session = open_session(context, Options(home, catalog, generators_path))
    show_generator(session.catalog.get(name), as_json=as_json)
