"""Fetching brings repositories here by commit, whole or not at all, and one failure spares the others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from catalog_repositories import PROGRAM, commit, git, make_repository, serve

from vbvr_cli.catalog.checkouts import Checkouts
from vbvr_cli.catalog.fetching import Fetched, Fetcher, State, Wanted, mirrored


@pytest.fixture(params=["file", "http"])
def origin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address below which the repositories of `tmp_path / "origin"` are."""
    (tmp_path / "origin").mkdir()
    if request.param == "file":
        yield f"file://{tmp_path}/origin"
        return
    with serve(tmp_path / "origin") as address:
        yield address


@pytest.fixture
def checkouts(tmp_path: Path) -> Checkouts:
    return Checkouts(tmp_path / "fetched")


def fetch_one(checkouts: Checkouts, wanted: Wanted, **how: str) -> Fetched:
    (one,) = Fetcher(checkouts, **how).fetch([wanted])
    return one


def test_a_commit_is_fetched_with_its_provenance_and_without_its_history(
    tmp_path: Path, origin: str, checkouts: Checkouts
) -> None:
    first = make_repository(tmp_path / "origin" / "maze")
    commit(tmp_path / "origin" / "maze", {"later.txt": "x"})

    one = fetch_one(checkouts, Wanted("maze", f"{origin}/maze", first, "main"))

    assert one.state is State.FETCHED
    assert one.pin is not None
    assert (one.pin.commit, one.pin.branch) == (first, "main")
    assert one.pin.timestamp.startswith("2026-03-01T10:00:00")
    tree = checkouts.tree("maze", first)
    assert [path.name for path in tree.iterdir()] == ["examples"]


def test_without_a_commit_the_newest_of_the_repositorys_own_branch_is_fetched(
    tmp_path: Path, origin: str, checkouts: Checkouts
) -> None:
    folder = tmp_path / "origin" / "maze"
    make_repository(folder)
    newest = commit(folder, {"src/a.py": ""})
    git(folder, "checkout", "-q", "-b", "other")
    aside = commit(folder, {"src/b.py": ""})
    git(folder, "checkout", "-q", "main")

    one = fetch_one(checkouts, Wanted("maze", f"{origin}/maze"))
    other = fetch_one(checkouts, Wanted("maze", f"{origin}/maze", branch="other"))

    assert one.pin is not None
    assert (one.pin.commit, one.pin.branch) == (newest, None)
    assert other.pin is not None
    assert (other.pin.commit, other.pin.branch) == (aside, "other")


def test_a_commit_that_does_not_exist_is_named(tmp_path: Path, origin: str, checkouts: Checkouts) -> None:
    make_repository(tmp_path / "origin" / "maze")
    one = fetch_one(checkouts, Wanted("maze", f"{origin}/maze", "ab" * 20))
    assert one.state is State.FAILED
    assert one.why == f"{origin}/maze has no commit {'ab' * 20}."
    assert "Correct the entry in the catalog" in one.mend


def test_a_branch_that_does_not_exist_is_named(tmp_path: Path, origin: str, checkouts: Checkouts) -> None:
    make_repository(tmp_path / "origin" / "maze")
    one = fetch_one(checkouts, Wanted("maze", f"{origin}/maze", branch="gone"))
    assert one.why == f"{origin}/maze has no branch 'gone'."


def test_an_empty_repository_is_named(tmp_path: Path, origin: str, checkouts: Checkouts) -> None:
    git(tmp_path / "origin", "init", "-q", "maze")
    assert fetch_one(checkouts, Wanted("maze", f"{origin}/maze")).why.endswith(
        "no commit at all: it is empty."
    )


def test_a_repository_that_is_gone_does_not_stop_the_others(
    tmp_path: Path, origin: str, checkouts: Checkouts
) -> None:
    make_repository(tmp_path / "origin" / "maze")
    make_repository(tmp_path / "origin" / "sudoku")
    heard: list[str] = []

    ended = Fetcher(checkouts).fetch(
        [Wanted(name, f"{origin}/{name}") for name in ("maze", "gone", "sudoku")],
        lambda one: heard.append(one.name),
    )

    assert [one.state for one in ended] == [State.FETCHED, State.FAILED, State.FETCHED]
    assert sorted(heard) == ["gone", "maze", "sudoku"]
    assert f"{origin}/gone" in ended[1].why
    assert "--base-url" in ended[1].mend


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"examples/generate.py": "print('hello')"}, "takes neither --output nor --output-dir"),
        ({"examples/generate.py": 'add_argument("--output")'}, "does not take --num-samples and --seed"),
        ({"examples/generate.py": "def ("}, "cannot be read as Python"),
        ({"examples/generate.py": "", "README.md": "a pipeline"}, "takes neither"),
    ],
)
def test_a_repository_with_another_contract_is_refused_and_not_kept(
    tmp_path: Path, checkouts: Checkouts, files: dict[str, str], expected: str
) -> None:
    head = make_repository(tmp_path / "maze", files)
    one = fetch_one(checkouts, Wanted("maze", f"file://{tmp_path}/maze"))
    assert one.state is State.FAILED
    assert expected in one.why
    assert str(tmp_path / "fetched") not in one.why
    assert not checkouts.tree("maze", head).exists()


