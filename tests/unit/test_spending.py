"""What is estimated before money is spent: all that will be sent, how long it takes, and the limit."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from places import Place

from vbvr_cli.backends.ports import FleetTerms
from vbvr_cli.errors import InvalidRequestError
from vbvr_cli.models import Claim, Outcome
from vbvr_cli.operations.spending import START_SECONDS, STARTED_A_SECOND, Estimate, estimate, require_within
from vbvr_cli.operations.submit import Submitter
from vbvr_cli.planning import GeneratorPlan, Request

TERMS = FleetTerms(memory_mb=1024, architecture="x86_64", max_workers=100)


def plans(
    place: Place, samples: int, batch_size: int | None = None, seconds: float = 1.0
) -> list[GeneratorPlan]:
    place.add("good")
    place.backend.allow_bucket(place.bucket)
    generator = replace(place.find("good"), seconds_per_sample=seconds)
    request = Request(samples=samples, batch_size=batch_size)
    return Submitter(place.backend, place.catalog(), place.bucket).plans([generator], request)


def look(place: Place, samples: int, batch_size: int | None = None, **more: bool) -> Estimate:
    return estimate(place.backend, plans(place, samples, batch_size), TERMS, **more)


def test_a_new_run_is_estimated_whole(place: Place) -> None:
    found = look(place, 100, 10)

    assert (found.tasks, found.samples) == (10, 100)
    assert found.cost.making[0].units == pytest.approx(100 * 1.0 + 10 * START_SECONDS)


def test_what_was_sent_already_costs_nothing_more(place: Place) -> None:
    place.submit("good", samples=100, batch_size=10)

    again, more = look(place, 100), look(place, 130)

    assert (again.tasks, again.samples, again.cost.usd, again.seconds) == (0, 0, 0, 0)
    assert (more.tasks, more.samples) == (3, 30)


def test_what_a_stopped_submit_left_unsent_is_counted_in(place: Place) -> None:
    place.submit("good", samples=100, batch_size=10)
    run = place.run("good")
    place.backend.ledger.reopen(run.key, place.tasks("good")[:4])

    assert (look(place, 100).tasks, look(place, 100).samples) == (4, 40)


def test_resending_is_estimated_by_what_is_not_done(place: Place) -> None:
    place.submit("good", samples=100, batch_size=10)
    claim = place.backend.ledger.claim(place.tasks("good")[0], "worker", 60)
    assert isinstance(claim, Claim)
    place.backend.ledger.complete(claim, Outcome(10, 1000, 1.0))

    assert look(place, 100).samples == 0
    assert look(place, 100, resend=True).samples == 90


def test_how_much_of_it_is_of_earlier_requests_is_told_apart(place: Place) -> None:
    place.submit("good", samples=100, batch_size=10)

    assert look(place, 100).earlier.tasks == 0
    more = look(place, 130, resend=True)
    assert (more.tasks, more.earlier.tasks, more.samples, more.earlier.samples) == (13, 10, 130, 100)


@pytest.mark.parametrize(
    ("usd", "limit", "said"),
    [
        (0.0031, 0.0, "is 0.003 USD, more than --max-cost 0.00."),
        (0.5049, 0.5, "is 0.505 USD, more than --max-cost 0.50."),
        (0.50000004, 0.5, "is 0.50000004 USD, more than --max-cost 0.50."),
        (0.0002, 0.0001, "is 0.0002 USD, more than --max-cost 0.0001."),
        (1234.5, 1000.0, "is 1,234.50 USD, more than --max-cost 1,000.00."),
        (2e-15, 1e-15, "is 2e-15 USD, more than --max-cost 1e-15."),
    ],
)
def test_the_estimate_and_the_limit_are_shown_so_that_they_differ(
    place: Place, usd: float, limit: float, said: str
) -> None:
    found = look(place, 10)
    item = replace(found.cost.making[0], units=1, price=usd)
    costly = replace(found, cost=replace(found.cost, making=(item,)))

    with pytest.raises(InvalidRequestError) as error:
        require_within(costly, limit)
    assert said in error.value.what


def test_a_refused_generator_costs_nothing(place: Place) -> None:
    place.submit("good", samples=100, batch_size=10, seed=7)

    assert look(place, 50).samples == 0


def test_it_takes_the_time_of_the_work_over_the_functions_once_they_are_started(place: Place) -> None:
    found = estimate(place.backend, plans(place, 1_000_000, 100), TERMS)

    work = 1_000_000 + 10_000 * START_SECONDS
    starting = TERMS.max_workers / STARTED_A_SECOND
    assert found.seconds == pytest.approx(work / TERMS.max_workers + starting / 2)


def test_few_tasks_are_limited_by_how_fast_functions_start_or_by_the_longest(place: Place) -> None:
    many_short = estimate(
        place.backend, plans(place, 1000, 1, seconds=0.001), replace(TERMS, max_workers=900)
    )
    one_long = estimate(place.backend, plans(place, 100, 100), TERMS)

    work = 1000 * (0.001 + START_SECONDS)
    assert many_short.seconds == pytest.approx(math.sqrt(2 * work / STARTED_A_SECOND))
    assert one_long.seconds == pytest.approx(100 + START_SECONDS, rel=0.01)


def test_more_than_the_limit_is_refused_and_said_to_be_a_check_before_sending(place: Place) -> None:
    found = look(place, 100_000)

    require_within(found, None)
    require_within(found, found.cost.usd)
    with pytest.raises(InvalidRequestError, match="more than --max-cost") as error:
        require_within(found, found.cost.usd / 2)
    assert "checked before sending only" in str(error.value.why)
