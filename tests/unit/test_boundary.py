"""What reaches the end of the command line is told apart: the system's refusal, or a bug."""

from __future__ import annotations

import errno

import pytest

from vbvr_cli.commands.boundary import describe, refuse_empty
from vbvr_cli.errors import ExitCode, InvalidRequestError


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "/locked"),
            ExitCode.CONFIGURATION,
            "/locked",
        ),
        (OSError(errno.ENAMETOOLONG, "File name too long", "aaa"), ExitCode.CONFIGURATION, "aaa"),
        (OSError(errno.ENOSPC, "No space left on device"), ExitCode.SERVICE, "The output"),
        (PermissionError(errno.EPERM, "Operation not permitted"), ExitCode.BUG, "a bug in vbvr"),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), ExitCode.BUG, "a bug in vbvr"),
        (KeyError("x"), ExitCode.BUG, "a bug in vbvr: KeyError"),
    ],
    ids=repr,
)
def test_an_error_that_nobody_described(error: Exception, code: ExitCode, said: str) -> None:
    described = describe(error)

    assert described.exit_code == code
    assert said in described.what
    assert described.hint


@pytest.mark.parametrize(("arguments", "named"), [(["cancel", ""], "after cancel"), (["--home="], "--home=")])
def test_an_empty_argument_is_named(arguments: list[str], named: str) -> None:
    with pytest.raises(InvalidRequestError, match=named):
        refuse_empty(arguments)


def test_other_arguments_are_let_through() -> None:
    refuse_empty(["deploy", "--context", "key=", "-g", "*", "--message", "-"])
