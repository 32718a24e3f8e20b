"""A plan's bill is the sum of its items, and grows with what it asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vbvr_cli.catalog.generator import Environment, Generator
from vbvr_cli.costing import LAMBDA_GB_SECOND, S3_PUT, START_SECONDS, Cost, cost_of, cost_so_far
from vbvr_cli.models import Progress, Provenance, RunKey, TaskState
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


def made(samples: int = 1000, seconds: float = 2000.0, **more: Any) -> Progress:
    key = RunKey("bucket", "run")
    done = {TaskState.DONE: samples // 100, TaskState.CLAIMED: 7}
    return Progress(key, "O-any", 10_000, samples_done=samples, seconds=seconds, tasks=done, **more)


def test_what_was_made_cost_what_its_time_took_and_what_it_wrote() -> None:
    long, short = (cost_so_far([made(seconds=seconds)], memory_mb=1024) for seconds in (3000.0, 2000.0))
    few, many = (cost_so_far([made(samples, seconds=0)], memory_mb=1024) for samples in (1000, 2000))

    assert long - short == pytest.approx(1000 * LAMBDA_GB_SECOND["x86_64"])
    assert many == pytest.approx(2 * few)
    assert few > 5 * 1000 * S3_PUT


def test_what_was_made_costs_what_was_estimated_for_it() -> None:
    estimated = bill(Request(samples=1000))
    progress = made(seconds=1000 * 2.0 + 10 * START_SECONDS)

    assert cost_so_far([progress], memory_mb=1024) == pytest.approx(estimated.usd)


def test_archives_cost_fewer_puts_so_far_too() -> None:
    loose, tar = (cost_so_far([made(output_format=kind)], memory_mb=1024) for kind in ("files", "tar"))

    assert loose - tar == pytest.approx((5 * 1000 + 10 - 2 * 10) * S3_PUT)


def test_where_nothing_is_done_nothing_was_spent() -> None:
    assert cost_so_far([made(samples=0, seconds=0)], memory_mb=1024) == 0
