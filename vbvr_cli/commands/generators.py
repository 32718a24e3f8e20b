"""`vbvr generators`: what can be asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vbvr_cli.commands import fetch_generators
from vbvr_cli.commands import options as opt
from vbvr_cli.commands.places import CATALOG, STATE, TARGET, placed
from vbvr_cli.commands.session import open_session
from vbvr_cli.config import Options
from vbvr_cli.errors import ExitCode

generators = typer.Typer(name="generators", help="The generators that vbvr knows.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(generators)
    fetch_generators.register(app)


@generators.command("list", epilog="[bold]Example[/bold]\n\nvbvr generators list --json")
@placed(*STATE, *CATALOG, *TARGET)
def list_generators(
    context: typer.Context,
    where: Options,
    generator: opt.OnlyGenerators = None,
    category: opt.Categories = None,
    role: opt.Roles = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that cannot run there yet.")] = False,
    as_json: opt.Json = False,
) -> None:
    """List the generators that can be asked for: on AWS, what the image of the stack holds."""
    from vbvr_cli.catalog.selection import select_names
    from vbvr_cli.screens.generators import show_generators

    session = open_session(context, where)
    names = list(session.offer.entries)
    if generator or category or role:
        names = select_names(session.offer.entries, generator or (), category or (), role or ())
    show_generators(session.offer, names, every=every, as_json=as_json)


@generators.command(epilog="[bold]Example[/bold]\n\nvbvr generators show O-nonogram_data-generator")
@placed(*STATE, *CATALOG, target="local")
def show(
    context: typer.Context,
    where: Options,
    name: Annotated[str, typer.Argument(help="A generator's name.")],
    as_json: opt.Json = False,
) -> None:
    """Show where a generator comes from, and how it is run."""
    from vbvr_cli.catalog.sharing import sharing_of
    from vbvr_cli.screens.generators import show_generator

    session = open_session(context, where)
    show_generator(session.catalog.get(name), sharing_of(session.catalog, name), as_json=as_json)


CHECK_EPILOG = """[bold]Examples[/bold]

vbvr generators check O-nonogram_data-generator

vbvr generators check 'O-*' --quick --jobs 4

vbvr generators check all --write

[dim]Six runs each, two of them of up to 200 samples (--quick: 20).[/dim]"""


@generators.command(epilog=CHECK_EPILOG)
@placed(*STATE, *CATALOG, target="local")
def check(
    context: typer.Context,
    where: Options,
    names: Annotated[list[str], typer.Argument(help="Names, globs or all.", metavar="NAME|GLOB|all")],
    category: opt.Categories = None,
    role: opt.Roles = None,
    quick: Annotated[bool, typer.Option("--quick", help="Up to 20 samples a run instead of 200.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Generators at a time.", min=1)] = 1,
    write: Annotated[
        bool, typer.Option("--write", help="Write batch size, time, size and pool into figures.yaml.")
    ] = False,
    as_json: opt.Json = False,
) -> None:
    """Run generators small, and say what to know of them before making a million samples."""
    from vbvr_cli.catalog.checking.checks import FULL, QUICK, check_generators
    from vbvr_cli.catalog.checking.figures import figures_file, write_figures
    from vbvr_cli.catalog.checking.report import recommend
    from vbvr_cli.screens.checks import CheckProgress, show_reports
    from vbvr_cli.screens.console import note

    session = open_session(context, where)
    target = figures_file(session.catalog.path) if write else None
    chosen = session.select(names, category, role)
    progress = CheckProgress(len(chosen))
    reports = check_generators(
        chosen, session.settings.scratch, samples=QUICK if quick else FULL, jobs=jobs, on_done=progress.ended
    )
    show_reports(reports, as_json=as_json)
    if target:
        pairs = zip(chosen, reports, strict=True)
        figures = {one.name: recommend(found.measured, one) for one, found in pairs if found.measured}
        write_figures(target, figures)
        note(f"figures written to {target}")
    if not all(report.is_sound for report in reports):
        raise typer.Exit(ExitCode.PARTIAL)


@generators.command(epilog="[bold]Example[/bold]\n\nvbvr generators new O-101_paper_folding_data-generator")
def new(
    name: Annotated[str, typer.Argument(help="Its name, and that of its folder.")],
    into: Annotated[
        Path, typer.Option("--into", help="The folder to put it into.", file_okay=False)
    ] = Path(),
) -> None:
    """Begin a generator of your own: a repository that keeps the contract, with a test."""
    from vbvr_cli.catalog.scaffolding import create_generator
    from vbvr_cli.screens.console import note, say

    folder = create_generator(name, into)
    say(str(folder))
    note(f"its puzzle is in {folder / 'src' / 'puzzle.py'}")
    note(f"check it: vbvr generators check {name} --generators-path {into}")
