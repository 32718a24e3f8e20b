"""`--category` and `--role` mean the same wherever `-g` does."""

from __future__ import annotations

from pathlib import Path

import pytest
from places import Vbvr

CATALOG = """
version: 1
generators:
  - {{name: good, source: {{path: {folder}/good}}, category: abstraction, role: train}}
  - {{name: good_video, source: {{path: {folder}/good_video}}, category: knowledge, role: none}}
"""


@pytest.fixture
def made(vbvr: Vbvr, tmp_path: Path) -> Vbvr:
    """A run of two samples of each of two generators that differ in category and role."""
    vbvr.add("good", "good_video")
    (vbvr.folder / "generators.yaml").write_text(CATALOG.format(folder=vbvr.generators))
    del vbvr.environment["GENERATORS_PATH"]
    vbvr.ok("generate", "-g", "all", "-n", "2")
    return vbvr


def test_commands_that_look_at_runs_know_the_filters(made: Vbvr) -> None:
    seen = made.ok("monitor", "--category", "knowledge", "--json").json
    brought = made.ok("download", "--role", "train", "--dest", "results", "--json").json
    listed = made.ok("generators", "list", "--category", "abstraction", "--json").json

    assert [one["generator"] for one in seen["generators"]] == ["good_video"]
    assert brought["samples"] == 2
    assert [path.name for path in (made.folder / "results" / "questions").iterdir()] == ["good"]
    assert [one["name"] for one in listed["generators"]] == ["good"]


def test_commands_that_make_runs_know_the_filters(made: Vbvr) -> None:
    planned = made.ok("generate", "--role", "train", "-n", "9", "--dry-run", "--json").json

    assert [one["generator"] for one in planned["plan"]] == ["good"]


def test_a_category_that_nobody_has_is_named_with_those_that_there_are(made: Vbvr) -> None:
    refused = made("dlq", "redrive", "--category", "abstracton")

    assert refused.exit_code == 2
    assert "abstracton" in refused.stderr
    assert "knowledge" in refused.stderr
