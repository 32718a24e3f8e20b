"""`vbvr doctor`: one line a finding, what mends it, and exit code 3 where something is broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from places import Vbvr


def by_name(findings: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {finding["what"]: finding for finding in findings}


def test_a_healthy_machine_is_told_so_and_nothing_is_created(vbvr: Vbvr) -> None:
    vbvr.add("good")
    before = vbvr.everything()

    shown = vbvr.ok("doctor")

    lines = shown.stdout.splitlines()
    assert not [line for line in lines if line.startswith("broken")]
    assert any(line.startswith("ok") and "git version" in line for line in lines)
    assert vbvr.everything() == before


def test_each_setting_says_where_it_comes_from(vbvr: Vbvr, tmp_path: Path) -> None:
    vbvr.add("good")

    def state_folder(*arguments: str | Path, **environment: str) -> str:
        found = by_name(vbvr.ok("doctor", "--json", *arguments, **environment).json)
        assert found["generators path"]["detail"].endswith("(from: GENERATORS_PATH)")
        return str(found["state folder"]["detail"])

    assert state_folder().endswith(".vbvr (from: default)")
    assert state_folder(VBVR_HOME=str(tmp_path / "a")) == f"{tmp_path / 'a'} (from: VBVR_HOME)"
    assert (
        state_folder("--home", tmp_path / "b", VBVR_HOME=str(tmp_path / "a"))
        == f"{tmp_path / 'b'} (from: option)"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("generators: [", "generators.yaml"),
        ("version: 1\ngenerator: []\n", "generator"),
        ("", "generators.yaml"),
    ],
)
def test_a_broken_catalog_is_named(vbvr: Vbvr, text: str, said: str) -> None:
    (vbvr.folder / "generators.yaml").write_text(text)

    shown = vbvr("doctor", "--json")

    assert shown.exit_code == 3
    found = by_name(shown.json)["generators"]
    assert found["health"] == "broken"
    assert said in found["detail"]
    assert found["mend"]


def test_a_broken_state_folder_is_named_in_the_readable_form_too(vbvr: Vbvr) -> None:
    vbvr.add("good")
    vbvr.state.mkdir()
    (vbvr.state / "queue.sqlite3").write_text("this is no database" * 1_000)

    shown = vbvr("doctor")

    assert shown.exit_code == 3
    (line,) = [line for line in shown.stdout.splitlines() if line.startswith("broken")]
    assert "queue.sqlite3 is damaged" in line
    assert "fix: Choose another --home" in shown.stdout


def test_without_git_it_says_what_installs_it(vbvr: Vbvr, tmp_path: Path) -> None:
    vbvr.add("good")
    (tmp_path / "bin").mkdir()

    shown = vbvr("doctor", "--json", PATH=str(tmp_path / "bin"))

    assert shown.exit_code == 3
    found = by_name(shown.json)
    assert (found["git"]["health"], found["git"]["mend"]) == ("broken", "apt-get install git")
    assert found["node"]["health"] == "note"
