"""The fixtures that many tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from places import Place, Vbvr


@pytest.fixture
def make_place(tmp_path: Path) -> Iterator[Callable[[str], Place]]:
    places: list[Place] = []

    def make(name: str) -> Place:
        places.append(Place(tmp_path / name))
        return places[-1]

    yield make
    for place in places:
        place.close()


@pytest.fixture
def place(make_place: Callable[[str], Place]) -> Place:
    return make_place("place")


@pytest.fixture
def vbvr(tmp_path: Path) -> Vbvr:
    return Vbvr(tmp_path / "user-folder")
