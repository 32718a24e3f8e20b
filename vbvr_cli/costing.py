"""What a plan costs on AWS, item by item. Pure: prices are constants with a date, nothing is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vbvr_cli.models import Progress, TaskState
from vbvr_cli.planning import GeneratorPlan

PRICES_AS_OF = "2026-11"
PRICES_REGION = "us-east-1"
LAMBDA_GB_SECOND = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
LAMBDA_REQUEST = 0.20 / 1e6
SQS_REQUEST = 0.40 / 1e6
DYNAMODB_WRITE = 0.625 / 1e6
S3_PUT = 0.005 / 1e3
S3_GB_MONTH = 0.023
EGRESS_GB = 0.09

FILES_A_SAMPLE = 5
SQS_REQUESTS_A_TASK = 3.1
"""A tenth of a batched send, a receive, a delete, and one extension of the lease."""
LEDGER_WRITES_A_TASK = 13.0
"""Sent 1, claim 4, complete 4 (two items in a transaction, each counted twice), four heartbeats."""
START_SECONDS = 1.0
"""A generator's imports, once a task: 0.5 to 1.1 s were measured on the public ones."""


@dataclass(frozen=True, slots=True)
class CostItem:
    """One line of the bill: so many units at a price in USD."""

    what: str
    units: float
    unit: str
    price: float

    @property
    def usd(self) -> float:
        """What it comes to."""
        return self.units * self.price


@dataclass(frozen=True, slots=True)
class Cost:
    """What making a dataset costs, and what keeping it for a month and downloading it once would."""

    making: tuple[CostItem, ...]
    keeping: CostItem
    downloading: CostItem

    @property
    def usd(self) -> float:
        """What making costs: this is what `--max-cost` is compared with."""
        return sum(item.usd for item in self.making)


def cost_of(plans: Sequence[GeneratorPlan], *, memory_mb: int, architecture: str = "x86_64") -> Cost:
    """Estimate the new samples of a plan on functions of `memory_mb`. Refused generators cost nothing."""
    wanted = [plan for plan in plans if not plan.refusal]
    tasks = sum(plan.new_tasks for plan in wanted)
    samples = sum(plan.new_samples for plan in wanted)
    seconds = sum(plan.seconds for plan in wanted) + tasks * START_SECONDS
    gigabytes = sum(plan.num_bytes for plan in wanted) / 1e9
    deduplicated = sum(plan.new_samples for plan in wanted if plan.spec.dedup)
    loose = sum(plan.new_samples for plan in wanted if plan.spec.output_format == "files")
    archives = tasks - sum(plan.new_tasks for plan in wanted if plan.spec.output_format == "files")
    puts = loose * FILES_A_SAMPLE + archives + tasks
    writes = tasks * LEDGER_WRITES_A_TASK + deduplicated
    gb_seconds = seconds * memory_mb / 1024 if samples else 0.0
    return Cost(
        making=(
            CostItem("Lambda, time", gb_seconds, "GB-s", LAMBDA_GB_SECOND[architecture]),
            CostItem("Lambda, calls", tasks, "requests", LAMBDA_REQUEST),
            CostItem("S3, writing", puts, "puts", S3_PUT),
            CostItem("SQS", tasks * SQS_REQUESTS_A_TASK, "requests", SQS_REQUEST),
            CostItem("DynamoDB", writes, "writes", DYNAMODB_WRITE),
        ),
        keeping=CostItem("S3, a month", gigabytes, "GB", S3_GB_MONTH),
        downloading=CostItem("download, once", gigabytes, "GB", EGRESS_GB),
    )


def cost_so_far(progress: Sequence[Progress], *, memory_mb: int, architecture: str = "x86_64") -> float:
    """What finished tasks have cost in USD, as if functions had made all of them.

    The time of attempts that failed is not counted: the ledger's counters do not have it.
    """
    cost = 0.0
    for one in progress:
        tasks = one.tasks.get(TaskState.DONE, 0)
        loose = one.output_format == "files"
        puts = one.samples_done * FILES_A_SAMPLE + tasks if loose else 2 * tasks
        cost += one.seconds * memory_mb / 1024 * LAMBDA_GB_SECOND[architecture]
        cost += tasks * (LAMBDA_REQUEST + SQS_REQUESTS_A_TASK * SQS_REQUEST)
        cost += tasks * LEDGER_WRITES_A_TASK * DYNAMODB_WRITE + puts * S3_PUT
    return cost
