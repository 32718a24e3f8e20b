"""Which generators there are here, and which of them names, globs, categories and roles mean."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import vbvr_cli
from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.catalog.checkouts import Checkouts
from vbvr_cli.catalog.digest import tree_digest
from vbvr_cli.catalog.lock import Lock, Pin
from vbvr_cli.catalog.selection import NoMatchError, UnknownGeneratorError
from vbvr_cli.errors import ConfigurationError, ExitCode, InvalidRequestError
from vbvr_cli.models import Provenance

PROGRAM = 'import argparse\nargparse.ArgumentParser().add_argument("--output")\n'
COMMIT = "ab" * 20


def make_generator(folder: Path, program: str = PROGRAM) -> Path:
    (folder / "examples").mkdir(parents=True)
    (folder / "examples" / "generate.py").write_text(program)
    (folder / "requirements.txt").write_text("pillow\n")
    return folder


@pytest.fixture
def catalog_file(tmp_path: Path) -> Path:
    file = tmp_path / "generators.yaml"
    make_generator(tmp_path / "local" / "maze")
    file.write_text(
        f"""\
version: 1
generators:
  - {{name: G-maze, source: {{path: local/maze}}, category: spatiality, role: train}}
  - {{name: O-nonogram, source: {{starter: O-nonogram_data-generator}}, category: abstraction}}
  - {{name: O-remote, source: {{git: "https://user:secret@example.org/o", commit: {COMMIT}}}, role: train}}
