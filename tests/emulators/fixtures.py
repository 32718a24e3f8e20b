"""An emulator for all tests of a module, and a target of its own for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from emulators.faulty_wire import FaultyWire, faulty_wire
from emulators.ministack import Ministack, ministack
from emulators.target import Target, Warm, WarmVbvr, target


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ministack]:
    with ministack(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(scope="module")
def wire(emulator: Ministack) -> Iterator[FaultyWire]:
    with faulty_wire(emulator.url) as running:
        yield running


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory, emulator: Ministack) -> Iterator[Warm]:
    with closing(Warm(tmp_path_factory.mktemp("warm"), emulator.clock)) as running:
        yield running


@pytest.fixture
def on_aws(tmp_path: Path, emulator: Ministack, wire: FaultyWire, warm: Warm) -> Iterator[Target]:
    with target(WarmVbvr(tmp_path / "user-folder", warm), emulator, wire) as one:
        yield one
