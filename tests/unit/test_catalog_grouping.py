"""Generators share an environment where their requirements allow it, and it is said where not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vbvr_cli.catalog.grouping import Grouping, environment_key, group
from vbvr_cli.catalog.lock import LockedEnvironment
from vbvr_cli.catalog.requirements import Line, Needs, find_needs
from vbvr_cli.catalog.uv import OWN_VERSION, ResolutionError


def needs(tmp_path: Path, **requirements: str) -> dict[str, Needs]:
    found = {}
    for name, text in requirements.items():
        write(tmp_path / name, examples__generate_py="", requirements_txt=text)
        found[name] = find_needs(tmp_path / name)
    return found


def together(requirements: Sequence[str]) -> list[str]:
    """A resolver that knows one version of everything, and one pair that cannot live together."""
    if {"oil", "water"} <= set(requirements):
        raise ResolutionError("Because oil floats and you require water, this is unsatisfiable.")
    if "nowhere==1" in requirements:
        raise ResolutionError("Because there is no version of nowhere==1, this is unsatisfiable.")
    return sorted(text if "==" in text else f"{text}==1" for text in requirements)


def members(grouping: Grouping) -> list[list[str]]:
    keys = sorted(set(grouping.keys.values()))
    return sorted(sorted(name for name in grouping.keys if grouping.keys[name] == key) for key in keys)


def test_what_does_not_contradict_shares_one_environment(tmp_path: Path) -> None:
    grouping = group(needs(tmp_path, a="numpy==1\n", b="numpy==1\nchess\n", c="shapely\n"), {}, together)
    assert members(grouping) == [["a", "b", "c"]]
    (environment,) = grouping.environments.values()
    assert environment.packages == ["chess==1", "numpy==1", "shapely==1"]


def test_contradicting_pins_are_apart_and_both_lines_are_named(tmp_path: Path) -> None:
    grouping = group(needs(tmp_path, a="numpy==1\n", b="chess\nnumpy==2\n", c="numpy==1\n"), {}, together)
    assert members(grouping) == [["a", "c"], ["b"]]
    apart = grouping.environments[grouping.keys["b"]].apart
    assert apart == ["numpy==2 (b, requirements.txt:2) against numpy==1 (a, requirements.txt:1)"]


def test_a_contradiction_that_only_the_resolver_finds_is_told_in_its_words(tmp_path: Path) -> None:
    grouping = group(needs(tmp_path, a="oil\n", b="water\n"), {}, together)
    (reason,) = grouping.environments[grouping.keys["b"]].apart
    assert reason.startswith("water (b, requirements.txt:1) against oil (a, requirements.txt:1): Because oil")


def test_requirements_that_nothing_meets_fail_alone_with_their_line(tmp_path: Path) -> None:
    grouping = group(needs(tmp_path, a="numpy==1\n", b="chess\nnowhere==1\n"), {}, together)
    assert members(grouping) == [["a"]]
    assert grouping.failures["b"].startswith(
        "nowhere==1 (b, requirements.txt:2): Because there is no version"
    )


def test_what_is_in_an_environment_already_stays_as_it_is(tmp_path: Path) -> None:
    packages = ["chess==0.5", "numpy==1"]
    existing = {
        environment_key(OWN_VERSION, packages): LockedEnvironment(python=OWN_VERSION, packages=packages)
    }
    grouping = group(needs(tmp_path, a="chess>=0.5\n", b="numpy==2\n"), existing, _prefer_pins)
    assert "chess==0.5" in grouping.environments[grouping.keys["a"]].packages
    assert grouping.keys["b"] != grouping.keys["a"]


def _prefer_pins(requirements: Sequence[str]) -> list[str]:
    pinned = [text for text in requirements if "==" in text]
    names = {text.partition("==")[0] for text in pinned}
    return sorted(
        pinned + [f"{t}==9" for t in requirements if "==" not in t and t.split(">")[0] not in names]
    )


def test_a_generator_that_needs_nothing_is_in_no_environment(tmp_path: Path) -> None:
    assert group(needs(tmp_path, a="# nothing\n"), {}, together) == Grouping({}, {}, {})


def test_the_order_of_generators_decides_nothing(tmp_path: Path) -> None:
    some = needs(tmp_path, a="numpy==1\n", b="numpy==2\n", c="numpy==2\nchess\n")
    backwards = dict(reversed(some.items()))
    assert group(some, {}, together) == group(backwards, {}, together)


def test_markers_and_ranges_are_left_to_the_resolver(tmp_path: Path) -> None:
    some = needs(tmp_path, a="numpy==1; python_version<'3'\n", b="numpy>=2\n")
    assert members(group(some, {}, lambda requirements: ["numpy==2"])) == [["a", "b"]]


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_py", ".py").replace("_t", ".t")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_without_requirements_those_of_the_project_file_count(tmp_path: Path) -> None:
    write(tmp_path, examples__generate_py="", pyproject_toml='[project]\ndependencies = ["chess==1"]\n')
    found = find_needs(tmp_path)
    assert list(found.by_text) == ["chess==1"]
    assert found.notices == ("no requirements.txt: its requirements are those of pyproject.toml",)


def test_what_is_imported_but_not_named_counts_too_and_is_reported(tmp_path: Path) -> None:
    write(
        tmp_path,
        requirements_txt="Pillow==10\npython-chess==1.999\n",
        examples__generate_py="import json, cv2, chess\nfrom core import draw",
        core__draw_py="from PIL import Image\nimport numpy.random as r\nimport something_of_its_own",
        unused_py="import scipy",
    )
    found = find_needs(tmp_path)
    assert sorted(found.by_text) == ["Pillow==10", "numpy", "opencv-python-headless", "python-chess==1.999"]
    (notice,) = found.notices
    assert notice.endswith("so taken unpinned: opencv-python-headless, numpy")


def test_unpinned_and_unreadable_requirements_are_reported(tmp_path: Path) -> None:
    write(tmp_path, examples__generate_py="", requirements_txt="numpy\nchess==1\n-e .\n")
    assert find_needs(tmp_path).notices == (
        "requirements.txt:3: '-e .' is passed over",
        "unpinned: numpy",
    )


def test_a_line_knows_its_place(tmp_path: Path) -> None:
    assert Line(tmp_path / "requirements.txt", 3, "x", None).place == "requirements.txt:3"