"""
    )
    return file


def names(generators: list) -> list[str]:
    return [generator.name for generator in generators]


def test_all_means_every_generator_that_can_run_here(catalog_file: Path) -> None:
    catalog = Catalog.load(catalog_file)
    assert names(catalog.select(["all"])) == ["G-maze", "O-nonogram"]
    assert names(list(catalog)) == ["G-maze", "O-nonogram"]


def test_what_cannot_run_here_says_why_and_how_to_mend_it(catalog_file: Path) -> None:
    (missing,) = Catalog.load(catalog_file).unavailable
    assert missing.name == "O-remote"
    assert missing.reason == "Its repository https://example.org/o has not been fetched."
    assert missing.mend == "Run 'vbvr fetch-generators -g O-remote'."


def test_names_and_globs_select_each_generator_once_in_the_catalogs_order(catalog_file: Path) -> None:
    catalog = Catalog.load(catalog_file)
    assert names(catalog.select(["O-nonogram", "G-*", "*maze"])) == ["G-maze", "O-nonogram"]


def test_a_category_or_a_role_selects_alone_and_narrows_what_is_named(catalog_file: Path) -> None:
    catalog = Catalog.load(catalog_file)
    assert names(catalog.select([], categories=["abstraction"])) == ["O-nonogram"]
    assert names(catalog.select(["all"], roles=["train"])) == ["G-maze"]
    assert [found.name for found in catalog.left_out(["all"], roles=["train"])] == ["O-remote"]
    with pytest.raises(InvalidRequestError, match="No generator is all of this: O-nonogram, train"):
        catalog.select(["O-nonogram"], roles=["train"])


def test_a_category_that_nobody_has_is_answered_with_those_there_are(catalog_file: Path) -> None:
    with pytest.raises(InvalidRequestError, match="category 'maths'") as caught:
        Catalog.load(catalog_file).select(["all"], categories=["maths"])
    assert caught.value.hint == "There are abstraction, spatiality."


def test_an_unknown_name_is_answered_with_the_nearest_names(catalog_file: Path) -> None:
    with pytest.raises(UnknownGeneratorError, match="'O-nonogramm'") as caught:
        Catalog.load(catalog_file).select(["O-nonogramm"])
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.hint is not None
    assert "Perhaps you meant O-nonogram" in caught.value.hint
    assert "vbvr generators list" in caught.value.hint


def test_a_glob_that_matches_nothing_is_an_error(catalog_file: Path) -> None:
    with pytest.raises(NoMatchError, match=r"matches 'X-\*'"):
        Catalog.load(catalog_file).select(["all", "X-*"])


def test_naming_nothing_is_an_error(catalog_file: Path) -> None:
    with pytest.raises(InvalidRequestError, match="No generator was named"):
        Catalog.load(catalog_file).select([])


def test_naming_what_cannot_run_here_is_an_error_even_beside_others(catalog_file: Path) -> None:
    catalog = Catalog.load(catalog_file)
    with pytest.raises(ConfigurationError, match="O-remote cannot run here"):
        catalog.select(["all", "O-remote"])
    with pytest.raises(ConfigurationError, match="None of the 1 generators") as caught:
        catalog.select(["*remote"])
    assert caught.value.hint == "Run 'vbvr fetch-generators -g O-remote'."


def test_a_fetched_repository_has_the_provenance_that_the_lock_says(
    catalog_file: Path, tmp_path: Path
) -> None:
    fetched = tmp_path / "home" / "generators"
    tree = make_generator(tmp_path / "tree")
    stored = Provenance(
        commit=COMMIT, branch="main", repo="https://example.org/o", timestamp="2026-01-01T00:00:00+00:00"
    )
    kept = Checkouts(fetched).keep("O-remote", tree, stored, tree_digest(tree))
    pin = Pin(
        repository="https://example.org/o",
        commit=COMMIT,
        branch="main",
        timestamp=stored.timestamp,
        digest=kept.digest,
    )
    Lock(generators={"O-remote": pin}).write(tmp_path / "generators.lock")

    generator = Catalog.load(catalog_file, fetched=fetched).get("O-remote")

    assert generator.path == fetched / "O-remote" / COMMIT
    assert generator.provenance == stored


def test_a_starter_is_of_this_version_and_runs_in_vbvrs_own_interpreter(
    catalog_file: Path, tmp_path: Path
) -> None:
    other = tmp_path / "python"
    other.symlink_to(sys.executable)
    catalog = Catalog.load(catalog_file, python=other)
    starter = catalog.get("O-nonogram")
    assert starter.provenance.commit == f"vbvr-{vbvr_cli.__version__}"
    assert starter.provenance.timestamp == vbvr_cli.RELEASED
    assert starter.provenance.repo is None
    assert starter.environment.python == Path(sys.executable)
    assert catalog.get("G-maze").environment.python == other


def test_a_local_folder_is_of_the_state_of_its_files_and_of_no_time(catalog_file: Path) -> None:
    provenance = Catalog.load(catalog_file).get("G-maze").provenance
    assert provenance.commit.startswith("tree-")
    assert provenance.timestamp == "1970-01-01T00:00:00+00:00"


def test_subfolders_of_generators_path_with_a_program_are_generators(
    catalog_file: Path, tmp_path: Path
) -> None:
    make_generator(tmp_path / "mine" / "O-own_task")
    (tmp_path / "mine" / "notes").mkdir()
    catalog = Catalog.load(catalog_file, [tmp_path / "mine"])
    assert names(list(catalog))[-1] == "O-own_task"
    assert catalog.notices == ()


def test_a_folder_replaces_a_catalog_entry_and_that_is_said(catalog_file: Path, tmp_path: Path) -> None:
    folder = make_generator(tmp_path / "mine" / "O-remote")
    catalog = Catalog.load(catalog_file, [tmp_path / "mine"])
    assert catalog.get("O-remote").path == folder
    assert catalog.get("O-remote").role == "train"
    assert catalog.notices == (f"O-remote is taken from {folder} instead of what {catalog_file} says.",)


def test_of_two_folders_with_one_name_the_first_is_taken_and_that_is_said(
    catalog_file: Path, tmp_path: Path
) -> None:
    first = make_generator(tmp_path / "a" / "mine")
    second = make_generator(tmp_path / "b" / "mine")
    catalog = Catalog.load(catalog_file, [tmp_path / "a", tmp_path / "b"])
    assert catalog.get("mine").path == first
    assert catalog.notices == (f"{second} is passed over: {first} has the same name.",)


def test_a_folder_whose_name_is_no_generators_name_is_passed_over_and_that_is_said(
    catalog_file: Path, tmp_path: Path
) -> None:
    make_generator(tmp_path / "mine" / "two words")
    (notice,) = Catalog.load(catalog_file, [tmp_path / "mine"]).notices
    assert "two words is passed over" in notice


def test_generators_path_that_is_no_folder_is_an_error(catalog_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent on GENERATORS_PATH cannot be read"):
        Catalog.load(catalog_file, [tmp_path / "absent"])


def test_a_folder_that_breaks_the_contract_is_unavailable_and_spares_the_others(
    catalog_file: Path, tmp_path: Path
) -> None:
    make_generator(tmp_path / "mine" / "odd", program="print('hello')")
    catalog = Catalog.load(catalog_file, [tmp_path / "mine"])
    assert names(catalog.select(["all"])) == ["G-maze", "O-nonogram"]
    assert "takes neither --output nor --output-dir" in catalog.unavailable[-1].reason
    with pytest.raises(ConfigurationError, match="takes neither"):
        catalog.get("odd")


def test_a_catalog_path_without_a_program_is_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "generators.yaml"
    file.write_text("version: 1\ngenerators: [{name: mine, source: {path: nowhere}}]\n")
    (missing,) = Catalog.load(file).unavailable
    assert missing.reason == f"{tmp_path}/nowhere has no examples/generate.py."


def test_a_python_that_does_not_run_is_an_error_at_once(catalog_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not run as a Python") as caught:
        Catalog.load(catalog_file, python=tmp_path / "python9")
    assert caught.value.hint is not None
    assert "VBVR_PYTHON" in caught.value.hint
