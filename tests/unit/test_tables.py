"""A table on a narrow terminal: ids can still be copied, and numbers are whole."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from vbvr_cli.screens.console import make_table
from vbvr_cli.screens.plans import PLAN_COLUMNS, RUN_COLUMNS

LONG = "G-131_select_next_figure_increasing_size_sequence_data-generator"
RUN = [LONG, "f5343e5d3669753a", "9,999", "10,000", "1", "0", "340.5 MB", "part failed"]
PLAN = [LONG, "create", "10,000", "400", "~1 h 12 min", "1.2 GB"]


def shown(columns: tuple[tuple[str, str], ...], row: list[str], width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(make_table(columns, [row]))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(("columns", "row"), [(RUN_COLUMNS, RUN), (PLAN_COLUMNS, PLAN)], ids=["run", "plan"])
def test_on_80_columns_only_the_name_and_words_are_folded(
    columns: tuple[tuple[str, str], ...], row: list[str]
) -> None:
    lines = shown(columns, row, 80)

    assert all(heading in lines[0] for heading, _ in columns)
    assert all(cell.split()[0] in lines[2] for cell in row[1:])
    assert all(
        cell in lines[2] for (_, justify), cell in zip(columns, row, strict=True) if justify == "right"
    )
    assert "".join(line.split(" ")[0] for line in lines[2:]) == LONG


def test_where_there_is_room_nothing_is_folded() -> None:
    assert all(cell in shown(RUN_COLUMNS, RUN, 160)[2] for cell in RUN)
