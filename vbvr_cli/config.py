"""Where settings come from: option, environment, .env, vbvr.yaml, default, in this order.

What is nowhere and is needed on AWS is asked of the stack, by the back end.

Each remembers where it came from, for `vbvr doctor`.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import yaml
from dotenv import dotenv_values
from dotenv.parser import parse_stream

from vbvr_cli.errors import ConfigurationError, InvalidRequestError
from vbvr_cli.homes import expanded

DOTENV = ".env"
CONFIG_FILE = "vbvr.yaml"
TARGETS = ("local", "aws")

VARIABLES = {
    "home": "VBVR_HOME",
    "target": "VBVR_TARGET",
    "catalog": "VBVR_CATALOG",
    "generators_path": "GENERATORS_PATH",
    "python": "VBVR_PYTHON",
    "stack": "VBVR_STACK",
    "profile": "AWS_PROFILE",
    "region": "AWS_REGION",
    "queue_url": "SQS_QUEUE_URL",
    "dlq_url": "SQS_DLQ_URL",
    "bucket": "OUTPUT_BUCKET",
    "dedup_table": "DEDUP_TABLE_NAME",
    "ledger_table": "LEDGER_TABLE_NAME",
}
"""Every setting, by its key in vbvr.yaml, and its environment variable."""

AWS_OPTIONS = ("stack", "profile", "region")
"""Settings that are options too, and mean nothing on this machine."""

DEFAULTS = {"home": ".vbvr", "stack": "vbvr", "region": "us-east-2"}


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says about where things are; None where it says nothing."""

    home: Path | None = None
    catalog: Path | None = None
    generators_path: str | None = None
    target: str | None = None
    stack: str | None = None
    profile: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """Where things are on AWS. What is none is asked of the stack."""

    stack: str
    region: str
    profile: str | None = None
    queue_url: str | None = None
    dlq_url: str | None = None
    bucket: str | None = None
    dedup_table: str | None = None
    ledger_table: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are. `origins` says for each setting where its value came from."""

    home: Path
    target: str
    catalog: Path | None
    generators_paths: tuple[Path, ...]
    python: Path | None
    aws: AwsSettings
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def scratch(self) -> Path:
        """Where workers keep what they are working on."""
        return self.home / "tmp"

    def environment(self) -> dict[str, str]:
        """The variables by which another process finds the same settings."""
        values = {
            "home": str(self.home.absolute()),
            "target": self.target,
            "catalog": str(self.catalog.absolute()) if self.catalog else None,
            "generators_path": os.pathsep.join(str(path.absolute()) for path in self.generators_paths),
            "python": str(self.python) if self.python else None,
            "stack": self.aws.stack,
            "profile": self.aws.profile,
            "region": self.aws.region,
            "queue_url": self.aws.queue_url,
            "dlq_url": self.aws.dlq_url,
            "bucket": self.aws.bucket,
            "dedup_table": self.aws.dedup_table,
            "ledger_table": self.aws.ledger_table,
        }
        return {VARIABLES[name]: value for name, value in values.items() if value}


def load_settings(
    options: Options,
    environment: Mapping[str, str],
    folder: Path | None = None,
    *,
    deployed: Callable[[Path, AwsSettings], bool] = lambda _home, _aws: False,
) -> Settings:
    """Decide each setting; `folder` (default: the current one) may hold .env and vbvr.yaml.

    `deployed` says whether a state folder knows a stack, which then is the target if none is named. Raises
    ConfigurationError for a file that cannot be read, an unknown key and a target that is none, and
    InvalidRequestError for an option about AWS where the target is another.
    """
    folder = folder or Path()
    sources = _sources(options, environment, folder)
    values: dict[str, str] = {}
    origins: dict[str, str] = {}
    for name in VARIABLES:
        for origin, source in sources:
            if value := source.get(name):
                values[name], origins[name] = value, origin
                break
    home, aws = expanded(values["home"]), _aws_settings(values)
    _decide_target(values, origins, is_deployed=lambda: deployed(home, aws))
    _refuse_unused(values, origins)
    return Settings(
        home=home,
        target=values["target"],
        catalog=expanded(values["catalog"]) if "catalog" in values else None,
        generators_paths=tuple(
            Path(part) for part in values.get("generators_path", "").split(os.pathsep) if part
        ),
        python=Path(values["python"]) if "python" in values else None,
        aws=aws,
        origins=origins,
    )


def _aws_settings(values: Mapping[str, str]) -> AwsSettings:
    return AwsSettings(
        stack=values["stack"],
        region=values["region"],
        profile=values.get("profile"),
        queue_url=values.get("queue_url"),
        dlq_url=values.get("dlq_url"),
        bucket=values.get("bucket"),
        dedup_table=values.get("dedup_table"),
        ledger_table=values.get("ledger_table"),
    )


def _sources(
    options: Options, environment: Mapping[str, str], folder: Path
) -> list[tuple[str, Mapping[str, str | None]]]:
    given = {name: getattr(options, name, None) for name in VARIABLES}
    dotenv = _read_dotenv(folder / DOTENV)
    return [
        ("option", {name: str(value) for name, value in given.items() if value is not None}),
        ("environment", {name: environment.get(variable) for name, variable in VARIABLES.items()}),
        (DOTENV, {name: dotenv.get(variable) for name, variable in VARIABLES.items()}),
        (CONFIG_FILE, _read_config(folder / CONFIG_FILE)),
        ("default", DEFAULTS),
    ]


def _decide_target(
    values: dict[str, str], origins: dict[str, str], *, is_deployed: Callable[[], bool]
) -> None:
    """An explicit target, else aws where a queue is named or a stack is deployed, else local."""
    if "target" not in values:
        if "queue_url" in values:
            values["target"] = "aws"
            origins["target"] = f"queue_url is set in {origins['queue_url']}"
        elif is_deployed():
            values["target"] = "aws"
            origins["target"] = f"the stack {values['stack']} is deployed"
        else:
            values["target"], origins["target"] = "local", "default"
    if values["target"] not in TARGETS:
        raise ConfigurationError(
            f"There is no target {values['target']!r}.",
            why=f"it comes from: {origins['target']} ({VARIABLES['target']}, or `target`)",
            hint=f"Use one of {', '.join(TARGETS)}.",
        )


def _refuse_unused(values: Mapping[str, str], origins: Mapping[str, str]) -> None:
    """What is named for AWS must not be done on this machine instead."""
    unused = [f"--{name} {values[name]}" for name in AWS_OPTIONS if origins.get(name) == "option"]
    if unused and values["target"] != "aws":
        raise InvalidRequestError(
            f"{' and '.join(unused)} would do nothing: the target is {values['target']}.",
            why=f"the target comes from: {origins['target']}",
            hint="Add --target aws, or leave it out.",
        )


def _read_dotenv(file: Path) -> Mapping[str, str | None]:
    try:
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read.", why=str(error)) from error
    for binding in parse_stream(StringIO(text)):
        if binding.error:  # dotenv_values passes over it: what is done would be done elsewhere
            raise ConfigurationError(
                f"{file} cannot be read.",
                why=f"line {binding.original.line} is no setting, or its quote is not closed",
                hint="Write lines such as VBVR_HOME=state.",
            )
    return dotenv_values(stream=StringIO(text), interpolate=False)


def _read_config(file: Path) -> Mapping[str, str | None]:
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{file} cannot be read.", why=str(error).replace("\n", " ")) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigurationError(
            f"{file} is not a list of settings.", hint="Write lines such as `home: state`."
        )
    for name, value in document.items():
        if name not in VARIABLES:
            meant = difflib.get_close_matches(str(name), VARIABLES, n=1)
            hint = f"Perhaps you meant {meant[0]}." if meant else f"There are {', '.join(VARIABLES)}."
            raise ConfigurationError(f"{file}: there is no setting {name!r}.", hint=hint)
        if not isinstance(value, str):
            raise ConfigurationError(f"{file}: {name} is {value!r}.", why="it must be text")
    return document
