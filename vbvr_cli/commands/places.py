"""The options that say where things are: declared once, and handed to a command as one value."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vbvr_cli.config import Options

PANEL = "Where things are"
_OPTIONS: dict[str, Any] = {
    "home": Annotated[
        Path | None,
        typer.Option(
            help="State folder: queue, ledger, scratch. Default: VBVR_HOME, else .vbvr.",
            file_okay=False,
            rich_help_panel=PANEL,
        ),
    ],
    "generators_path": Annotated[
        str | None,
        typer.Option(
            help="Folders of generators beside the catalog, separated by ':'. Default: GENERATORS_PATH.",
            metavar="FOLDER[:FOLDER]",
            rich_help_panel=PANEL,
        ),
    ],
    "catalog": Annotated[
        Path | None,
        typer.Option(
            "--catalog",
            help="Default: VBVR_CATALOG, else generators.yaml here, else the one that comes with vbvr.",
            dir_okay=False,
            rich_help_panel=PANEL,
        ),
    ],
    "target": Annotated[
        str | None,
        typer.Option(
            help="local or aws. Default: VBVR_TARGET, else aws where a stack is deployed or SQS_QUEUE_URL "
            "is set, else local.",
            rich_help_panel=PANEL,
        ),
    ],
    "stack": Annotated[
        str | None,
        typer.Option(
            help="On AWS: the stack that says where things are. Default: VBVR_STACK, else vbvr.",
            metavar="NAME",
            rich_help_panel=PANEL,
        ),
    ],
    "profile": Annotated[
        str | None,
        typer.Option(
            help="On AWS: the profile whose credentials are used. Default: AWS_PROFILE.",
            metavar="NAME",
            rich_help_panel=PANEL,
        ),
    ],
    "region": Annotated[
        str | None,
        typer.Option(
            help="On AWS: the region. Default: AWS_REGION, else us-east-2.",
            metavar="NAME",
            rich_help_panel=PANEL,
        ),
    ],
}

STATE = ("home",)
CATALOG = ("generators_path", "catalog")
TARGET = ("target", "stack", "profile", "region")


def placed(*names: str, target: str | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command these options of `Options`; it gets what they say as its parameter `where`.

    `target` fixes that of a command which has no such option.
    """
    fixed: dict[str, Any] = {} if target is None else {"target": target}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def with_places(*arguments: Any, **values: Any) -> None:
            where = Options(**{name: values.pop(name) for name in names}, **fixed)
            command(*arguments, where=where, **values)

        signature = inspect.signature(command, eval_str=True)
        own = [parameter for name, parameter in signature.parameters.items() if name != "where"]
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_OPTIONS[name])
            for name in names
        ]
        # Typer goes by these two, and takes from them what it offers.
        with_places.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
        with_places.__annotations__ = {one.name: one.annotation for one in (*own, *added)}
        return with_places

    return decorate
