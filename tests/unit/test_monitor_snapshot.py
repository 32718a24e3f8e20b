"""A snapshot is made of the queue's depth and the counters, and of nothing else."""

from __future__ import annotations

import pytest
from monitor_examples import NOON, TERMS, depth, factory, run

from vbvr_cli.models import FailureCode
from vbvr_cli.operations.snapshot import Phase, take


def test_the_runs_of_a_generator_count_together():
    runs = [
        run("G-1", 100, 100, run_id="a", remade=2),
        run("G-1", 50, 10, run_id="b", remade=3, duplicates=4),
    ]

    snapshot = take(depth(), runs, NOON)

    (counts,) = snapshot.generators.values()
    assert (counts.planned, counts.done, counts.open) == (150, 110, 40)
    assert (counts.remade, counts.duplicates) == (5, 4)


def test_the_total_is_that_of_all_generators():
    runs = factory()

    total = take(depth(), runs, NOON).total

    assert total.planned == sum(one.samples_planned for one in runs)
    assert total.done == sum(one.samples_done for one in runs)
    assert total.failed == sum(one.samples_dead for one in runs)


def test_generators_under_way_come_first_then_failed_ones_then_those_with_most_open():
    runs = [
        run("done", 10, 10),
        run("cancelled", 10, 4, cancelled=True),
        run("little-open", 10, 9),
        run("much-open", 10, 0),
        run("few-failures", 10, 8, failed=1),
        run("many-failures", 10, 8, failed=2),
        run("under-way-b", 10, 9, working=1),
        run("under-way-a", 10, 2, working=1, failed=5),
    ]

    assert list(take(depth(), runs, NOON).generators) == [
        "under-way-a",
        "under-way-b",
        "many-failures",
        "few-failures",
        "much-open",
        "little-open",
        "cancelled",
        "done",
    ]


def test_a_cancelled_run_is_not_waited_for():
    snapshot = take(depth(), [run("G-1", 100, 30, cancelled=True), run("G-2", 100, 60)], NOON)

    assert snapshot.cancelled_runs == 1
    assert (snapshot.total.open, snapshot.total.cancelled) == (40, 70)
    assert snapshot.generators["G-1"].phase is Phase.CANCELLED


def test_a_run_that_was_cancelled_when_it_was_complete_is_no_cancelled_run():
    snapshot = take(depth(), [run("G-1", 100, 100, cancelled=True)], NOON)

    assert snapshot.cancelled_runs == 0
    assert snapshot.generators["G-1"].phase is Phase.DONE


def test_failures_are_grouped_by_reason_the_most_frequent_first():
    runs = [
        run("G-1", failed=30, reasons={FailureCode.OUT_OF_TIME: 1, FailureCode.WORKER_DIED: 2}),
        run("G-2", failed=30, reasons={FailureCode.OUT_OF_TIME: 5}),
    ]

    reasons = take(depth(), runs, NOON).reasons

    assert list(reasons.items()) == [(FailureCode.OUT_OF_TIME, 6), (FailureCode.WORKER_DIED, 2)]


def test_only_the_generators_asked_for_are_counted():
    runs = [run("G-1", 100, 1), run("O-1", 100, 2), run("O-2", 100, 4)]

    assert set(take(depth(), runs, NOON, ["O-*"]).generators) == {"O-1", "O-2"}
    assert take(depth(), runs, NOON, ["G-1", "O-2"]).total.done == 5


def test_tasks_whose_messages_are_all_there_are_accounted_for():
    runs = [run("G-1", sent=5, waiting=2, working=3)]

    assert take(depth(waiting=5, in_flight=3, delayed=2), runs, NOON).unaccounted == 0


def test_tasks_without_a_message_are_unaccounted_for():
    runs = [run("G-1", sent=5, waiting=2, working=3), run("G-2", sent=1)]

    assert take(depth(waiting=4, in_flight=3, delayed=2), runs, NOON).unaccounted == 2


def test_other_generators_messages_do_not_hide_that_tasks_are_unaccounted_for():
    runs = [run("G-1", sent=5), run("G-2", sent=5)]

    assert take(depth(waiting=7), runs, NOON, ["G-1"]).unaccounted == 3


def test_messages_that_the_ledger_does_not_know_are_nothing_lost():
    assert take(depth(waiting=9), [run("G-1", sent=5)], NOON).unaccounted == 0


def test_work_costs_nothing_where_the_target_has_no_prices():
    assert take(depth(), factory(), NOON).cost is None


def test_functions_cost_what_the_chosen_generators_tasks_took():
    runs = [run("G-1", 100, 50, seconds=100.0), run("O-1", 100, 50, seconds=300.0)]

    all_of_it = take(depth(), runs, NOON, terms=TERMS).cost
    a_quarter = take(depth(), runs, NOON, ["G-*"], terms=TERMS).cost

    assert all_of_it
    assert a_quarter
    assert all_of_it - a_quarter == pytest.approx(300 * 1.66667e-05 + 50 * 5 * 0.005 / 1000)


def test_functions_at_work_are_told_with_how_many_there_may_be():
    assert take(depth(), [], NOON, terms=TERMS, functions=3).max_functions == 990
    assert take(depth(), [], NOON, terms=TERMS).max_functions is None


def test_the_rate_to_expect_is_what_workers_made_so_far_in_their_time():
    runs = [run("G-1", 100, 50, working=4, seconds=100.0), run("G-2", 100, 30, working=1, seconds=10.0)]

    assert take(depth(), runs, NOON).expected_per_second == 4 * 0.5 + 1 * 3.0


def test_without_any_finished_task_no_rate_is_expected():
    assert take(depth(), [run("G-1", working=2)], NOON).expected_per_second == 0.0
