"""A plan's bill is the sum of its items, and grows with what it asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from vbvr_cli.catalog.generator import Environment, Generator
from vbvr_cli.costing import LAMBDA_GB_SECOND, START_SECONDS, Cost, cost_of
from vbvr_cli.models import Provenance
from vbvr_cli.planning import Request, plan


def generator(seconds: float = 2.0) -> Generator:
    return Generator(
        name="O-any_data-generator",
        path=Path("anywhere"),
        provenance=Provenance(commit="c"),
        environment=Environment(Path("python"), "py"),
        output_option="--output",
        options=(),
        category=None,
        role="none",
        licence=None,
        batch_size=100,
        time_limit_seconds=900,
        memory_mb=3072,
        seconds_per_sample=seconds,
        bytes_per_sample=500_000,
        pool=None,
    )


def bill(request: Request, seconds: float = 2.0, memory_mb: int = 1024) -> Cost:
    return cost_of([plan(generator(seconds), request, [])], memory_mb=memory_mb)


def test_time_on_lambda_is_what_the_samples_and_the_starts_take() -> None:
    time = bill(Request(samples=1000)).making[0]

    assert time.units == 1000 * 2.0 + 10 * START_SECONDS
    assert time.usd == pytest.approx(2010 * LAMBDA_GB_SECOND["x86_64"])


def test_the_total_is_the_sum_of_what_making_takes_and_leaves_keeping_out() -> None:
    cost = bill(Request(samples=10_000))

    assert cost.usd == pytest.approx(sum(item.usd for item in cost.making))
    assert cost.keeping.units == pytest.approx(5.0)
    assert cost.downloading.usd == pytest.approx(5.0 * 0.09)


def test_twice_the_memory_costs_twice_the_time() -> None:
    small, large = bill(Request(samples=100)), bill(Request(samples=100), memory_mb=2048)

    assert large.making[0].usd == pytest.approx(2 * small.making[0].usd)


def test_archives_are_written_with_a_put_a_task_and_its_manifest() -> None:
    tar = bill(Request(samples=1000, output_format="tar")).making[2]
    files = bill(Request(samples=1000)).making[2]

    assert tar.units == 2 * 10
    assert files.units == 5 * 1000 + 10


def test_dedup_costs_a_write_a_sample() -> None:
    plain, deduplicated = bill(Request(samples=1000)), bill(Request(samples=1000, dedup=True))

    assert deduplicated.making[4].units - plain.making[4].units == 1000


def test_nothing_asked_costs_nothing() -> None:
    assert bill(Request(samples=0)).usd == 0
