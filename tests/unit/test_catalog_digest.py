"""The digest of a folder changes with what decides its samples, and with nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vbvr_cli.catalog.digest import tree_digest
from vbvr_cli.errors import ConfigurationError


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "generator"
    write(folder / "examples" / "generate.py", "print(1)")
    write(folder / "data" / "words.txt", "a b c")
    (folder / "link").symlink_to("data/words.txt")
    return folder


def test_it_is_the_same_wherever_the_folder_is(folder: Path, tmp_path: Path) -> None:
    before = tree_digest(folder)
    folder.rename(tmp_path / "moved")
    assert tree_digest(tmp_path / "moved") == before
    assert before.startswith("tree-")
    assert len(before) == len("tree-") + 16


@pytest.mark.parametrize(
    "left",
    [
        "__pycache__/generate.cpython-311.pyc",
        "src/__pycache__/x.pyc",
        "src/stale.pyc",
        ".git/HEAD",
        ".venv/bin/python",
        "thing.egg-info/PKG-INFO",
        "data/questions/maze_task/maze_0/prompt.txt",
        "output/maze_task/maze_0/prompt.txt",
    ],
)
def test_it_does_not_change_by_what_a_run_leaves(folder: Path, left: str) -> None:
    before = tree_digest(folder)
    write(folder / left, "left behind")
    assert tree_digest(folder) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: write(folder / "examples" / "generate.py", "print(2)"),
        lambda folder: write(folder / "data" / "words.txt", "a b d"),
        lambda folder: write(folder / "src" / "maze_task" / "__init__.py"),
        lambda folder: write(folder / "empty.txt"),
        lambda folder: (folder / "data" / "words.txt").rename(folder / "data" / "names.txt"),
        lambda folder: (folder / "examples" / "generate.py").chmod(0o755),
        lambda folder: ((folder / "link").unlink(), (folder / "link").symlink_to("examples")),
    ],
)
def test_it_changes_with_content_names_modes_and_links(
    folder: Path, change: Callable[[Path], object]
) -> None:
    before = tree_digest(folder)
    change(folder)
    assert tree_digest(folder) != before


def test_bytes_cannot_move_between_files_unnoticed(tmp_path: Path) -> None:
    write(tmp_path / "one" / "a", "bc")
    write(tmp_path / "two" / "ab", "c")
    assert tree_digest(tmp_path / "one") != tree_digest(tmp_path / "two")


def test_a_link_out_of_the_folder_is_an_error(folder: Path, tmp_path: Path) -> None:
    (folder / "fonts").symlink_to(tmp_path)
    with pytest.raises(ConfigurationError, match="outside the generator's folder"):
        tree_digest(folder)


def test_a_link_by_its_full_path_counts_like_a_relative_one(folder: Path) -> None:
    before = tree_digest(folder)
    (folder / "link").unlink()
    (folder / "link").symlink_to(folder / "data" / "words.txt")
    assert tree_digest(folder) == before


def test_a_pipe_is_an_error_and_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(ConfigurationError, match="neither a file nor a folder"):
        tree_digest(folder)
