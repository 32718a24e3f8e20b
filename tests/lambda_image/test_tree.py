"""What build.sh lays out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest
from generators.layout import lay_out
from serving import ESCAPES, FETCHED, GATED, GENERATORS, OLD_NEEDS, STARTER, git

from lambda_image.building.environments import TreeEnvironments
from lambda_image.building.system_packages import names_for, require_known
from vbvr_cli.catalog.grouping import environment_key
from vbvr_cli.catalog.interpreters import environment_of, inspect_interpreter
from vbvr_cli.catalog.lock import Lock, LockedEnvironment, Pin
from vbvr_cli.catalog.requirements import find_needs
from vbvr_cli.catalog.roster import Roster
from vbvr_cli.catalog.uv import OWN_VERSION
from vbvr_cli.errors import ConfigurationError

REPOSITORY = Path(__file__).parents[2]
IMAGE = REPOSITORY / "lambda_image"
SPECIAL = (ESCAPES, FETCHED, GATED, OLD_NEEDS)
VERSION = re.compile(r"^([a-z0-9-]+)==(\S+)( ; .+?)? \\$", re.MULTILINE)


def packages(tree: Path) -> Path:
    (folder,) = (tree / "environments" / "vbvr").glob("lib/python*/site-packages")
    return folder


def test_the_roster_lists_what_is_there_and_why_the_rest_is_not(tree: Path) -> None:
    roster = Roster.read(tree / "roster.json")
    for generator in roster:
        assert (generator.path / "examples" / "generate.py").is_file()
        assert generator.environment.python.is_relative_to(tree)
        assert os.access(generator.environment.python, os.X_OK)
    assert {one.name for one in roster} == {*GENERATORS, *SPECIAL, STARTER}
    reasons = {one.name: one.reason for one in roster.unavailable}
    assert reasons["absent"].endswith("has no examples/generate.py.")
    assert reasons["not_fetched"].endswith("nowhere has not been fetched.")
    assert reasons["needs_a_library"] == "Its system package libnobodyknows1 is not known in the image."


def test_a_fetched_generator_has_its_locked_environment_and_no_history(tree: Path) -> None:
    fetched = Roster.read(tree / "roster.json").get(FETCHED)
    assert fetched.provenance.commit == git(tree.parent / "generators" / FETCHED, "rev-parse", "HEAD")
    assert not (fetched.path / ".git").exists()
    lock = Lock.read(tree.parent / "generators.lock")
    assert fetched.environment.python.parents[1].name == lock.generators[FETCHED].environment
    assert fetched.environment.id == environment_of(fetched.path, fetched.environment.python).id


def test_needs_that_exclude_each_other_have_environments_of_their_own(tree: Path) -> None:
    roster = Roster.read(tree / "roster.json")
    pythons = {roster.get(name).environment.python for name in (FETCHED, OLD_NEEDS, "good")}
    assert len(pythons) == 3
    assert roster.get("good").environment.python == tree / "environments" / "vbvr" / "bin" / "python"


def test_what_was_locked_for_another_python_keeps_its_versions_where_it_can(
    tree: Path, tmp_path: Path
) -> None:
    folder = lay_out(tmp_path, "good")
    (folder / "requirements.txt").write_text("six\n")
    locked = LockedEnvironment(python="3.9", packages=["six==1.16.0"])
    key = environment_key(locked.python, locked.packages)
    pin = Pin(repository="r", commit="0" * 40, timestamp="t", digest="d", environment=key)
    environments = TreeEnvironments(tmp_path / "environments", lambda _: None)
    environments.build_own(IMAGE / "fonts.lock")
    lock = Lock(generators={"one": pin}, environments={key: locked})
    pythons = environments.build_for({"one": (pin, find_needs(folder))}, lock)
    found = inspect_interpreter(pythons["one"])
    assert found.distributions["six"].version == "1.16.0"
    assert pythons["one"].parents[1].name == environment_key(OWN_VERSION, ["six==1.16.0"])


def test_the_functions_run_without_what_only_the_command_line_needs(tree: Path) -> None:
    installed = {path.name.partition("-")[0] for path in packages(tree).glob("*.dist-info")}
    assert installed >= {"awslambdaric", "boto3", "pydantic", "av", "pillow"}
    assert not installed & {"typer", "rich", "click", "uv", "pyyaml", "PyYAML", "python_dotenv"}
    assert not list(packages(tree).glob("vbvr_cli/commands*"))
    program = "import sys; sys.path.insert(0, '.'); import handler; handler.handler; handler.submit"
    python = tree / "environments" / "vbvr" / "bin" / "python"
    subprocess.run([python, "-I", "-c", program], check=True, cwd=tree, env={"PATH": "/usr/bin:/bin"})


def test_all_that_is_imported_is_compiled_and_counts_whatever_the_times_are(tree: Path) -> None:
    sources = [*tree.glob("*.py"), *(tree / "lambda_image").glob("*.py"), *packages(tree).rglob("*.py"),
               *(tree / "generators").rglob("*.py")]  # fmt: skip
    assert len(sources) > 500
    for source in sources:
        compiled = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        assert compiled.is_file(), source
        assert compiled.read_bytes()[:8] == MAGIC_NUMBER + b"\x01\0\0\0", "hashed, and not checked"


def test_the_fonts_that_generators_look_for_are_in_it_with_their_licence(tree: Path) -> None:
    assert {"DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "LICENSE"} <= {
        path.name for path in (tree / "fonts").iterdir()
    }


def test_no_file_is_shared_with_a_cache(tree: Path) -> None:
    shared = [
        path
        for path in tree.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_nlink > 1
    ]
    assert shared == []


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    finished = subprocess.run(
        [IMAGE / "build.sh", "--target", tmp_path], check=False, capture_output=True, text=True,
        env={**os.environ, "BUILD_PYTHON": sys.executable},
    )  # fmt: skip
    assert finished.returncode == 3
    assert f"error: {tmp_path} is not empty." in finished.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_system_packages_are_named_as_the_image_calls_them() -> None:
    assert names_for(["libgl1"], ["cairosvg", "numpy"]) == ["cairo", "mesa-libGL"]
    require_known(["libcairo2"])
    with pytest.raises(ConfigurationError, match="libnobodyknows1"):
        require_known(["libcairo2", "libnobodyknows1"])


@pytest.mark.parametrize("name", ["requirements.lock", "build.lock", "fonts.lock"])
def test_a_lock_has_hashes_no_addresses_and_the_projects_versions(name: str) -> None:
    text = (IMAGE / name).read_text()
    assert "://" not in text
    entries = text.replace(" \\\n", " ").splitlines()
    assert all("--hash=sha256:" in entry for entry in entries if entry)
    ours = set(VERSION.findall((REPOSITORY / "requirements.lock").read_text()))
    if name != "fonts.lock":
        assert set(VERSION.findall(text)) <= ours


def test_the_locks_cover_what_their_lists_ask_for() -> None:
    for name in ("requirements", "build", "fonts"):
        asked = {line for line in (IMAGE / f"{name}.in").read_text().splitlines() if line and line[0] != "#"}
        locked = {match[0] for match in VERSION.findall((IMAGE / f"{name}.lock").read_text())}
        assert asked <= locked


def test_the_dockerfile_is_clean() -> None:
    subprocess.run(
        [Path(sys.executable).with_name("hadolint"), IMAGE / "Dockerfile"], check=True, stdout=sys.stderr
    )


def test_the_dockerfile_says_what_the_tests_run(tree: Path) -> None:
    lines = (IMAGE / "Dockerfile").read_text()
    assert 'ENTRYPOINT ["/var/task/environments/vbvr/bin/python", "-m", "awslambdaric"]' in lines
    assert 'CMD ["handler.handler"]' in lines
    assert (tree / "environments" / "vbvr" / "bin" / "python").exists()
