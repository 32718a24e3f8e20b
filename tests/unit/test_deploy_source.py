"""What is deployed comes with vbvr: from a checkout, and from a wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.errors import ConfigurationError
from vbvr_cli.operations.deploy.source import Source, find_source, with_generators

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a wheel of this checkout installs it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site-packages")
    return folder / "site-packages" / "vbvr_cli"


def fetch(home: Path) -> None:
    """As if a generator had been fetched."""
    (home / "generators" / "O-1_some_data-generator" / "src").mkdir(parents=True)
    (home / "generators" / "O-1_some_data-generator" / "src" / "made.py").write_text("made = 1\n")


def catalog_in(folder: Path, home: Path) -> Catalog:
    folder.mkdir(exist_ok=True)
    file = folder / "generators.yaml"
    file.write_text("version: 1\ngenerators: []\n")
    (folder / "generators.lock").write_text("version: 1\n")
    return Catalog.load(file, fetched=home / "generators")


def test_a_checkout_is_used_as_it_stands(tmp_path: Path) -> None:
    assert find_source(tmp_path) == Source(ROOT)


def test_a_wheel_is_laid_out_as_a_checkout_that_the_cdk_app_runs_in(installed: Path, tmp_path: Path) -> None:
    source = find_source(tmp_path, installed)

    assert source.root.is_relative_to(tmp_path)
    for part in (
        "infra/cdk.json",
        "lambda_image/build.sh",
        "vbvr_cli/planning.py",
        "generators.yaml",
        "figures.yaml",
    ):
        assert (source.root / part).read_bytes() == (ROOT / part).read_bytes()
    assert not list(source.root.rglob("__pycache__"))
    refused = subprocess.run(
        [sys.executable, source.app],
        env={"PATH": os.environ["PATH"], "CDK_CONTEXT_JSON": '{"architecture": "sparc"}'},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (refused.returncode, refused.stderr.partition("\n")[0]) == (3, "error: architecture is 'sparc'.")


def test_laying_out_again_leaves_nothing_of_the_last_time(installed: Path, tmp_path: Path) -> None:
    (find_source(tmp_path, installed).root / "left-over").touch()

    assert not (find_source(tmp_path, installed).root / "left-over").exists()


def test_without_either_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    with pytest.raises(ConfigurationError, match="came without what it deploys"):
        find_source(tmp_path, tmp_path / "bare")


def test_an_image_without_fetched_generators_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with pytest.raises(ConfigurationError, match="No generators have been fetched") as refused:
        with_generators(Source(ROOT), home, catalog_in(tmp_path / "user", home))
    assert "vbvr fetch-generators" in (refused.value.hint or "")


def test_generators_and_catalog_from_elsewhere_are_laid_out_with_the_sources(tmp_path: Path) -> None:
    home = tmp_path / "home"
    fetch(home)
    catalog = catalog_in(tmp_path / "user", home)

    root = with_generators(Source(ROOT), home, catalog).root

    assert root != ROOT
    assert (root / ".vbvr/generators/O-1_some_data-generator/src/made.py").read_text() == "made = 1\n"
    assert (root / "generators.yaml").read_bytes() == catalog.path.read_bytes()
    assert (root / "generators.lock").read_text() == "version: 1\n"
    assert not (root / "figures.yaml").exists()
    assert (root / "lambda_image" / "Dockerfile").is_file()


def test_a_wheels_own_layout_takes_the_generators_in(installed: Path, tmp_path: Path) -> None:
    fetch(tmp_path)
    source = find_source(tmp_path, installed)

    root = with_generators(source, tmp_path, catalog_in(tmp_path / "user", tmp_path), installed).root

    assert root == source.root
    assert (root / ".vbvr/generators/O-1_some_data-generator/src/made.py").is_file()
