"""Errors as Lambda passes them on: a type and one line."""

from __future__ import annotations

from vbvr_cli.errors import ConfigurationError, ServiceError, VbvrError


class InvalidRequest(Exception):  # noqa: N818 - the name is what a caller sees as errorType
    """The event asks for something that cannot be; nothing was changed."""


def one_line(error: VbvrError) -> str:
    """What failed, why, and what to do, on one line."""
    parts = (part.strip() for part in (error.what, error.why, error.hint) if part)
    return " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in parts).replace(
        "\n", " "
    )


def flat(error: VbvrError) -> VbvrError:
    """The error with all that it says in its message, since that is all that Lambda passes on."""
    kinds: tuple[type[VbvrError], ...] = (ConfigurationError, ServiceError)
    kind = next((kind for kind in kinds if isinstance(error, kind)), VbvrError)
    return kind(one_line(error))
