"""What earlier snapshots tell: rates, time left, tasks lost, and a back end that does not answer."""

from __future__ import annotations

import pytest
from monitor_examples import NOON, StandingBackend, depth, run

from vbvr_cli.errors import ConfigurationError, InvalidRequestError, ServiceError
from vbvr_cli.operations.monitor import History, Monitor, Outage, Reading
from vbvr_cli.operations.pace import Pace
from vbvr_cli.operations.snapshot import Snapshot, take

THROTTLED = ServiceError("The table did not answer.", why="Rate exceeded", hint="Wait.")


def at(second: float, done: int, *, planned: int = 1_000, **counters: int) -> Snapshot:
    """A snapshot of one generator, so many seconds after noon."""
    return take(depth(waiting=1), [run("G-1", planned, done, sent=1, **counters)], NOON + second)


def readings(*snapshots: Snapshot) -> Reading:
    """What the last of these snapshots means after the others."""
    history = History()
    return [history.add(snapshot) for snapshot in snapshots][-1]


def observed(backend: StandingBackend, patterns: tuple[str, ...] = ()) -> Monitor:
    return Monitor(backend, patterns, clock=backend.clock)  # type: ignore[arg-type]


def test_the_rate_is_that_of_the_last_minute():
    slow_then_fast = [
        at(second, second if second <= 100 else 100 + 5 * (second - 100)) for second in range(201)
    ]

    assert readings(*slow_then_fast).per_second == pytest.approx(5.0)


def test_samples_count_before_their_task_is_done():
    assert readings(at(0, 0, working=1), at(20, 0, working=1, making=40)).per_second == 2.0


def test_the_rate_begins_anew_when_a_task_is_given_back():
    assert readings(at(0, 50), at(20, 90), at(40, 40), at(60, 60)).per_second == 1.0


def test_the_rate_begins_anew_when_the_clock_is_set_back():
    pace = Pace()
    for seconds, made in ((1_000.0, 0), (10.0, 100)):
        pace.update(seconds, made)

    assert pace.update(20.0, 150) == 5.0


def test_the_first_rate_is_what_is_expected_and_says_so():
    reading = readings(take(depth(), [run("G-1", 100, 50, working=2, seconds=25.0)], NOON))

    assert (reading.per_second, reading.measured) == (4.0, False)
    assert reading.seconds_left == 50 / 4.0


def test_after_some_seconds_the_rate_is_measured():
    reading = readings(at(0, 0, working=1), at(20, 100, working=1))

    assert (reading.per_second, reading.measured) == (5.0, True)
    assert reading.seconds_left == 900 / 5.0


def test_there_is_no_time_left_to_tell_while_nothing_is_made():
    assert readings(at(0, 10), at(20, 10)).seconds_left is None


def test_there_is_no_time_left_when_nothing_is_open():
    assert readings(at(0, 900), at(20, 1_000)).seconds_left is None


def test_cancelled_samples_take_no_time():
    runs = [run("G-1", 100, 50, working=1, seconds=50.0), run("G-2", 10_000, 0, cancelled=True)]

    assert readings(take(depth(), runs, NOON)).seconds_left == 50.0


def test_the_course_follows_the_rate():
    course = readings(*[at(second, 2 * second if second <= 40 else 80) for second in range(0, 61, 5)]).course

    assert course[0] == course[4] == 2.0
    assert course[-1] == 0.0
    assert 0.0 < course[-4] < 2.0


def test_the_course_is_remembered_for_a_while_only():
    history = History()
    for second in range(2_000):
        reading = history.add(at(second, second, planned=5_000))

    assert len(reading.course) == 240


def unaccounted(second: float, tasks: int, *, working: int = 1) -> Snapshot:
    """A snapshot in which the queue has that many messages less than the ledger knows tasks to be sent."""
    return take(
        depth(waiting=4, in_flight=working), [run("G-1", sent=4 + tasks, working=working)], NOON + second
    )


