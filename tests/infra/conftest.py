"""What the tests of infra share: templates, made once for all processes of a test session."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from infra.templates import ACCOUNT, EVERYTHING, REGION, Synth

from vbvr_infra.node import choose_node

choose_node()  # before anybody imports the CDK

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def synth() -> Synth:
    """Runs the app as the CDK CLI does, with context, into a folder; no Node of the system is in reach."""

    def run(context: dict[str, Any], outdir: Path) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": "",
            "HOME": os.environ.get("HOME", ""),
            "CDK_OUTDIR": str(outdir),
            "CDK_CONTEXT_JSON": json.dumps(context),
            "CDK_DEFAULT_ACCOUNT": ACCOUNT,
            "CDK_DEFAULT_REGION": REGION,
        }
        command = [sys.executable, str(ROOT / "infra" / "app.py")]
        return subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )

    return run


@pytest.fixture(scope="session")
def assembly(synth: Synth, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the app writes for an image that is there, with everything that can be asked for beside."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    outdir = shared / "assembly"
    with (shared / "assembly.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (outdir / "manifest.json").exists():
            finished = synth(EVERYTHING, outdir)
            assert finished.returncode == 0, finished.stderr
    return outdir


@pytest.fixture(scope="session")
def template(assembly: Path) -> dict[str, Any]:
    """The stack's template."""
    found: dict[str, Any] = json.loads((assembly / "vbvr.template.json").read_text())
    return found
