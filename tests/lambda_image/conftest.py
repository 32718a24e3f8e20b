"""A small image's tree, a stack on ministack, and the functions served as Lambda does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from emulators.function_host import make_writable
from emulators.ministack import Ministack, ministack
from serving import FETCHED, Served, lay_out_catalog

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What build.sh makes of the starters and of test generators."""
    folder = tmp_path_factory.mktemp("image")
    catalog = lay_out_catalog(folder)
    built = folder / "tree"
    where = ["--catalog", catalog, "--home", folder / "home"]
    vbvr = Path(sys.executable).with_name("vbvr")
    subprocess.run([vbvr, "fetch-generators", "-g", FETCHED, *where], check=True)
    subprocess.run(
        [REPOSITORY / "lambda_image" / "build.sh", "--target", built, *where],
        check=True,
        env={**os.environ, "BUILD_PYTHON": sys.executable},
    )
    yield built
    make_writable(built)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    with ministack(tmp_path_factory.mktemp("ministack")) as running:
        yield running


@pytest.fixture
def serve(tree: Path, emulator: Ministack, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """A stack of its own, and its functions: `serve(timeout=…, memory_mb=…)` as in `Function`."""
    served: list[Served] = []

    def make(**terms: Any) -> Served:
        served.append(Served(tree, emulator, tmp_path, **terms))
        return served[-1]

    yield make
    for one in served:
        one.close()


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    return serve(timeout=60)
