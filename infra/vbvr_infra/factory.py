"""Puts the constructs together; the stack of the CDK app and the one-click template have the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import CfnCondition, CfnOutput, Duration, Stack, Token
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from vbvr_infra.alarms import METRICS_NAMESPACE, Alarms
from vbvr_infra.compute import Compute
from vbvr_infra.image import Image
from vbvr_infra.names import Names
from vbvr_infra.policies import Arns
from vbvr_infra.queueing import Queueing
from vbvr_infra.storage import Storage
from vbvr_infra.submit import Submit
from vbvr_infra.tables import Tables


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the worker function may have, and of what kind it is. Numbers may be parameters."""

    memory_mb: float
    ephemeral_storage_mb: float
    max_concurrency: float
    timeout: Duration
    architecture: lambda_.Architecture


class Factory:
    """The parts of a factory in a stack, with its outputs.

    `data_is_new`: only then bucket and tables are made; else an earlier stack has left them.
    """

    def __init__(
        self,
        stack: Stack,
        *,
        names: Names,
        limits: Limits,
        image: Image,
        extra_buckets: Sequence[str] = (),
        data_is_new: CfnCondition | None = None,
    ) -> None:
        arns = Arns.of_stack(names, extra_buckets)
        storage = Storage(stack, "Storage", bucket_name=names.bucket, is_new=data_is_new)
        tables = Tables(stack, "Tables", names=names, is_new=data_is_new)
        queueing = Queueing(stack, "Queueing", names=names, function_timeout=limits.timeout)
        queue, dlq = queueing.queue, queueing.dlq
        environment = {
            "VBVR_TARGET": "aws",
            "VBVR_STACK": names.stack,
            "VBVR_HOME": "/tmp/vbvr",  # noqa: S108 - the one place where a function can write
            "VBVR_EXTRA_BUCKETS": ",".join(extra_buckets),
            "VBVR_METRICS_NAMESPACE": METRICS_NAMESPACE,
            "SQS_QUEUE_URL": queue.queue_url,
            "SQS_DLQ_URL": dlq.queue_url,
            "OUTPUT_BUCKET": storage.bucket_name,
            "LEDGER_TABLE_NAME": tables.ledger_name,
            "DEDUP_TABLE_NAME": tables.dedup_name,
        }
        compute = Compute(
            stack,
            "Compute",
            name=names.worker,
            arns=arns,
            image=image,
            environment=environment,
            queue_arn=queue.queue_arn,
            architecture=limits.architecture,
            memory_mb=limits.memory_mb,
            ephemeral_storage_mb=limits.ephemeral_storage_mb,
            timeout=limits.timeout,
            max_concurrency=limits.max_concurrency,
        )
        submit = Submit(
            stack,
            "Submit",
            name=names.submit,
            arns=arns,
            image=image,
            environment=environment | {"VBVR_FUNCTION_MEMORY_MB": _text(limits.memory_mb)},
            architecture=limits.architecture,
        )
        self.alarms = Alarms(
            stack,
            "Alarms",
            stack=names.stack,
            queue=queue,
            dlq=dlq,
            worker=compute.function,
            submit=submit.function,
        )
        outputs = {
            "QueueUrl": (queue.queue_url, "Where tasks are sent."),
            "DlqUrl": (dlq.queue_url, "Where messages are that were given up."),
            "BucketName": (names.bucket, "Where datasets are written."),
            "LedgerTableName": (names.ledger, "The table of the ledger."),
            "DedupTableName": (names.dedup, "The table of the registry of duplicates."),
            "FunctionName": (compute.function.function_name, "The function that works on tasks."),
            "SubmitFunctionName": (submit.function.function_name, "The function that submits."),
        }
        place = Construct(stack, "Outputs")  # a parameter may be called as an output is
        for name, (value, description) in outputs.items():
            CfnOutput(place, name, value=value, description=description).override_logical_id(name)


def _text(number: float) -> str:
    """A number, or the parameter that stands for one, as an environment variable takes it."""
    return Token.as_string(number) if Token.is_unresolved(number) else str(number)
