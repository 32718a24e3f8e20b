"""Where things are on AWS."""

from __future__ import annotations

from dataclasses import dataclass

from vbvr_cli.errors import ConfigurationError

DEFAULT_REGION = "us-east-2"


@dataclass(frozen=True, slots=True)
class Resources:
    """The names of what a stack made. `extra_buckets` are further ones that the operator allowed.

    `stack`, `function` and `submit_function` are none where things were named one by one.
    """

    region: str
    queue_url: str
    dlq_url: str
    bucket: str
    ledger_table: str
    dedup_table: str
    extra_buckets: tuple[str, ...] = ()
    stack: str | None = None
    function: str | None = None
    submit_function: str | None = None

    def __post_init__(self) -> None:
        for name, url in (("SQS_QUEUE_URL", self.queue_url), ("SQS_DLQ_URL", self.dlq_url)):
            if url.endswith(".fifo"):
                raise ConfigurationError(
                    f"{url.rpartition('/')[2]} is a FIFO queue ({name}).",
                    why="it keeps an order that tasks do not need, and takes only messages that have a group",
                    hint="Name standard queues, or let `vbvr deploy` make them.",
                )

    @property
    def description(self) -> str:
        """Where this is, in a few words."""
        where = f"stack {self.stack}" if self.stack else f"queue {self.queue_url.rpartition('/')[2]}"
        return f"{where} in {self.region}, bucket {self.bucket}"
