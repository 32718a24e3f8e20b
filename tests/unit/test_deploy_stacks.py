"""From which states a stack can be deployed and destroyed, and what is said of the others."""

from __future__ import annotations

import pytest

from vbvr_cli.errors import ConfigurationError, ServiceError, VbvrError
from vbvr_cli.operations.deploy.stacks import StackState

OURS = {"LedgerTableName": "vbvr-ledger"}


def stack(status: str | None, outputs: dict[str, str] | None = None) -> StackState:
    return StackState("vbvr", "us-east-2", status, None, OURS if outputs is None else outputs)


@pytest.mark.parametrize(
    "status",
    [
        None,
        "REVIEW_IN_PROGRESS",
        "DELETE_COMPLETE",
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
    ],
)
def test_a_stack_that_rests_can_be_deployed(status: str | None) -> None:
    stack(status).require_deployable()


@pytest.mark.parametrize(
    ("status", "kind", "exit_code", "hint"),
    [
        ("ROLLBACK_COMPLETE", ConfigurationError, 3, "vbvr destroy --stack vbvr --region us-east-2"),
        ("CREATE_FAILED", ConfigurationError, 3, "vbvr destroy"),
        ("DELETE_FAILED", ConfigurationError, 3, "vbvr destroy"),
        ("UPDATE_ROLLBACK_FAILED", ConfigurationError, 3, "continue-update-rollback"),
        ("UPDATE_IN_PROGRESS", ServiceError, 4, "describe-stack-events"),
        ("DELETE_IN_PROGRESS", ServiceError, 4, "Wait"),
    ],
)
def test_a_stack_that_cannot_be_deployed_is_refused_with_what_mends_it(
    status: str, kind: type[VbvrError], exit_code: int, hint: str
) -> None:
    with pytest.raises(kind, match=status) as refused:
        stack(status).require_deployable()
    assert refused.value.exit_code == exit_code
    assert hint in (refused.value.hint or "")


def test_somebody_elses_stack_is_neither_deployed_nor_destroyed() -> None:
    other = stack("CREATE_COMPLETE", {"Url": "x"})

    for refuses in (other.require_deployable, other.require_destroyable):
        with pytest.raises(ConfigurationError, match="not one of vbvr's"):
            refuses()


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED"]
)
def test_a_stack_that_rests_can_be_destroyed_however_it_stands(status: str) -> None:
    stack(status).require_destroyable()


def test_a_stack_that_never_was_can_be_destroyed_without_outputs() -> None:
    stack("ROLLBACK_COMPLETE", {}).require_destroyable()


@pytest.mark.parametrize("status", [None, "DELETE_COMPLETE"])
def test_a_stack_that_is_not_there_cannot_be_destroyed(status: str | None) -> None:
    with pytest.raises(ConfigurationError, match="There is no stack vbvr"):
        stack(status).require_destroyable()
