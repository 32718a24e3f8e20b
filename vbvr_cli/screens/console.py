"""The two streams: results on stdout, everything said beside them on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vbvr_cli.errors import InvalidRequestError, VbvrError

NARROWEST = 9
out = Console(highlight=False, soft_wrap=False)
err = Console(stderr=True, highlight=False)


def note(text: str) -> None:
    """Say something beside the result."""
    err.print(f"[dim]{escape(text)}[/dim]", soft_wrap=True)


def warn(text: str) -> None:
    """Say something that the user should look at."""
    err.print(f"[yellow]warning:[/yellow] {escape(text)}", soft_wrap=not err.is_terminal)


def say(text: str) -> None:
    """A line of the result."""
    out.print(escape(text), soft_wrap=True)


def show_error(error: VbvrError) -> None:
    """What failed, why, and what to do. The last is not wrapped: commands are copied from it."""
    one_line = not err.is_terminal
    err.print(f"[bold red]error:[/bold red] {escape(error.what)}", soft_wrap=one_line)
    if error.why:
        err.print(f"  [dim]why:[/dim] {escape(error.why)}", soft_wrap=one_line)
    if error.hint:
        err.print(f"  [dim]fix:[/dim] {escape(error.hint)}", soft_wrap=True)


def show_json(value: Any) -> None:
    """The result for a script: one JSON document on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def show_table(
    columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]], *, beside: bool = False
) -> None:
    """A table on stdout, or on stderr `beside` the result; `columns` are (heading, justify).

    Piped, its cells are separated by tabs.
    """
    console, stream = (err, sys.stderr) if beside else (out, sys.stdout)
    if not console.is_terminal:
        for row in rows:
            stream.write("\t".join(row) + "\n")
        return
    console.print(make_table(columns, rows))


def make_table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]) -> Table:
    """A table in vbvr's look. Where it is narrow the name is folded first; an id or a number that has no room
    is seen to be cut.
    """
    listed = list(rows)
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False, header_style="bold"
    )
    for number, (heading, justify) in enumerate(columns):
        cells = [row[number] for row in listed]
        whole = number > 0 and (justify == "right" or not any(" " in cell for cell in cells))
        table.add_column(
            heading,
            justify=justify,  # type: ignore[arg-type]
            no_wrap=whole,
            overflow="ellipsis" if whole else "fold",
            min_width=min(NARROWEST, max(map(len, cells), default=0)),
        )
    for row in listed:
        table.add_row(*map(escape, row))
    return table


def can_ask() -> bool:
    """Whether somebody is there to answer a question."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def confirm(question: str) -> bool:
    """Ask on the terminal. Raises InvalidRequestError where nobody can answer."""
    if not can_ask():
        raise InvalidRequestError(question, why="nobody is there to answer", hint="Add --yes.")
    err.print(f"{escape(question)} [bold]\\[y/N][/bold] ", end="")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
