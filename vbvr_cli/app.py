"""The Typer app, the one place that constructs back ends, and the one error boundary."""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from vbvr_cli import __version__
from vbvr_cli.commands import (
    cancel,
    deploy,
    dlq,
    doctor,
    download,
    generate,
    generators,
    monitor,
    queue,
    status,
    submit,
    worker,
)
from vbvr_cli.commands.boundary import describe, refuse_empty
from vbvr_cli.commands.session import Connections
from vbvr_cli.config import Options, Settings, load_settings
from vbvr_cli.errors import ExitCode, VbvrError

if TYPE_CHECKING:
    from types import FrameType

    from vbvr_cli.backends.ports import Backend
    from vbvr_cli.catalog.catalog import Catalog
    from vbvr_cli.catalog.selection import Offer

app = typer.Typer(
    name="vbvr",
    help="Make video-reasoning training data: complete, reproducible, checked.",
    epilog="Begin with: vbvr generate -g all -n 10",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command_module in (
    generate,
    submit,
    worker,
    monitor,
    status,
    dlq,
    queue,
    cancel,
    download,
    generators,
    deploy,
    doctor,
):
    command_module.register(app)


def show_version(asked: bool) -> None:
    """Say which version this is, and end there."""
    if asked:
        typer.echo(f"vbvr {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=show_version, is_eager=True),
    ] = False,
) -> None:
    """Global options."""
    context.obj = Connections(
        settings=open_settings,
        backend=open_backend,
        catalog=open_local_catalog,
        offer=open_catalog,
    )


def open_settings(options: Options) -> Settings:
    """What the options and the environment say, and whether a stack was deployed from here."""
    from vbvr_cli.backends.aws.outputs import OutputsFile

    return load_settings(options, os.environ, deployed=lambda home, aws: OutputsFile(home, aws).deployed)


def open_backend(settings: Settings) -> Backend:
    """The back end of the target that the settings name."""
    if settings.target == "aws":
        from vbvr_cli.backends.aws.opening import open_aws

        return open_aws(settings.aws, settings.home)
    from vbvr_cli.backends.local import LocalBackend

    return LocalBackend(settings.home)


def open_catalog(settings: Settings, backend: Backend | None = None) -> Offer:
    """What can be asked of the target: on AWS what the stack's image holds, else the local catalog.

    `backend` is the target's, where it is open already. Raises ConfigurationError, ServiceError.
    """
    from vbvr_cli.catalog.roster import Roster

    if settings.target == "aws":
        fleet = (backend or open_backend(settings)).fleet
        if fleet and (text := fleet.roster()):
            return Roster.from_json(text)
    return open_local_catalog(settings)


def open_local_catalog(settings: Settings) -> Catalog:
    """What this machine can make: the catalog that the settings name."""
    from vbvr_cli.catalog.catalog import Catalog
    from vbvr_cli.screens.console import note

    return Catalog.load(
        settings.catalog,
        settings.generators_paths,
        python=settings.python,
        fetched=settings.home / "generators",
        notify=note,
    )


def main() -> NoReturn:
    """Run the command line; every error leaves here, with its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    atexit.register(gc.freeze)  # else the interpreter searches all that it lets go: an eighth of a second
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115  # closed before Python began
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
    try:
        refuse_empty(sys.argv[1:])
        app()
    except VbvrError as error:
        _leave(error)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except SystemExit as stop:
        # Whoever read our output has enough (`| head`); the Typer app takes that for a failure.
        sys.exit(ExitCode.OK if isinstance(stop.__context__, BrokenPipeError) else stop.code)
    except Exception as error:
        if os.environ.get("VBVR_DEBUG"):
            raise
        _leave(describe(error))
    sys.exit(ExitCode.OK)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _leave(error: VbvrError) -> NoReturn:
    """Print what failed, why, and what to do, as JSON where the result would have been; and end."""
    if "--json" in sys.argv:
        described = {"error": error.what, "why": error.why, "hint": error.hint, "exit_code": error.exit_code}
        print(json.dumps(described), file=sys.stderr)
    else:
        from vbvr_cli.screens.console import show_error

        show_error(error)
    sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
