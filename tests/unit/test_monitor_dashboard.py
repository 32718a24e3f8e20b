"""The dashboard fits its screen, whatever that is, and shows what matters."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from monitor_examples import NOON, TERMS, depth, factory, run
from rich.cells import cell_len
from rich.console import Console

from vbvr_cli.errors import ServiceError
from vbvr_cli.models import FailureCode
from vbvr_cli.operations.monitor import History, Outage, Reading
from vbvr_cli.operations.snapshot import Counts, Snapshot, take
from vbvr_cli.screens.dashboard import Dashboard
from vbvr_cli.screens.dashboard_failures import PHRASES, failures_in_one_line
from vbvr_cli.screens.dashboard_marks import shares, sparkline

SIZES = [(80, 24), (160, 50), (40, 12), (20, 5), (100, 30), (120, 16), (132, 43), (300, 90)]
OUTAGE = Outage(
    NOON + 9, ServiceError("The table did not answer.", why="Rate exceeded " * 9, hint="Wait a bit.")
)
PLACE = "local, state in /a/rather/long/path/that/leads/to/the/folder/where/the/state/is/kept"


def reading(snapshot: Snapshot) -> Reading:
    return History().add(snapshot)


def busy() -> Reading:
    """A factory of 300 generators with everything there is to say about it."""
    snapshot = take(depth(12_345, 17, 3, 98), factory(), NOON, ["G-*", "O-*"])
    course = tuple(float(number % 7) for number in range(300))
    return replace(reading(replace(snapshot, cost=1234.5)), course=course, lost=4, outage=OUTAGE)


CASES: dict[str, Callable[[], Reading | Outage]] = {
    "busy": busy,
    "nothing yet": lambda: reading(take(depth(), [], NOON)),
    "one generator": lambda: reading(take(depth(2), [run("G-1", 100, 10)], NOON)),
    "long names": lambda: reading(take(depth(2), [run("G-" + "x" * 126, 10**8, 10**7)], NOON)),
    "no answer": lambda: OUTAGE,
}


def drawn(
    shown: Reading | Outage, width: int = 80, height: int = 24, *, below: int = 0, encoding: str = "utf-8"
) -> str:
    """The dashboard as text, without colours."""
    screen = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    console = Console(file=screen, width=width, height=height, color_system=None, highlight=False)
    console.print(Dashboard(shown, PLACE, below=below))
    screen.flush()
    screen.seek(0)
    return screen.read()


def headings(text: str) -> str:
    """The line above the generators."""
    return next(line for line in text.splitlines() if line.startswith("  generator"))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_no_line_is_wider_and_no_screen_taller_than_the_terminal(case: str, width: int, height: int):
    lines = drawn(CASES[case](), width, height).splitlines()

    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("case", CASES)
def test_a_terminal_that_knows_ascii_only_gets_ascii(case: str):
    assert drawn(CASES[case](), encoding="ascii").isascii()


def test_three_hundred_generators_fill_the_screen_and_the_rest_is_summed_up():
    lines = drawn(busy(), 80, 24).splitlines()

    assert len(lines) == 24
    assert "more: " in lines[-1]
    assert "done" in lines[-1]


def test_shown_and_summed_up_are_all_generators():
    lines = drawn(busy(), 160, 50).splitlines()
    shown = sum("_data-generator" in line for line in lines)
    more = int(lines[-1].split("and ")[1].split(" more")[0])

    assert shown + more == 300


def test_what_an_operator_asks_first_is_on_the_smallest_usual_screen():
    runs = [
        run("G-1", 10_000, 5_000, making=10, working=8, seconds=5_000.0, num_bytes=2 * 10**9, remade=35),
        run("G-2", 200, 100, failed=100, duplicates=12, reasons={FailureCode.OUT_OF_TIME: 4}),
        run("G-3", 100, 0, cancelled=True),
    ]
    text = drawn(reading(take(depth(120, 8, 1, 4), runs, NOON)))

    for fact in (
        "5,100 of 10,300 done",
        "~8.0/s",
        "~10 min 24 s left, 8 workers",
        "120 waiting, 8 in flight, 1 delayed",
        "4 dead letters",
        "2.0 GB, 35 remade, 12 duplicates",
        "100 samples: 4 out_of_time",
        "1 run, 100 samples not made",
    ):
        assert fact in text


def test_the_header_says_what_is_looked_at_and_when():
    text = drawn(reading(take(depth(), [run("O-1")], NOON, ["O-*"])), 200, 24)

    assert "only O-*" in text
    assert PLACE in text
    assert "(all generators)" in text


def test_a_large_screen_has_a_line_for_each_reason():
    lines = drawn(busy(), 160, 50).splitlines()

    assert any("out_of_time" in line and "not done in time" in line for line in lines)
    assert any("generator_failed" in line and "raised an error" in line for line in lines)


def test_a_wide_screen_says_more_of_each_generator():
    wide, narrow = headings(drawn(busy(), 160, 24)), headings(drawn(busy(), 80, 24))

    for heading in ("working", "remade", "duplicates", "size"):
        assert heading in wide
        assert heading not in narrow


def test_columns_stay_where_they_are_when_rows_change():
    runs = [run("G-1", 100, 50, working=1), run("G-2-with-a-long-name", 1_000_000, 0), run("G-3", 10, 10)]
    before = drawn(reading(take(depth(), runs, NOON)), 80, 10)
    after = drawn(reading(take(depth(), [*runs[1:], runs[0]], NOON)), 80, 12)

    assert headings(before) == headings(after)


def test_lost_tasks_are_said_only_when_there_are_some():
    calm = reading(take(depth(5), [run("G-1", sent=5)], NOON))

    assert "lost" not in drawn(calm)
    assert "4 tasks sent, but neither waiting nor done" in drawn(replace(calm, lost=4))


def test_the_cost_is_shown_where_there_is_one():
    free = reading(take(depth(), [run("G-1")], NOON))

    assert "USD" not in drawn(free)
    assert "cost so far 12.30 USD" in drawn(replace(free, snapshot=replace(free.snapshot, cost=12.3)))


def test_functions_at_work_have_a_line_where_they_are_known():
    unknown = reading(take(depth(), [run("G-1")], NOON, terms=TERMS))
    known = reading(take(depth(), [run("G-1")], NOON, terms=TERMS, functions=412))

    assert "functions" not in drawn(unknown)
    assert "functions  412 of at most 990 at work" in drawn(known)


def test_on_aws_an_idle_queue_is_something_to_look_into():
    idle = take(depth(waiting=3), [run("G-1", sent=3)], NOON, terms=TERMS)

    assert "vbvr doctor says why" in drawn(reading(idle))


def test_stale_figures_say_since_when_why_and_what_to_do():
    text = drawn(busy(), 160, 24)

    assert "no answer" in text
    for words in ("since ", "The table did not answer.", "Rate exceeded", "Wait a bit."):
        assert words in text


def test_finished_work_says_how_it_ended():
    assert "complete" in drawn(reading(take(depth(), [run("G-1", 10, 10)], NOON)))
    assert "nothing left to do" in drawn(reading(take(depth(), [run("G-1", 10, 9, failed=1)], NOON)))
    assert "nothing submitted yet" in drawn(reading(take(depth(), [], NOON)))


def test_work_that_waits_for_nobody_names_the_command():
    waiting = drawn(reading(take(depth(5), [run("G-1", sent=5)], NOON)))

    assert "no workers" in waiting
    assert "vbvr worker" in waiting


def test_lines_can_be_left_free_below():
    assert len(drawn(busy(), 80, 24, below=2).splitlines()) == 22


def test_every_reason_has_a_phrase():
    assert set(PHRASES) == set(FailureCode)


def test_reasons_in_one_line_are_as_many_as_fit():
    reasons = {FailureCode.OUT_OF_TIME: 1_200, FailureCode.WORKER_DIED: 3, FailureCode.STORE_FAILED: 1}

    assert failures_in_one_line(reasons) == "1,200 out_of_time, 3 worker_died, 1 store_failed"
    assert failures_in_one_line(reasons, 45) == "1,200 out_of_time, 3 worker_died and 1 more"
    assert failures_in_one_line(reasons, 30) == "1,200 out_of_time and 2 more"
    assert failures_in_one_line(reasons, 5) == "3 reasons"


@pytest.mark.parametrize("width", [0, 1, 2, 3, 10, 77])
@pytest.mark.parametrize(
    "counts",
    [
        Counts(),
        Counts(planned=100),
        Counts(planned=100, done=100),
        Counts(planned=10**8, done=1, making=1, failed=1),
        Counts(planned=100, done=98, failed=1),
        Counts(planned=5, failed=5),
        Counts(planned=5, done=4, making=9),
    ],
)
def test_the_parts_of_a_bar_fill_it(counts: Counts, width: int):
    parts = shares(counts, width)

    assert sum(parts) == width
    assert min(parts) >= 0


def test_a_bar_is_full_when_nothing_is_open_and_only_then():
    assert shares(Counts(planned=10_000, done=9_500, failed=500), 14) == (13, 0, 1, 0)
    assert shares(Counts(planned=100, done=100), 10) == (10, 0, 0, 0)
    assert shares(Counts(planned=1_000, done=999), 10)[3] == 1


def test_a_single_failure_is_seen_in_a_bar():
    assert shares(Counts(planned=10**8, done=5 * 10**7, failed=1), 10)[2] == 1


def test_a_sparkline_is_the_latest_rates_with_the_highest_full():
    assert sparkline([9.0, 1.0, 2.0, 4.0], 3) == "▂▄█"
    assert sparkline([0.0, 0.0], 5) == "▁▁"
    assert sparkline([], 5) == ""
    assert sparkline([1.0], 0) == ""
