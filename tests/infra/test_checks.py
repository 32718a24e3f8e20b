"""cfn-lint and cdk-nag have nothing to say that is not answered with a reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from infra.templates import ACCOUNT, EVERYTHING, REGION

from vbvr_infra.settings import read_context, settings_of

ROOT = Path(__file__).parents[2]


def nagged(folder: Path, kind: str) -> dict[str, Any]:
    """cdk-nag's report about a stack."""
    from aws_cdk import App, Validations
    from cdk_nag import AwsSolutionsChecks

    from vbvr_infra.one_click import OneClickStack
    from vbvr_infra.stack import VbvrStack

    settings = settings_of({**read_context({}), **EVERYTHING})
    app = App(outdir=str(folder))
    if kind == "stack":
        VbvrStack(app, settings=settings, account=ACCOUNT, region=REGION)
    else:
        OneClickStack(app, "template", defaults=settings)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except RuntimeError as error:  # the report says what
        if "ValidationFailed" not in str(error):
            raise
    report = json.loads((folder / "validation-report.json").read_text())
    (found,) = (one for one in report["pluginReports"] if one["pluginName"] == "AwsSolutions")
    return dict(found)


@pytest.mark.parametrize(
    ("kind", "acknowledged"), [("stack", {"S1", "IAM5"}), ("template", {"S1", "S10", "IAM5", "CB4", "CB5"})]
)
def test_cdk_nag_finds_nothing_that_is_not_acknowledged_with_a_reason(
    tmp_path: Path, kind: str, acknowledged: set[str]
) -> None:
    report = nagged(tmp_path, kind)
    found = [
        (one["ruleName"], place["constructPath"])
        for one in report["violations"]
        for place in one["violatingConstructs"]
    ]
    rules = {
        one["ruleName"].removeprefix("AwsSolutions-").partition("[")[0]
        for one in report["suppressedViolations"]
    }
    assert not found
    assert rules == acknowledged
    assert all(len(one["reason"]) > 20 for one in report["suppressedViolations"])


@pytest.mark.parametrize("kind", ["stack", "template"])
def test_cfn_lint_says_nothing(assembly: Path, kind: str) -> None:
    file = assembly / "vbvr.template.json" if kind == "stack" else ROOT / "infra" / "template.yaml"
    linter = Path(sys.executable).with_name("cfn-lint")
    finished = subprocess.run([linter, file], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout) == (0, "")
