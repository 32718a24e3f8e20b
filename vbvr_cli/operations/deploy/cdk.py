"""The CDK's command line: the one version that vbvr is tested with, in a folder of its own."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vbvr_cli.errors import ConfigurationError, ServiceError
from vbvr_cli.operations.deploy.processes import last_lines, run_aloud
from vbvr_cli.operations.deploy.source import Source
from vbvr_cli.operations.deploy.tools import find_npm

_BINARY = Path("node_modules") / "aws-cdk" / "bin" / "cdk"
_QUIET = {"CDK_DISABLE_CLI_TELEMETRY": "true", "NO_COLOR": "1", "FORCE_COLOR": "0"}


@dataclass(frozen=True, slots=True)
class Cdk:
    """A CDK command line that is installed. `profile` none: the credentials are the environment's."""

    node: Path
    folder: Path
    log: Path
    region: str
    profile: str | None = None

    def run(self, arguments: Sequence[str | Path], on_line: Callable[[str], None]) -> int:
        """Run a command; its exit code. The folder holds no cdk.json: nobody's own reaches it."""
        named = ["--profile", self.profile] if self.profile else []
        return run_aloud(
            [self.node, self.folder / _BINARY, *arguments, *named, "--no-notices", "--no-color"],
            folder=self.folder,
            environment=self._environment(),
            log=self.log,
            on_line=on_line,
        )

    def _environment(self) -> Mapping[str, str]:
        # The CLI remembers there which account a key is of; an emulator's made-up key is of any.
        return {
            **_QUIET,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "CDK_HOME": str(self.folder / "home"),
        }


def pinned_version(lock: Path) -> str:
    """The version of the CDK's command line that a lock names."""
    version: str = json.loads(lock.read_text(encoding="utf-8"))["packages"]["node_modules/aws-cdk"]["version"]
    return version


def _folder(source: Source, home: Path) -> Path:
    digest = hashlib.sha256(source.cdk_lock.read_bytes()).hexdigest()[:12]
    return home.absolute() / "cdk" / f"{pinned_version(source.cdk_lock)}-{digest}"


def is_installed(source: Source, home: Path) -> bool:
    """Whether the pinned command line is there already."""
    return (_folder(source, home) / _BINARY).is_file()


def install(source: Source, home: Path, log: Path, say: Callable[[str], None]) -> Path:
    """The folder of the pinned command line below `home`; it is fetched with npm where it is not there yet.

    Raises ConfigurationError without npm, and ServiceError where npm fails.
    """
    lock = source.cdk_lock
    version, folder = pinned_version(lock), _folder(source, home)
    if is_installed(source, home):
        return folder
    npm = find_npm()
    say(f"Fetching the CDK's command line, aws-cdk {version}, into {folder} (once).")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        new = Path(scratch) / "cdk"
        new.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(lock.with_name(name), new / name)
        command: list[str | Path] = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        code = run_aloud(command, folder=new, environment=_QUIET, log=log)
        if code or not (new / _BINARY).is_file():
            raise ServiceError(
                f"npm could not fetch aws-cdk {version}.",
                why=last_lines(log),
                hint="Check the network and npm's registry (`npm config get registry`), and run the same "
                f"command again. All that npm said is in {log}.",
            )
        if folder.exists():
            shutil.rmtree(folder)  # it lacks its program
        try:
            new.rename(folder)
        except OSError as error:
            if not (folder / _BINARY).is_file():  # else another command was faster
                raise ConfigurationError(f"{folder} cannot be written.", why=str(error)) from error
    return folder
