"""No key leads out of the destination, and looking where it belongs stays cheap however many there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from vbvr_cli.errors import VbvrError
from vbvr_cli.operations.download import paths as module
from vbvr_cli.operations.download.destination import Destination
from vbvr_cli.operations.download.paths import Paths
from vbvr_cli.operations.download.problems import UnsafeKeyError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "results"
    (root / "questions").mkdir(parents=True)
    return root


def test_a_key_belongs_where_it_says(root: Path) -> None:
    paths = Paths(root)

    for _ in range(2):
        assert paths.of("questions/g/t/first_frame.png") == f"{root}/questions/g/t/first_frame.png"
        assert paths.of("questions//g/./t/a.png") == f"{root}/questions/g/t/a.png"


@pytest.mark.parametrize("name", ["..", "a\\b", "\0", "x" * 256, "\N{SNOWMAN}" * 86], ids=ascii)
def test_a_name_that_is_none_is_refused_in_a_folder_that_is_known_too(root: Path, name: str) -> None:
    paths = Paths(root)
    paths.of("questions/g/t/a.png")

    with pytest.raises(UnsafeKeyError):
        paths.of(f"questions/g/t/{name}")


def test_a_link_to_another_folder_of_the_destination_is_followed(root: Path) -> None:
    (root / "questions" / "first").mkdir()
    (root / "questions" / "second").symlink_to("first")

    assert Paths(root).of("questions/second/t/a.png") == f"{root}/questions/second/t/a.png"


def test_a_link_out_of_it_is_not_followed_from_below_either(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "t").mkdir(parents=True)
    (root / "questions" / "g").symlink_to(tmp_path / "elsewhere")
    paths = Paths(root)

    for key in ("questions/g/a.png", "questions/g/t/a.png", "questions/g/t/u/a.png"):
        with pytest.raises(UnsafeKeyError):
            paths.of(key)


def test_links_in_a_circle_are_a_problem_of_the_object(root: Path) -> None:
    (root / "questions" / "g").symlink_to("g")

    with pytest.raises(VbvrError, match="questions/g"):
        Destination(root).has("questions/g/t/a.png", 1, None)


def test_only_so_many_folders_are_remembered(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 5)
    paths = Paths(root)

    for number in range(20):
        assert paths.of(f"questions/g/{number}/a.png") == f"{root}/questions/g/{number}/a.png"
        assert len(paths._inside) <= 5
