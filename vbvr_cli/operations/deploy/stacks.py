"""How a stack stands, and whether it can be deployed from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vbvr_cli.errors import ConfigurationError, ServiceError, VbvrError

STILLBORN = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "IMPORT_ROLLBACK_COMPLETE"})
"""A stack that never was: CloudFormation takes nothing for it any more but its deletion."""
_ABSENT = frozenset({"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"})
_MARK = "LedgerTableName"
"""An output that only our stacks have."""


@dataclass(frozen=True, slots=True)
class StackState:
    """What CloudFormation says of a stack. `status` none: there is none."""

    name: str
    region: str
    status: str | None = None
    reason: str | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """Whether there is a stack; one that nobody carried out is none."""
        return self.status is not None and self.status not in _ABSENT

    @property
    def is_stillborn(self) -> bool:
        """Whether it has to be deleted before it can be deployed."""
        return self.status in STILLBORN

    def require_deployable(self) -> None:
        """Raise what keeps the stack from being deployed."""
        if error := self._obstacle():
            raise error

    def require_destroyable(self) -> None:
        """Raise what keeps the stack from being destroyed."""
        if not self.exists:
            raise ConfigurationError(
                f"There is no stack {self.name} in {self.region}.",
                hint="Name another with --stack, --region or --profile. What an earlier stack left is listed "
                f"by `aws s3 ls` and `aws dynamodb list-tables --region {self.region}`.",
            )
        if (self.status or "").endswith("_IN_PROGRESS"):
            raise self._busy()
        if not self.is_stillborn and self.status != "DELETE_FAILED" and _MARK not in self.outputs:
            raise self._foreign()

    def _obstacle(self) -> VbvrError | None:
        if not self.exists:
            return None
        if (self.status or "").endswith("_IN_PROGRESS"):
            return self._busy()
        if self.is_stillborn or self.status == "DELETE_FAILED":
            return ConfigurationError(
                f"The stack {self.name} in {self.region} cannot be deployed: it is {self.status}.",
                why=self.reason or "its creation failed, and CloudFormation only lets it be deleted now",
                hint=f"Run `vbvr destroy --stack {self.name} --region {self.region}`, which keeps "
                "buckets and tables, and then the same command again.",
            )
        if self.status == "UPDATE_ROLLBACK_FAILED":
            return ConfigurationError(
                f"The stack {self.name} in {self.region} is stuck: it is {self.status}.",
                why=self.reason,
                hint=f"Run `aws cloudformation continue-update-rollback --stack-name {self.name} --region "
                f"{self.region}`, mend what it names, and then the same command again.",
            )
        return None if _MARK in self.outputs else self._foreign()

    def _busy(self) -> VbvrError:
        return ServiceError(
            f"The stack {self.name} in {self.region} is being changed by somebody else: it is {self.status}.",
            why=self.reason,
            hint="Wait until it has ended (`aws cloudformation describe-stack-events --stack-name "
            f"{self.name} --region {self.region}`), and run the same command again.",
        )

    def _foreign(self) -> VbvrError:
        return ConfigurationError(
            f"The stack {self.name} in {self.region} is not one of vbvr's.",
            why=f"it has no output {_MARK}",
            hint="Name another with --stack.",
        )
