"""A watch goes on until its user ends it, whatever the back end does meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from monitor_examples import NOON, StandingBackend, depth, factory, run

from vbvr_cli.errors import ServiceError
from vbvr_cli.operations.monitor import Monitor, Outage, Reading
from vbvr_cli.screens.dashboard_live import watch
from vbvr_cli.screens.dashboard_plain import detail_lines, plain_line, reading_as_json

THROTTLED = ServiceError("The table did not answer.", why="Rate exceeded")


class Watched(Monitor):
    """A monitor whose user does something before each look, and presses Ctrl-C when nothing is left to do."""

    def __init__(self, backend: StandingBackend, *steps: Callable[[], None]) -> None:
        super().__init__(backend, clock=backend.clock)  # type: ignore[arg-type]
        self._steps = iter(steps)

    def look_on(self) -> Reading | Outage:
        step = next(self._steps, None)
        if step is None:
            raise KeyboardInterrupt
        step()
        return super().look_on()


def nothing() -> None:
    """Let a look be like the one before."""


def watched(backend: StandingBackend, *steps: Callable[[], None], as_json: bool = False) -> None:
    watch(Watched(backend, *steps), "local", interval=0.0, as_json=as_json)


def test_each_reading_is_a_line(capsys: pytest.CaptureFixture[str]):
    watched(StandingBackend(runs=[run("G-1", 100, 50)]), nothing, nothing, nothing)

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all("samples 50 of 100" in line for line in lines)


def test_each_reading_is_a_line_of_json(capsys: pytest.CaptureFixture[str]):
    watched(StandingBackend(runs=factory()), nothing, nothing, as_json=True)

    readings = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(readings) == 2
    assert all(len(one["generators"]) == 300 for one in readings)


def test_figures_that_are_stale_say_so_until_they_are_not(capsys: pytest.CaptureFixture[str]):
    backend = StandingBackend(runs=[run("G-1", 100, 50)])
    steps = (nothing, lambda: backend.fails_with(THROTTLED), nothing, lambda: backend.fails_with(None))

    watched(backend, *steps, as_json=True)

    readings = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [bool(one["stale"]) for one in readings] == [False, True, True, False]
    assert readings[1]["stale"] == {
        "since": NOON,
        "error": "The table did not answer.",
        "why": "Rate exceeded",
        "hint": None,
    }
    assert [one["samples"]["done"] for one in readings] == [50] * 4


def test_a_line_of_stale_figures_says_why(capsys: pytest.CaptureFixture[str]):
    backend = StandingBackend(runs=[run("G-1", 100, 50)])

    watched(backend, nothing, lambda: backend.fails_with(THROTTLED))

    fresh, stale = capsys.readouterr().out.splitlines()
    assert "no answer" not in fresh
    assert "The table did not answer." in stale


def test_what_keeps_the_first_figures_from_coming_is_said_once(capsys: pytest.CaptureFixture[str]):
    backend = StandingBackend(runs=[run("G-1", 100, 50)], error=THROTTLED)

    watched(backend, nothing, nothing, lambda: backend.fails_with(None))

    said = capsys.readouterr()
    assert said.err.count("The table did not answer.") == 1
    assert len(said.out.splitlines()) == 1


def test_a_watch_that_showed_something_ends_well():
    watched(StandingBackend(), nothing)


def test_a_watch_that_never_showed_anything_was_interrupted():
    with pytest.raises(KeyboardInterrupt):
        watched(StandingBackend())
    with pytest.raises(KeyboardInterrupt):
        watched(StandingBackend(error=THROTTLED), nothing)


def test_a_line_has_all_that_matters():
    snapshot_of = Monitor(StandingBackend(depth(3, 1, 0, 2), factory(60), now=NOON))  # type: ignore[arg-type]

    line = plain_line(snapshot_of.look())

    assert "\n" not in line
    for words in (
        "samples ",
        "failed (",
        "left",
        "workers",
        "3 waiting",
        "2 dead letters",
        "1 run cancelled",
    ):
        assert words in line


def test_one_reading_in_a_pipe_has_a_line_for_each_generator():
    lines = detail_lines(Monitor(StandingBackend(runs=factory())).look())  # type: ignore[arg-type]

    assert len(lines) == 301
    assert {line.count("\t") for line in lines[1:]} == {6}


def test_a_reading_for_scripts_has_everything_and_nulls_where_there_is_nothing():
    described = reading_as_json(Monitor(StandingBackend(depth(3), [run("G-1", 10, 4)])).look())  # type: ignore[arg-type]

    assert described["queue"] == {"waiting": 3, "in_flight": 0, "delayed": 0, "dead": 0}
    assert described["samples"]["open"] == 6
    assert (described["cost_usd"], described["stale"], described["seconds_left"]) == (None, None, None)
    assert described["generators"][0]["phase"] == "waiting"
