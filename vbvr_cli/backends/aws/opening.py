"""Opens the back end that settings mean: what functions, which are told all by name, do not import."""

from __future__ import annotations

from pathlib import Path

from vbvr_cli.backends.aws.backend import AwsBackend
from vbvr_cli.backends.aws.discovery import find, make_session
from vbvr_cli.backends.aws.outputs import OutputsFile
from vbvr_cli.config import AwsSettings


def open_aws(settings: AwsSettings, home: Path) -> AwsBackend:
    """The back end that the settings mean. `home` keeps what the stack answered."""
    session = make_session(settings)
    found = find(settings, session, home)
    return AwsBackend(
        found.resources, session, memory=OutputsFile(home, settings), discovered=found.discovered
    )
