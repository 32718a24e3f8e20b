"""Checking names what is wrong with a generator before anybody pays for it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.catalog.checking.checks import check_generators
from vbvr_cli.catalog.checking.examine import examine
from vbvr_cli.catalog.checking.figures import figures_file, write_figures
from vbvr_cli.catalog.checking.licences import find_licence
from vbvr_cli.catalog.checking.pool import estimate_pool
from vbvr_cli.catalog.checking.report import Measured, Report, Weight, recommend
from vbvr_cli.catalog.entries import Figures
from vbvr_cli.catalog.loader import PACKAGE, read_figures
from vbvr_cli.catalog.scaffolding import create_generator, task_of
from vbvr_cli.errors import ConfigurationError, InvalidRequestError

# A puzzle is a number; `number(seed, index, count)` decides it.
PROGRAM = """\
import argparse, json, os, random, sys, time
from pathlib import Path
from PIL import Image
parser = argparse.ArgumentParser()
parser.add_argument("--num-samples", type=int)
parser.add_argument("--seed", type=int)
parser.add_argument("--output", type=Path)
asked = parser.parse_args()
{before}
def number(seed, index, count):
    return {number}
for index in range({count}):
    folder = asked.output / "x_task" / f"x_{{index}}"
    folder.mkdir(parents=True)
    value = number(asked.seed, index, asked.num_samples)
    Image.new("RGB", (8, 8), (value % 256, value // 256 % 256, 0)).save(folder / "first_frame.png")
    (folder / "prompt.txt").write_text({prompt})
    (folder / "metadata.json").write_text(json.dumps({{"parameters": {{"value": value}}}}))
"""
SOUND = "random.Random(f'{seed} {index}').randrange(2**40)"


@pytest.fixture
def check(tmp_path: Path):
    def run(
        number: str = SOUND,
        before: str = "",
        count: str = "asked.num_samples",
        prompt: str = "'go'",
        seconds: float = 60.0,
    ) -> Report:
        folder = tmp_path / "generators" / "odd"
        (folder / "examples").mkdir(parents=True)
        program = PROGRAM.format(number=number, before=before, count=count, prompt=prompt)
        (folder / "examples" / "generate.py").write_text(program)
        (folder / "LICENSE").write_text("MIT License\n")
        (tmp_path / "generators.yaml").write_text("version: 1\ngenerators: []\n")
        catalog = Catalog.load(tmp_path / "generators.yaml", [tmp_path / "generators"])
        generator = replace(catalog.get("odd"), time_limit_seconds=seconds)
        return examine(generator, tmp_path / "scratch", samples=20)

    return run


def texts(report: Report, *weights: Weight) -> str:
    return "\n".join(one.text for one in report.findings if not weights or one.weight in weights)


def test_a_sound_generator_has_no_fault(check) -> None:
    report = check(prompt="'go' if value % 2 else 'run'")
    assert report.is_sound
    assert report.licence == "MIT"
    assert report.measured.distinct_puzzles == 40
    assert report.measured.pool is None
    assert texts(report) == "it writes no ground_truth video that decodes"


def test_one_that_seeds_itself_from_hash_is_named(check) -> None:
    report = check(number="random.Random(hash('x') + index + 0 * seed).randrange(2**40)")
    assert report.is_sound
    assert "its samples depend on PYTHONHASHSEED" in texts(report, Weight.NOTE)


def test_one_with_ten_puzzles_is_named_with_its_pool(check) -> None:
    report = check(number="random.Random(f'{seed} {index}').randrange(10)")
    assert report.measured.distinct_puzzles <= 10
    assert 8 <= report.measured.pool <= 12
    assert f"it has about {report.measured.pool} in all" in texts(report, Weight.WARNING)


def test_one_that_gives_other_samples_each_time_is_at_fault(check) -> None:
    assert "the same seed gives other samples each time" in texts(
        check(number="time.time_ns()"), Weight.FAULT
    )


def test_one_that_ignores_its_seed_is_at_fault(check) -> None:
    assert "it ignores --seed" in texts(check(number="index"), Weight.FAULT)


def test_one_whose_samples_depend_on_their_number_is_named(check) -> None:
    report = check(number="random.Random(f'{seed} {index} {count}').randrange(2**40)")
    assert "sample i depends on how many are asked for" in texts(report, Weight.NOTE)


def test_one_that_writes_too_few_is_at_fault(check) -> None:
    report = check(count="max(1, asked.num_samples - 1)")
    assert "it wrote 19 samples of 20 asked for" in texts(report, Weight.FAULT)


def test_one_that_writes_none_is_at_fault(check) -> None:
    assert texts(check(count="0")) == "it wrote no sample of 1 asked for"


def test_one_with_broken_samples_is_at_fault(check) -> None:
    report = check(prompt="'' if index == 3 else 'go'")
    assert "1 of 20 asked for are broken: prompt.txt is empty" in texts(report, Weight.FAULT)


def test_one_that_raises_is_at_fault_with_its_last_words(check) -> None:
    report = check(before="raise RuntimeError('no board fits')")
    assert texts(report) == "exit code 1: RuntimeError: no board fits (of 1 asked for)"
    assert report.measured is None


def test_one_that_hangs_is_at_fault(check) -> None:
    report = check(before="time.sleep(1e6) if asked.num_samples > 1 else 0", seconds=3.0)
    assert texts(report) == "it ran out of time (of 4 asked for)"


def test_several_are_checked_in_the_order_asked(tmp_path: Path, check) -> None:
    check()
    catalog = Catalog.load(tmp_path / "generators.yaml", [tmp_path / "generators"])
    generator = catalog.get("odd")
    reports = check_generators([generator, generator], tmp_path / "s", samples=4, jobs=2)
    assert [report.name for report in reports] == ["odd", "odd"]


def measured(**changes: float) -> Measured:
    values = {
        "samples": 400,
        "startup_seconds": 1.0,
        "seconds_per_sample": 0.5,
        "bytes_per_sample": 412_345,
        "memory_mb": 200.0,
        "memory_mb_per_sample": 1.0,
        "distinct_puzzles": 400,
        "distinct_prompts": 3,
        "shared_by_seeds": 0,
        "pool": None,
        "video": None,
    }
    return Measured(**{**values, **changes})


def test_a_batch_takes_two_minutes_inside_the_limits_of_time_and_memory(tmp_path: Path, check) -> None:
    check()
    generator = Catalog.load(tmp_path / "generators.yaml", [tmp_path / "generators"]).get("odd")
    assert recommend(measured(), generator).batch_size == 200
    assert recommend(measured(memory_mb_per_sample=30.0), generator).batch_size == 65
    assert recommend(measured(seconds_per_sample=500.0), generator).batch_size == 1
    assert recommend(measured(seconds_per_sample=0.001), generator).batch_size == 1000
    brief = replace(generator, time_limit_seconds=20.0)
    assert recommend(measured(), brief).batch_size == 25


def test_figures_are_written_beside_the_catalog_and_limits_set_by_hand_stay(tmp_path: Path) -> None:
    (tmp_path / "figures.yaml").write_text(
        "version: 1\ngenerators: {a: {memory_mb: 900, pool: 5}, b: {batch_size: 7}}\n"
    )
    write_figures(figures_file(tmp_path / "generators.yaml"), {"a": Figures(batch_size=50)})
    figures = read_figures(tmp_path / "figures.yaml")
    assert figures == {"a": Figures(batch_size=50, memory_mb=900), "b": Figures(batch_size=7)}


def test_the_figures_inside_the_installed_package_are_not_written() -> None:
    with pytest.raises(ConfigurationError, match="part of the installed package"):
        figures_file(PACKAGE / "catalog" / "generators.yaml")


@pytest.mark.parametrize(
    ("drawn", "pool"),
    [
        (["a", "b", "c"], None),
        (["a", "a", "b", "b"], 2),
        (["a", "a", "b", "c", "d"], 6),
        ([*range(39), 0], 390),
    ],
)
def test_the_pool_is_judged_from_what_came_again(drawn: list[str], pool: int | None) -> None:
    assert estimate_pool(drawn) == pool


def test_a_licence_is_read_from_its_file(tmp_path: Path) -> None:
    assert find_licence(tmp_path) is None
    (tmp_path / "LICENSE.md").write_text(
        "Creative Commons Attribution-NonCommercial 4.0 International License"
    )
    assert find_licence(tmp_path) == "CC-BY-NC-4.0"


def test_a_new_generator_passes_its_own_test_and_the_check(tmp_path: Path) -> None:
    folder = create_generator("O-101_paper_folding_data-generator", tmp_path / "mine")
    subprocess.run([sys.executable, "-m", "unittest", "discover", "tests"], cwd=folder, check=True)
    (tmp_path / "generators.yaml").write_text("version: 1\ngenerators: []\n")
    catalog = Catalog.load(tmp_path / "generators.yaml", [tmp_path / "mine"])
    report = examine(catalog.get(folder.name), tmp_path / "scratch", samples=6)
    assert report.findings == ()
    assert str(report.measured.video) == "h264 512x512, 16 fps, 25 frames"


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden"])
def test_a_new_generator_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRequestError, match="cannot be a generator's name"):
        create_generator(name, tmp_path)


def test_a_new_generator_replaces_nothing(tmp_path: Path) -> None:
    create_generator("mine", tmp_path)
    with pytest.raises(InvalidRequestError, match="is there already"):
        create_generator("mine", tmp_path)


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("O-7_paper_folding_data-generator", "paper_folding"),
        ("G-object_trajectory_data-generator", "object_trajectory"),
        ("Mine", "mine"),
        ("O-1_data-generator", "puzzle"),
    ],
)
def test_a_task_is_named_after_its_generator(name: str, task: str) -> None:
    assert task_of(name) == task
