"""The roster of an image stands in for the catalog that it was made from."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from generators.layout import lay_out

from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.catalog.generator import Generator
from vbvr_cli.catalog.roster import LeftOut, Roster
from vbvr_cli.errors import ConfigurationError, InvalidRequestError

CATALOG = """\
version: 1
generators:
  - {name: good, source: {path: generators/good}, category: logic, role: train, options: [--fast]}
  - {name: output_dir, source: {path: generators/output_dir}, role: in_domain_test}
"""
FIGURES = (
    "version: 1\ngenerators: {good: {batch_size: 7, seconds_per_sample: 0.5, pool: 10, memory_mb: 512}}\n"
)
ABSENT = LeftOut(reason="its repository was not fetched", mend="Fetch it.", category="vision", role="train")


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    for name in ("good", "output_dir"):
        lay_out(tmp_path / "generators", name)
    (tmp_path / "generators.yaml").write_text(CATALOG)
    (tmp_path / "figures.yaml").write_text(FIGURES)
    return Catalog.load(tmp_path / "generators.yaml")


def moved(generator: Generator, root: Path) -> Generator:
    """The same with its interpreter below `root`, as it is in an image."""
    environment = replace(generator.environment, python=root / "environments" / "bin" / "python")
    return replace(generator, environment=environment)


@pytest.fixture
def generators(catalog: Catalog, tmp_path: Path) -> list[Generator]:
    return [moved(generator, tmp_path) for generator in catalog]


@pytest.fixture
def roster(generators: list[Generator], tmp_path: Path) -> Roster:
    return Roster.of(generators, root=tmp_path, architecture="arm64", left_out={"absent": ABSENT})


def test_what_is_written_is_read_back_whole(
    roster: Roster, generators: list[Generator], tmp_path: Path
) -> None:
    roster.write(tmp_path / "roster.json")
    again = Roster.read(tmp_path / "roster.json")
    assert list(again) == generators
    assert [again.get(one.name) for one in generators] == generators
    assert (again.architecture, again.left_out_entries) == ("arm64", {"absent": ABSENT})


def test_its_paths_count_from_where_it_lies(
    roster: Roster, generators: list[Generator], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    roster.write(elsewhere / "roster.json")
    assert Roster.read(elsewhere / "roster.json").get("good").path == elsewhere / "generators" / "good"
    over_the_wire = Roster.from_json(json.dumps(json.loads(roster.to_json())))
    assert over_the_wire.get("good").path == Path("/var/task/generators/good")


def test_a_generator_outside_of_the_image_is_refused(generators: list[Generator], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not in the subpath"):
        Roster.of(generators, root=tmp_path / "image", architecture="x86_64")


def test_it_selects_as_the_catalog_does(roster: Roster, catalog: Catalog) -> None:
    for patterns, categories, roles in (
        (["all"], [], []),
        (["g*", "output_dir"], [], []),
        ([], ["logic"], []),
        (["good"], [], ["train"]),
    ):
        expected = [one.name for one in catalog.select(patterns, categories, roles)]
        assert [one.name for one in roster.select(patterns, categories, roles)] == expected


def test_globs_pass_over_what_was_left_out_and_say_so(roster: Roster) -> None:
    assert [one.name for one in roster.select(["*"], roles=["train"])] == ["good"]
    (absent,) = roster.left_out(["*"], roles=["train"])
    assert (absent.name, absent.reason, absent.mend) == ("absent", ABSENT.reason, "Fetch it.")
    assert roster.unavailable == (absent,)


def test_a_name_that_was_left_out_is_an_error_with_its_reason(roster: Roster) -> None:
    for ask in (lambda: roster.get("absent"), lambda: roster.select(["good", "absent"])):
        with pytest.raises(ConfigurationError) as raised:
            ask()
        assert raised.value.what == "absent is not in the image."
        assert (raised.value.why, raised.value.hint) == (ABSENT.reason, "Fetch it.")


def test_a_selection_of_nothing_but_the_left_out_is_an_error(roster: Roster) -> None:
    with pytest.raises(ConfigurationError, match="None of the 1 generators asked for is in the image"):
        roster.select(["abs*"])


@pytest.mark.parametrize("ask", ["get", "select"])
def test_an_unknown_name_proposes_the_nearest(roster: Roster, ask: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        roster.get("goood") if ask == "get" else roster.select(["goood"])
    assert "Perhaps you meant good" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "Invalid JSON"),
        ('{"version": 2, "vbvr": "1", "architecture": "arm64"}', "version"),
        ('{"vbvr": "1", "architecture": "sparc"}', "architecture"),
        ('{"vbvr": "1", "architecture": "arm64", "generators": [{"name": "x"}]}', "generators.0.path"),
    ],
)
def test_what_is_no_roster_is_named_with_its_fault(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "roster.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        Roster.read(file)
    assert str(file) in raised.value.what
    assert why in (raised.value.why or "")


def test_a_missing_roster_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"roster\.json cannot be read"):
        Roster.read(tmp_path / "roster.json")


def test_a_name_may_stand_in_it_once(generators: list[Generator], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="twice"):
        Roster.of(generators, root=tmp_path, architecture="arm64", left_out={"good": ABSENT})


def test_reading_it_starts_no_process_and_reads_no_catalog() -> None:
    program = (
        "import sys, vbvr_cli.catalog.roster; "
        "print(sorted({'yaml', 'subprocess', 'packaging', 'boto3', 'typer'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"
