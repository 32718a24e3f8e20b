"""What things are called: by their names they are found again, so CloudFormation makes up none."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Aws


@dataclass(frozen=True, slots=True)
class Names:
    """The names of what a stack has; `stack` and `bucket` may be CloudFormation's own to know."""

    stack: str
    bucket: str

    @property
    def queue(self) -> str:
        """The queue of tasks."""
        return f"{self.stack}-queue"

    @property
    def dlq(self) -> str:
        """The dead letters."""
        return f"{self.stack}-dlq"

    @property
    def ledger(self) -> str:
        """The table of the ledger."""
        return f"{self.stack}-ledger"

    @property
    def dedup(self) -> str:
        """The table of the registry of duplicates."""
        return f"{self.stack}-dedup"

    @property
    def worker(self) -> str:
        """The function that works on tasks."""
        return f"{self.stack}-worker"

    @property
    def submit(self) -> str:
        """The function that submits."""
        return f"{self.stack}-submit-tasks"


def output_bucket(stack: str, account: str) -> str:
    """The bucket that a stack has unless another was named."""
    return f"{stack.lower()}-output-{account}"


def bucket_arn(name: str) -> str:
    """The ARN of a bucket."""
    return f"arn:{Aws.PARTITION}:s3:::{name}"


def regional_arn(service: str, resource: str) -> str:
    """The ARN of something of this account and region."""
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"
