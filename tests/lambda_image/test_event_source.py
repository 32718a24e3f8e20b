"""The queue's event source of the emulator feeds the function, as AWS's would."""

from __future__ import annotations

import time
from collections.abc import Callable

from serving import Served

from vbvr_cli.models import FailureCode


def test_from_the_submit_function_through_the_queue_to_the_bucket(serve: Callable[..., Served]) -> None:
    served = serve(timeout=60, concurrency=2)
    served.register(served.work)
    functions = served.aws.client("lambda", endpoint_url=served.emulator.url)
    arn = served.sqs.get_queue_attributes(QueueUrl=served.resources.queue_url, AttributeNames=["QueueArn"])
    served.ask({"generators": ["good", "writes_into_its_own_folder"], "samples": 8, "batch_size": 2})
    served.send('{"type": "good"}')
    functions.create_event_source_mapping(
        FunctionName=served.work,
        EventSourceArn=arn["Attributes"]["QueueArn"],
        BatchSize=1,
        ScalingConfig={"MaximumConcurrency": 2},
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    deadline = time.monotonic() + 60
    while served.depth() and time.monotonic() < deadline:
        time.sleep(0.1)
    for name in ("good", "writes_into_its_own_folder"):
        assert [line.index for line in served.lines(*served.tasks(name))] == list(range(8))
    (letter,) = served.letters()
    assert letter.reason
    assert letter.reason.code is FailureCode.INVALID_MESSAGE
    requests = {line["request_id"] for line in served.log() if "_aws" in line}
    assert len(requests) == 9, "one message an invocation"
