"""The commands around the catalog, as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from catalog_repositories import make_repository, serve

from vbvr_cli.catalog.scaffolding import create_generator
from vbvr_cli.catalog.uv import ResolutionError, resolve
from vbvr_cli.errors import ConfigurationError

# A generator that says in its prompt which versions it was made with.
PROGRAM = """\
import argparse, importlib.metadata, random
from pathlib import Path
from PIL import Image
parser = argparse.ArgumentParser()
parser.add_argument("--num-samples", type=int)
parser.add_argument("--seed", type=int)
parser.add_argument("--output-dir", type=Path)
asked = parser.parse_args()
for index in range(asked.num_samples):
    folder = asked.output_dir / "tile_task" / f"tile_{index}"
    folder.mkdir(parents=True)
    colour = tuple(random.Random(f"{asked.seed} {index}").randbytes(3))
    Image.new("RGB", (8, 8), colour).save(folder / "first_frame.png")
    (folder / "prompt.txt").write_text("pillow " + importlib.metadata.version("pillow"))
"""


class Shell:
    """Runs vbvr in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self, *arguments: str, expect: int = 0, home: str = ".vbvr"
    ) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, home=home)
        output, complaint = process.communicate()
        assert process.returncode == expect, complaint
        return subprocess.CompletedProcess(arguments, expect, output, complaint)

    def start(self, *arguments: str, home: str = ".vbvr") -> subprocess.Popen[str]:
        own = ("VBVR", "GENERATORS")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        return subprocess.Popen(
            [sys.executable, "-m", "vbvr_cli", *arguments],
            cwd=self.folder,
            env={**kept, "VBVR_HOME": home},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def catalog(self, **repositories: str) -> None:
        entries = [{"name": name, "source": {"git": git}} for name, git in repositories.items()]
        content = {"version": 1, "generators": entries}
        (self.folder / "generators.yaml").write_text(yaml.safe_dump(content))

    def files(self, dest: str) -> dict[str, bytes]:
        root = self.folder / dest / "questions"
        return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


@pytest.fixture
def vbvr(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture(scope="session")
def pypi() -> None:
    try:
        resolve(["pillow==10.4.0"])
    except (ResolutionError, ConfigurationError) as error:
        pytest.skip(f"packages cannot be resolved here: {error}")


def test_two_sets_that_contradict_each_other_are_fetched_by_the_lock_and_each_runs_in_its_own(
    vbvr: Shell, tmp_path: Path, pypi: None
) -> None:
    origin = tmp_path / "origin"
    for name, requirements in (("old", "numpy==1.26.4\nPillow==10.4.0\n"), ("new", "Pillow==11.3.0\n")):
        make_repository(origin / name, {"requirements.txt": requirements, "examples/generate.py": PROGRAM})
    with serve(origin) as url:
        vbvr.catalog(old=f"{url}/old", new=f"{url}/new")
        vbvr("fetch-generators", home="first")
        fetched = vbvr("fetch-generators", "--locked", "--json", home="second")
    assert [one["state"] for one in json.loads(fetched.stdout)["repositories"]] == ["fetched", "fetched"]

    vbvr("generate", "-g", "all", "-n", "3", "--dest", "a", home="first")
    vbvr("generate", "-g", "all", "-n", "3", "--dest", "b", home="second")

    made = vbvr.files("a")
    assert made == vbvr.files("b")
    prompts = {name: text for name, text in made.items() if name.endswith("prompt.txt")}
    assert len(prompts) == 6
    for name, text in prompts.items():
        assert text == (b"pillow 10.4.0" if name.startswith("old/") else b"pillow 11.3.0")


def test_a_repository_that_is_gone_is_named_and_the_exit_code_is_5(vbvr: Shell, tmp_path: Path) -> None:
    make_repository(tmp_path / "origin" / "a")
    vbvr.catalog(a=f"file://{tmp_path}/origin/a", gone=f"file://{tmp_path}/origin/gone")
    finished = vbvr("fetch-generators", expect=5)
    assert "1 fetched, 0 there already, 1 failed" in finished.stdout
    assert "gone\tfile://" in finished.stdout
    listed = json.loads(vbvr("generators", "list", "--all", "--json").stdout)
    assert [one["name"] for one in listed["generators"]] == ["a"]
    assert listed["unavailable"][0]["mend"] == "Run 'vbvr fetch-generators -g gone'."


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_fetch_says_how_to_go_on_and_goes_on(
    vbvr: Shell, tmp_path: Path, sign: signal.Signals
) -> None:
    origin = tmp_path / "origin"
    for name in "abc":
        make_repository(origin / name)
    with serve(origin) as quick, serve(origin, latency_seconds=30.0) as stuck:
        vbvr.catalog(a=f"{quick}/a", b=f"{stuck}/b", c=f"{quick}/c")
        process = vbvr.start("fetch-generators")
        assert process.stderr
        seen = ""
        while "[2/3]" not in seen:
            line = process.stderr.readline()
            assert line, seen
            seen += line
        process.send_signal(sign)
        _, complaint = process.communicate()
        assert process.returncode == 130
        assert "Run the same command again: it goes on." in complaint
        vbvr.catalog(a=f"{quick}/a", b=f"{quick}/b", c=f"{quick}/c")
        assert "1 fetched, 2 there already" in vbvr("fetch-generators").stdout


def test_only_a_category_is_fetched(vbvr: Shell, tmp_path: Path) -> None:
    make_repository(tmp_path / "origin" / "a")
    vbvr.catalog(a=f"file://{tmp_path}/origin/a", b=f"file://{tmp_path}/origin/b")
    file = tmp_path / "generators.yaml"
    content = yaml.safe_load(file.read_text())
    content["generators"][0]["category"] = "spatiality"
    file.write_text(yaml.safe_dump(content))
    assert "1 fetched" in vbvr("fetch-generators", "--category", "spatiality").stdout
    refused = vbvr("fetch-generators", "--category", "maths", expect=2)
    assert "There are spatiality." in refused.stderr


def test_check_prints_a_table_writes_figures_and_plans_by_them(vbvr: Shell, tmp_path: Path) -> None:
    (tmp_path / "generators.yaml").write_text("version: 1\ngenerators: []\n")
    create_generator("mine", tmp_path / "folders")
    arguments = ("--generators-path", "folders")
    finished = vbvr("generators", "check", "mine", "--quick", "--write", *arguments)
    assert finished.stdout.startswith("mine\tkept\t40 of 40\t")
    figures = yaml.safe_load((tmp_path / "figures.yaml").read_text())["generators"]["mine"]
    shown = json.loads(vbvr("generators", "show", "mine", "--json", *arguments).stdout)
    assert shown["batch_size"] == figures["batch_size"] > 100
    assert shown["seconds_per_sample"] == figures["seconds_per_sample"]


def test_check_of_one_that_breaks_the_contract_ends_with_5(vbvr: Shell, tmp_path: Path) -> None:
    (tmp_path / "generators.yaml").write_text("version: 1\ngenerators: []\n")
    folder = create_generator("mine", tmp_path / "folders")
    (folder / "src" / "puzzle.py").write_text("raise SystemExit('no puzzle today')")
    finished = vbvr("generators", "check", "mine", "--generators-path", "folders", "--json", expect=5)
    (checked,) = json.loads(finished.stdout)["generators"]
    (finding,) = checked["findings"]
    assert finding == {"weight": "fault", "text": "exit code 1: no puzzle today (of 1 asked for)"}


def test_new_says_where_it_is_and_what_to_do_next(vbvr: Shell, tmp_path: Path) -> None:
    finished = vbvr("generators", "new", "O-7_tiles_data-generator", "--into", "mine")
    assert finished.stdout.strip() == "mine/O-7_tiles_data-generator"
    assert "vbvr generators check O-7_tiles_data-generator --generators-path mine" in finished.stderr
    refused = vbvr("generators", "new", "O-7_tiles_data-generator", "--into", "mine", expect=2)
    assert "is there already" in refused.stderr
