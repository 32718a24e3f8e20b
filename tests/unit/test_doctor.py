"""Everything that vbvr needs is looked at, and what is broken is named with what mends it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dead_tasks import let_die
from places import Place

from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.config import Options, load_settings
from vbvr_cli.errors import ConfigurationError
from vbvr_cli.operations.doctor import SPARE_BYTES, Finding, Health, examine


def findings(
    place: Place, options: Options | None = None, open_catalog: Callable[[], Catalog] | None = None
) -> dict[str, Finding]:
    settings = load_settings(options or Options(home=place.home), {})
    examined = list(examine(settings, lambda: place.backend, open_catalog or place.catalog))
    return {finding.what: finding for finding in examined}


def program(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def test_a_machine_that_has_everything_has_nothing_broken(place: Place) -> None:
    place.add("good")

    found = findings(place)

    assert {finding.health for finding in found.values()} <= {Health.OK, Health.NOTE}
    assert {"python", "git", "uv", "node", "disk", "state", "generators", "target"} <= set(found)
    assert "is new" in found["state"].detail
    assert not place.home.exists()


@pytest.mark.parametrize(
    ("script", "said"),
    [(None, "not found"), ("exit 1", "fails"), ("echo", "git")],
    ids=["missing", "failing", "silent"],
)
def test_git_that_is_missing_or_does_not_run_is_broken(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, said: str
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    if script:
        program(folder, "git", script)
    monkeypatch.setenv("PATH", str(folder))

    found = findings(place)

    assert said in found["git"].detail
    assert found["git"].health is (Health.OK if script == "echo" else Health.BROKEN)
    assert found["git"].mend == ("" if script == "echo" else "apt-get install git")
    assert (found["node"].health, found["node"].mend) == (Health.NOTE, "apt-get install nodejs")


def test_dead_letters_are_a_note_that_names_the_command(place: Place) -> None:
    place.submit("good", samples=2)
    let_die(place.backend)

    state = findings(place)["state"]

    assert (state.health, state.mend) == (Health.NOTE, "vbvr dlq list")
    assert "1 dead letter" in state.detail


def test_little_room_on_the_disk_is_a_note(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(place.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=SPARE_BYTES // 10))

    disk = findings(place)["disk"]

    assert (disk.health, bool(disk.mend)) == (Health.NOTE, True)
    assert "0.5 GB free" in disk.detail


@pytest.mark.parametrize("where", ["", "below/it"])
def test_a_state_folder_that_is_a_file_is_broken(place: Place, where: str) -> None:
    (place.root / "a-file").touch()

    state = findings(place, Options(home=place.root / "a-file" / where))["state"]

    assert state.health is Health.BROKEN
    assert "a-file" in state.detail
    assert "--home" in state.mend


def test_a_state_that_is_damaged_is_broken(place: Place) -> None:
    place.home.mkdir()
    for name in ("queue", "ledger", "dedup"):
        (place.home / f"{name}.sqlite3").write_text("this is no database" * 1_000)

    state = findings(place)["state"]

    assert state.health is Health.BROKEN
    assert str(place.home) in state.detail
    assert "--home" in state.mend


def test_a_catalog_that_cannot_be_read_is_broken_and_says_why(place: Place) -> None:
    def refuse() -> Any:
        raise ConfigurationError("generators.yaml is wrong.", why="line 3", hint="Mend it.")

    found = findings(place, open_catalog=refuse)["generators"]

    assert found == Finding("generators", Health.BROKEN, "generators.yaml is wrong. (line 3)", "Mend it.")


def test_no_generator_at_all_is_broken(place: Place) -> None:
    found = findings(place)["generators"]

    assert (found.health, found.mend) == (Health.BROKEN, "vbvr fetch-generators")