def test_tasks_are_lost_once_they_have_been_unaccounted_for_for_a_while():
    assert readings(*[unaccounted(second, 3) for second in range(0, 40, 5)]).lost == 3


def test_a_gap_that_closes_now_and_then_is_no_loss():
    gaps = [3, 5, 0, 7, 3, 2, 9, 4]

    assert readings(*[unaccounted(5 * number, gap) for number, gap in enumerate(gaps)]).lost == 0


def test_only_what_lasts_of_a_gap_is_lost():
    gaps = [3, 5, 2, 7, 3, 2, 9, 4]

    assert readings(*[unaccounted(5 * number, gap) for number, gap in enumerate(gaps)]).lost == 2


def test_a_gap_is_no_loss_at_first_sight_while_somebody_works():
    assert readings(unaccounted(0, 3)).lost == 0
    assert readings(unaccounted(0, 3), unaccounted(600, 3)).lost == 0


def test_a_gap_is_a_loss_at_first_sight_when_nobody_works():
    assert readings(unaccounted(0, 3, working=0)).lost == 3


def test_tasks_lost_long_ago_and_found_again_are_forgotten():
    lost = [unaccounted(second, 3) for second in range(0, 60, 5)]

    assert readings(*lost, unaccounted(60, 0)).lost == 0


def test_a_look_reads_the_depth_once_and_the_counters_once():
    backend = StandingBackend(runs=[run("G-1"), run("G-2")])

    observed(backend).look()

    assert backend.reads == ["depth", "progress"]


def test_a_look_for_generators_that_have_no_run_is_an_error():
    with pytest.raises(InvalidRequestError, match=r"No run is of Q-\*"):
        observed(StandingBackend(runs=[run("G-1")]), ("Q-*",)).look()


def test_a_watch_may_begin_before_there_is_a_run():
    backend = StandingBackend()
    monitor = observed(backend, ("G-*",))
    first = monitor.look_on()
    backend.runs = [run("G-1")]
    second = monitor.look_on()

    assert isinstance(first, Reading)
    assert not first.snapshot.generators
    assert isinstance(second, Reading)
    assert list(second.snapshot.generators) == ["G-1"]


def test_one_look_raises_what_the_back_end_does():
    with pytest.raises(ServiceError):
        observed(StandingBackend(error=THROTTLED)).look()


def test_while_the_back_end_does_not_answer_the_last_figures_stay_and_say_since_when():
    backend = StandingBackend(runs=[run("G-1", 100, 50)])
    monitor = observed(backend)
    monitor.look_on()
    backend.fails_with(THROTTLED)
    stale = []
    for second in (5, 10):
        backend.now = NOON + second
        stale.append(monitor.look_on())

    for reading in stale:
        assert isinstance(reading, Reading)
        assert (reading.snapshot.taken_at, reading.snapshot.total.done) == (NOON, 50)
        assert reading.outage == Outage(NOON + 5, THROTTLED)


def test_the_watch_goes_on_when_the_back_end_answers_again():
    backend = StandingBackend(runs=[run("G-1", 100, 50)])
    monitor = observed(backend)
    monitor.look_on()
    backend.fails_with(ConfigurationError("The credentials have expired."))
    monitor.look_on()
    backend.fails_with(None)
    backend.now = NOON + 20
    backend.runs = [run("G-1", 100, 70)]
    reading = monitor.look_on()

    assert isinstance(reading, Reading)
    assert reading.outage is None
    assert (reading.snapshot.total.done, reading.per_second) == (70, 1.0)


def test_before_the_first_answer_there_is_only_the_outage():
    assert observed(StandingBackend(error=THROTTLED)).look_on() == Outage(NOON, THROTTLED)


def test_what_no_waiting_mends_ends_a_watch_that_never_had_an_answer():
    with pytest.raises(ConfigurationError):
        observed(StandingBackend(error=ConfigurationError("No credentials."))).look_on()
