"""generators.yaml and figures.yaml: what they may say, and what is said of a mistake in them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.catalog.loader import PACKAGE, find_catalog, read_figures, read_listing, starter_names
from vbvr_cli.catalog.schema import catalog_schema
from vbvr_cli.errors import ConfigurationError, ExitCode

URL = "https://example.org/puzzles/O-1_maze_data-generator"
HEAD = "version: 1\ngenerators:\n"


def listing_error(folder: Path, text: str) -> str:
    file = folder / "generators.yaml"
    file.write_text(dedent(text))
    with pytest.raises(ConfigurationError) as caught:
        read_listing(file)
    assert caught.value.exit_code is ExitCode.CONFIGURATION
    assert caught.value.hint, "an error names a way out"
    return str(caught.value).replace(f"{folder}/", "") + f" [{caught.value.why}] [{caught.value.hint}]"


def entry_error(folder: Path, fields: str) -> str:
    """The error for an entry of one field a line; its first field is in line 3."""
    lines = [f"{'- ' if first else '  '}{line}" for first, line in _numbered(dedent(fields).strip())]
    return listing_error(folder, HEAD + "\n".join(lines))


def _numbered(text: str) -> list[tuple[bool, str]]:
    return [(number == 0, line) for number, line in enumerate(text.splitlines())]


def test_an_entry_says_where_a_generator_comes_from_and_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "generators.yaml").write_text(
        dedent(f"""\
        version: 1
        defaults: {{batch_size: 50, time_limit_seconds: 60, memory_mb: 512}}
        generators:
          - name: O-1_maze_data-generator
            source: {{git: {URL}, commit: {"ab" * 20}, branch: main}}
            category: spatiality
            role: in_domain_test
            licence: MIT
            options: [--no-hints]
            system_packages: [libgl1]
          - name: O-nonogram_data-generator
            source: {{starter: O-nonogram_data-generator}}
        """)
    )

    listing = read_listing(tmp_path / "generators.yaml")

    maze, nonogram = listing.entries
    assert maze.source.git == URL
    assert maze.options == ["--no-hints"]
    assert nonogram.role == "none"
    assert listing.defaults.batch_size == 50


def test_figures_replace_the_defaults_of_one_generator(tmp_path: Path) -> None:
    (tmp_path / "generators.yaml").write_text(
        "version: 1\ndefaults: {batch_size: 50}\n"
        "generators: [{name: mine, source: {starter: O-nonogram_data-generator}}]\n"
    )
    (tmp_path / "figures.yaml").write_text("version: 1\ngenerators: {mine: {memory_mb: 400, pool: 10}}\n")

    generator = Catalog.load(tmp_path / "generators.yaml").get("mine")

    assert (generator.memory_mb, generator.pool) == (400, 10)
    assert (generator.batch_size, generator.time_limit_seconds) == (50, 900.0)
    assert generator.seconds_per_sample is None


def test_the_committed_catalog_lists_the_starters_and_the_public_generators() -> None:
    listing = read_listing(PACKAGE.parent / "generators.yaml")
    names = [entry.name for entry in listing.entries]
    assert len(names) == 150 + len(starter_names())
    assert set(starter_names()) < set(names)
    assert read_figures(PACKAGE.parent / "figures.yaml") is not None


def test_the_schema_for_editors_is_that_of_the_code() -> None:
    committed = (PACKAGE / "catalog" / "generators.schema.json").read_text()
    assert committed.strip() == catalog_schema(), "run python -m vbvr_cli.catalog.schema"


def test_the_catalog_of_the_current_folder_comes_before_the_one_vbvr_came_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_catalog().is_file()
    (tmp_path / "generators.yaml").touch()
    assert find_catalog() == tmp_path / "generators.yaml"


def test_two_entries_with_one_name_are_named_with_both_lines(tmp_path: Path) -> None:
    message = listing_error(
        tmp_path,
        """\
        version: 1
        generators:
          - name: mine
            source: {path: a}
          - name: mine
            source: {path: b}
        """,
    )
    assert "generators.yaml, line 5, field generators[1].name: 'mine'" in message
    assert "the entry in line 3" in message


def test_broken_yaml_is_named_with_line_and_column(tmp_path: Path) -> None:
    assert "generators.yaml, line 3, column 1, is not YAML" in listing_error(
        tmp_path, "version: 1\ngenerators: [\n}\n"
    )


def test_a_field_that_is_there_twice_is_named_with_both_lines(tmp_path: Path) -> None:
    message = entry_error(tmp_path, "name: mine\nname: yours\nsource: {path: a}")
    assert "line 4: 'name' is there already, in line 3" in message


def test_an_empty_catalog_file_lacks_its_fields(tmp_path: Path) -> None:
    assert "line 1, field version: it is missing." in listing_error(tmp_path, "")


def test_another_version_of_the_file_is_named(tmp_path: Path) -> None:
    assert "line 1, field version: should be 1, not 2." in listing_error(
        tmp_path, "version: 2\ngenerators: []"
    )


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.yaml cannot be read"):
        Catalog.load(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("name: ../etc\nsource: {path: a}", "line 3, field generators[0].name: should be letters, digits"),
        ("name: ../etc\nsource: {path: a}", "not '../etc'"),
        ("name: mine/yours\nsource: {path: a}", "not 'mine/yours'"),
        ("name: 12\nsource: {path: a}", "should be a valid string (put it in quotes), not 12."),
        ("name: mine", "line 3, field generators[0].source: it is missing."),
        ("source: {path: a}", "field generators[0].name: it is missing."),
        ("name: mine\nsource: {path: a}\nlicense: MIT", "line 5, field generators[0].license"),
        ("name: mine\nsource: {path: a}\nlicense: MIT", "Perhaps you meant 'licence'."),
        ("name: mine\nsource: {path: a}\nbatch_size: 5", "It belongs into figures.yaml"),
        ("name: mine\nsource: {path: a}\ncolour: red", "Known are name, source,"),
        (
            "name: mine\nsource: {path: a, git: https://a/b}",
            "exactly one of git, path and starter; it has both",
        ),
        ("name: mine\nsource: {zip: a}", "it has none of them, not {'zip': 'a'}"),
        ("name: mine\nsource: here", "line 4, field generators[0].source: should have exactly one"),
        ("name: mine\nsource: {starter: nonogram}", "line 4, field generators[0].source.starter: no starter"),
        ("name: mine\nsource: {starter: O-nonogram}", "Perhaps you meant 'O-nonogram_data-generator'"),
        ("name: mine\nsource: {git: 'ext::sh -c x'}", "should be the address of a git repository"),
        ("name: mine\nsource: {git: --upload-pack=x}", "should be the address of a git repository"),
        ("name: mine\nsource: {git: 'https://a/b', commit: abc}", "source.commit: should match pattern"),
        ("name: mine\nsource: {git: 'https://a/b', comit: abc}", "Perhaps you meant 'commit'."),
        ("name: mine\nsource: {path: a}\nrole: training", "should be 'train', 'in_domain_test'"),
        ("name: mine\nsource: {path: a}\nlicence: free", "should be an SPDX licence such as 'MIT'"),
        (
            "name: mine\nsource: {path: a}\noptions: --fast",
            "field generators[0].options: should be a valid list",
        ),
        ("name: mine\nsource: {path: a}\noptions: [--seed=1]", "vbvr itself sets --seed, not '--seed=1'."),
        ("name: mine\nsource: {path: a}\nsystem_packages: [a b]", "system_packages[0]: should match"),
    ],
)
def test_a_mistake_in_an_entry_is_named_with_line_field_and_value(
    tmp_path: Path, fields: str, expected: str
) -> None:
    assert expected in entry_error(tmp_path, fields)


@pytest.mark.parametrize(
    ("defaults", "expected"),
    [
        ("batch_size: 5000", "should be less than or equal to 1000, not 5000."),
        ("batch_size: many", "defaults.batch_size: should be a valid integer, not 'many'."),
        ("time_limit_seconds: 0", "should be greater than 0, not 0."),
        ("memory: 5", "field defaults.memory: there is no such field. Perhaps you meant 'memory_mb'."),
    ],
)
def test_a_mistake_in_the_defaults_is_named(tmp_path: Path, defaults: str, expected: str) -> None:
    assert expected in listing_error(tmp_path, f"version: 1\ndefaults: {{{defaults}}}\ngenerators: []")


def test_a_mistake_in_the_figures_is_named_with_its_file(tmp_path: Path) -> None:
    file = tmp_path / "figures.yaml"
    file.write_text("version: 1\ngenerators:\n  mine:\n    seconds_per_sample: -1\n")
    with pytest.raises(ConfigurationError) as caught:
        read_figures(file)
    assert "figures.yaml, line 4, field generators.mine.seconds_per_sample" in str(caught.value)


def test_several_mistakes_are_named_at_once(tmp_path: Path) -> None:
    message = entry_error(tmp_path, "name: ../a\nsource: {path: a}\nrole: none_such")
    assert "generators[0].name" in message
    assert "generators[0].role" in message
