"""What the CDK's command line says, and what is told of it."""

from __future__ import annotations

from vbvr_cli.operations.deploy.progress import Reader, Step, failure_in

SAID = """\
✨  Synthesis time: 0.02s
vbvr: start: Building vbvr Template
vbvr: success: Built vbvr Template
vbvr: start: Building Image
vbvr: start: Publishing vbvr Template (000000000000-us-east-2-4db3a6e4)
vbvr: start: Publishing Image (000000000000-us-east-2-5fb5a6e4)
vbvr: creating CloudFormation changeset...
vbvr |  1/22 | 4:26:03 AM | CREATE_IN_PROGRESS | AWS::SQS::Queue | Queueing/Queue (QueueB72A52DA)
vbvr |  2/22 | 4:26:04 AM | CREATE_COMPLETE | AWS::SQS::Queue | Queueing/Queue (QueueB72A52DA)
vbvr |  2/22 | 4:26:04 AM | CREATE_COMPLETE | AWS::SQS::Queue | Queueing/Queue (QueueB72A52DA)
vbvr |  3/22 | 4:26:04 AM | CREATE_FAILED | AWS::IAM::Role | Compute/Worker/Role (RoleD0B0) not allowed
vbvr |  3/22 | 4:26:05 PM | DELETE_SKIPPED | AWS::DynamoDB::Table | Tables/Ledger (LedgerF980)
vbvr |   4   | 4:26:05 PM | DELETE_COMPLETE | AWS::Made::Up | Other (Other12)
vbvr | 18/22 | 4:26:06 PM | CREATE_COMPLETE | AWS::CloudFormation::Stack | vbvr
"""


def read() -> tuple[list[Step], list[str]]:
    steps: list[Step] = []
    phases: list[str] = []
    reader = Reader(steps.append, phases.append)
    for line in SAID.splitlines():
        reader(line)
    return steps, phases


def test_each_resource_is_told_once_in_plain_words() -> None:
    steps, _ = read()

    assert [(step.what, step.kind, step.name) for step in steps] == [
        ("made", "queue", "Queueing/Queue"),
        ("failed", "role", "Compute/Worker/Role"),
        ("kept", "table", "Tables/Ledger"),
        ("removed", "Made Up", "Other"),
    ]


def test_counts_and_reasons_are_kept() -> None:
    made, failed, *_ = read()[0]

    assert (made.done, made.total, made.failed) == (2, 22, False)
    assert (failed.failed, failed.reason) == (True, "not allowed")


def test_what_takes_minutes_is_announced_and_templates_are_not() -> None:
    assert read()[1] == [
        "Building the image with Docker; it takes minutes.",
        "Pushing the image to ECR.",
        "CloudFormation works out what to do.",
    ]


FAILED = """\
second: creating CloudFormation changeset...
Failed to create change set cdk-deploy-change-set:
second  (AWS::CloudFormation::Stack)
  data already exists in stack
  arn:aws:cloudformation:us-east-2:000000000000:stack/vbvr/59ae
Source Location: ...jsii runtime, node internals...
                 (no user code in 10 frames, use --stack-trace-limit to capture more)

   Could not fetch extra hook failure detail for change set cdk-deploy-change-set
"""


def test_the_reason_of_a_failure_is_found_among_what_is_said() -> None:
    assert failure_in(FAILED) == (
        "Failed to create change set cdk-deploy-change-set: second  (AWS::CloudFormation::Stack) "
        "data already exists in stack arn:aws:cloudformation:us-east-2:000000000000:stack/vbvr/59ae"
    )
    assert failure_in("vbvr: fail: Bucket named 'x' exists\n") == "vbvr: fail: Bucket named 'x' exists"
    assert failure_in(SAID) is None
