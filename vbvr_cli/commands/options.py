"""The options that several commands share, named and explained the same everywhere."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class OutputFormatChoice(StrEnum):
    """What a dataset is made of."""

    FILES = "files"
    TAR = "tar"


Generators = Annotated[
    list[str] | None,
    typer.Option(
        "--generator",
        "-g",
        help="A generator's name, a glob such as 'O-*', or all. Repeatable.",
        metavar="NAME|GLOB|all",
    ),
]
Categories = Annotated[
    list[str] | None,
    typer.Option("--category", help="Only generators of this category. Repeatable.", metavar="NAME"),
]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role", help="Only generators with this role in the public benchmark. Repeatable.", metavar="NAME"
    ),
]
OnlyGenerators = Annotated[
    list[str] | None,
    typer.Option(
        "--generator", "-g", help="Only this generator, by name or glob. Repeatable.", metavar="NAME|GLOB"
    ),
]
Samples = Annotated[
    int,
    typer.Option("--samples", "-n", help="Total for each generator; 0 lists what would be asked."),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch-size", "-b", help="Samples a task. Default: as measured for the generator, else 100."
    ),
]
Seed = Annotated[int, typer.Option("--seed", "-s", help="The same seed gives the same samples.")]
OutputFormat = Annotated[
    OutputFormatChoice, typer.Option(help="Loose files, or a tar archive for each task.")
]
Dedup = Annotated[bool, typer.Option("--dedup", help="Make each puzzle only once; duplicates are remade.")]
Append = Annotated[
    bool, typer.Option("--append", help="Where the indices are taken by another run, begin behind it.")
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Where the indices are taken by another run, discard that run.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show tasks, samples, time and size, and change nothing.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for scripts.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Workers = Annotated[
    int | None,
    typer.Option("--workers", "-w", help="Worker processes. Default: one for each core.", min=1, max=1024),
]