def test_a_repository_without_a_program_is_refused(tmp_path: Path, checkouts: Checkouts) -> None:
    folder = tmp_path / "template"
    make_repository(folder)
    git(folder, "rm", "-q", "examples/generate.py")
    commit(folder, {"blender/scene.py": ""})
    assert "examples/generate.py does not exist" in fetch_one(checkouts, Wanted("t", f"file://{folder}")).why


def test_a_link_out_of_the_repository_is_refused(tmp_path: Path, checkouts: Checkouts) -> None:
    make_repository(tmp_path / "maze")
    (tmp_path / "maze" / "fonts").symlink_to("/usr/share/fonts")
    commit(tmp_path / "maze", {})
    assert (
        "outside the generator's folder" in fetch_one(checkouts, Wanted("m", f"file://{tmp_path}/maze")).why
    )


def test_what_is_there_is_kept_and_nobody_is_asked(tmp_path: Path, checkouts: Checkouts) -> None:
    head = make_repository(tmp_path / "maze")
    wanted = Wanted("maze", f"file://{tmp_path}/maze", head)
    fetched = fetch_one(checkouts, wanted)
    (tmp_path / "maze").rename(tmp_path / "away")

    kept = fetch_one(checkouts, wanted)

    assert kept.state is State.KEPT
    assert kept.pin == fetched.pin


def test_an_edited_generator_is_refused_and_its_edits_stay(tmp_path: Path, checkouts: Checkouts) -> None:
    head = make_repository(tmp_path / "maze")
    wanted = Wanted("maze", f"file://{tmp_path}/maze", head)
    fetch_one(checkouts, wanted)
    program = checkouts.tree("maze", head) / "examples" / "generate.py"
    program.write_text("# mine\n" + program.read_text())

    again = fetch_one(checkouts, wanted)

    assert again.state is State.FAILED
    assert "was edited since it was fetched" in again.why
    assert program.read_text().startswith("# mine")


def test_a_file_that_was_only_touched_is_no_edit(tmp_path: Path, checkouts: Checkouts) -> None:
    head = make_repository(tmp_path / "maze")
    wanted = Wanted("maze", f"file://{tmp_path}/maze", head)
    fetch_one(checkouts, wanted)
    os.utime(checkouts.tree("maze", head) / "examples" / "generate.py", (1, 1))
    assert fetch_one(checkouts, wanted).state is State.KEPT


def test_a_tree_that_lost_its_record_is_fetched_again(tmp_path: Path, checkouts: Checkouts) -> None:
    head = make_repository(tmp_path / "maze")
    wanted = Wanted("maze", f"file://{tmp_path}/maze", head)
    fetch_one(checkouts, wanted)
    (checkouts.root / "maze" / f"{head}.json").write_text("{")
    assert fetch_one(checkouts, wanted).state is State.FETCHED
    assert fetch_one(checkouts, wanted).state is State.KEPT


def test_another_tree_than_the_lock_says_is_refused(tmp_path: Path, checkouts: Checkouts) -> None:
    make_repository(tmp_path / "maze")
    wanted = Wanted("maze", f"file://{tmp_path}/maze", digest="tree-0000000000000000")
    assert "but generators.lock says tree-0000000000000000" in fetch_one(checkouts, wanted).why


def test_what_a_killed_process_left_half_done_is_swept(tmp_path: Path, checkouts: Checkouts) -> None:
    make_repository(tmp_path / "maze")
    left = checkouts.root / ".partial" / "0123"
    (left / "maze" / "git").mkdir(parents=True)
    left.with_suffix(".lock").touch()
    fetch_one(checkouts, Wanted("maze", f"file://{tmp_path}/maze"))
    assert list((checkouts.root / ".partial").iterdir()) == []


def test_a_hooks_environment_does_not_point_git_elsewhere(
    tmp_path: Path, checkouts: Checkouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_repository(tmp_path / "maze")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert fetch_one(checkouts, Wanted("maze", f"file://{tmp_path}/maze")).state is State.FETCHED
    assert not (tmp_path / "index").exists()


def test_a_mirror_gives_the_code_but_not_the_provenance(tmp_path: Path, checkouts: Checkouts) -> None:
    make_repository(tmp_path / "mirror" / "maze")
    wanted = Wanted("m", "https://user:secret@example.org/puzzles/maze.git")
    one = fetch_one(checkouts, wanted, base_url=f"file://{tmp_path}/mirror")
    assert one.pin is not None
    assert one.pin.repository == "https://example.org/puzzles/maze.git"


def test_passwords_are_never_shown(checkouts: Checkouts) -> None:
    one = fetch_one(checkouts, Wanted("m", "http://user:secret@127.0.0.1:9/maze"))
    assert one.state is State.FAILED
    assert "secret" not in one.why + one.mend


@pytest.mark.parametrize(
    ("repository", "base_url", "expected"),
    [
        ("https://github.com/a/b", None, "https://github.com/a/b"),
        ("https://github.com/a/b.git", "https://m.org/x/", "https://m.org/x/b"),
        ("git@github.com:a/b.git", "ssh://m.org", "ssh://m.org/b"),
        ("https://github.com/a/b", "file:///m/{owner}+{name}/repo", "file:///m/a+b/repo"),
    ],
)
def test_a_mirror_is_addressed_by_the_repositorys_name(
    repository: str, base_url: str | None, expected: str
) -> None:
    assert mirrored(repository, base_url) == expected


def test_the_program_of_the_tests_keeps_the_contract() -> None:
    assert "--output" in PROGRAM
