"""What is fetched is what a checkout gives, whatever is in it, and nothing beside it is touched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from catalog_repositories import commit, git, make_repository, serve, serve_files

from vbvr_cli.catalog import scratch as scratch_module
from vbvr_cli.catalog.checkouts import Checkouts
from vbvr_cli.catalog.digest import tree_digest
from vbvr_cli.catalog.fetching import Fetched, Fetcher, State, Wanted
from vbvr_cli.catalog.git import Git, GitError
from vbvr_cli.catalog.objects import NotPlainError, Objects
from vbvr_cli.catalog.scratch import Scratch, Scratches

PLAIN = {
    "nested": {"a/b/c/d.txt": "deep", "a/b.txt": "", "a.txt": "x", "a-b/c": "y"},
    "names": {
        "with space (1) [x].txt": "1",
        "-dash": "2",
        ".hidden": "3",
        ".github/ci.yml": "4",
        ".gitignore": "",
    },
    "many": {f"data/{number}.txt": str(number) for number in range(250)},
    "large": {"big.bin": "0123456789" * 250_000},
    "lines": {"dos.txt": "a\r\nb\r\n", "unix.txt": "a\nb\n"},
}
LEFT_TO_GIT = {
    "line ends": {".gitattributes": "*.txt text eol=crlf\n", "a.txt": "a\nb\n"},
    "attributes below": {"deep/.gitattributes": "*.txt text eol=crlf\n", "deep/a.txt": "a\n", "a.txt": "a\n"},
    "left out": {".gitattributes": "a.txt export-ignore\n", "a.txt": ""},
    "substituted": {".gitattributes": "b.txt export-subst\n", "b.txt": "$Format:%H$"},
    "expanded": {".gitattributes": "id.txt ident\n", "id.txt": "$Id$\n"},
    "other letters": {"wörter/日本.txt": "x"},
    "odd letters": {"back\\slash": "1", "co:lon": "2", "new\nline": "3", 'quo"te': "4", "til~1": "5"},
    "case": {"README.md": "1", "readme.md": "2"},
    "case of folders": {"Data/a.txt": "1", "data/b.txt": "2"},
}  # fmt: skip


@pytest.fixture
def scratches(tmp_path: Path) -> Iterator[Scratches]:
    with closing(Scratches(Git(), tmp_path)) as scratches:
        yield scratches


def fetch(checkouts: Checkouts, *wanted: Wanted) -> list[Fetched]:
    return Fetcher(checkouts, jobs=1).fetch(wanted)


def checked_out_by_git(origin: Path, folder: Path) -> Path:
    git(origin, "clone", "-q", "-c", "core.autocrlf=false", f"file://{origin}", str(folder))
    return folder


def listing(folder: Path) -> dict[str, tuple[int, bytes]]:
    found = {}
    for current, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        for path in (Path(current) / name for name in files):
            content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
            found[str(path.relative_to(folder))] = (path.lstat().st_mode, content)
    return found


@pytest.mark.parametrize("files", [*PLAIN.values(), *LEFT_TO_GIT.values()], ids=[*PLAIN, *LEFT_TO_GIT])
def test_a_tree_is_what_a_clone_has(tmp_path: Path, files: dict[str, str]) -> None:
    origin = tmp_path / "origin"
    head = make_repository(origin, files)
    (origin / "examples" / "generate.py").chmod(0o755)
    head = commit(origin, {})
    checkouts = Checkouts(tmp_path / "fetched")

    (one,) = fetch(checkouts, Wanted("maze", f"file://{origin}"))

    expected = checked_out_by_git(origin, tmp_path / "cloned")
    assert listing(checkouts.tree("maze", head)) == listing(expected)
    assert one.pin is not None
    assert one.pin.digest == tree_digest(expected)


def test_links_and_submodules_are_what_a_clone_has(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    inner = make_repository(origin / "ignored")
    git(tmp_path, "init", "-q", str(origin))
    (origin / "link").symlink_to("examples/generate.py")
    (origin / ".git" / "info" / "exclude").write_text("/ignored\n")
    git(origin, "update-index", "--add", "--cacheinfo", f"160000,{inner},module")
    (origin / "module").mkdir()
    head = commit(origin, {"examples/generate.py": (origin / "ignored/examples/generate.py").read_text()})
    checkouts = Checkouts(tmp_path / "fetched")

    fetch(checkouts, Wanted("maze", f"file://{origin}"))

    tree = checkouts.tree("maze", head)
    assert listing(tree) == listing(checked_out_by_git(origin, tmp_path / "cloned"))
    assert (tree / "link").readlink() == Path("examples/generate.py")
    assert list((tree / "module").iterdir()) == []


@pytest.mark.parametrize("files", PLAIN.values(), ids=PLAIN)
def test_a_plain_tree_needs_no_checkout(tmp_path: Path, files: dict[str, str]) -> None:
    make_repository(tmp_path / "origin", files)
    tree = git(tmp_path / "origin", "rev-parse", "HEAD^{tree}")
    (tmp_path / "tree").mkdir()
    with closing(Objects(Git(), tmp_path / "origin" / ".git")) as objects:
        objects.write_tree(tree, tmp_path / "tree")
    assert listing(tmp_path / "tree").keys() == {*files, "examples/generate.py"}


@pytest.mark.parametrize("files", LEFT_TO_GIT.values(), ids=LEFT_TO_GIT)
def test_nothing_is_written_of_a_tree_that_is_left_to_git(tmp_path: Path, files: dict[str, str]) -> None:
    make_repository(tmp_path / "origin", files)
    tree = git(tmp_path / "origin", "rev-parse", "HEAD^{tree}")
    with closing(Objects(Git(), tmp_path / "origin" / ".git")) as objects:
        with pytest.raises(NotPlainError):
            objects.write_tree(tree, tmp_path / "nowhere")
        assert objects.commit(git(tmp_path / "origin", "rev-parse", "HEAD")).tree == tree


def test_the_machines_own_attributes_do_not_change_a_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home" / "git").mkdir(parents=True)
    (tmp_path / "home" / "git" / "attributes").write_text("*.txt text eol=crlf\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    head = make_repository(tmp_path / "origin", {"a.txt": "a\n", ".gitattributes": ""})
    checkouts = Checkouts(tmp_path / "fetched")
    fetch(checkouts, Wanted("maze", f"file://{tmp_path}/origin"))
    assert (checkouts.tree("maze", head) / "a.txt").read_bytes() == b"a\n"


def commit_with_tree(origin: Path, entries: list[tuple[str, str, str]]) -> None:
    """A commit that git itself would not make: mode, name and object of each entry."""
    raw = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(named) for mode, name, named in entries)
    command = ["git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"]
    tree = (
        subprocess.run(command, cwd=origin, input=raw, capture_output=True, check=True)
        .stdout.decode()
        .strip()
    )
    git(origin, "update-ref", "HEAD", git(origin, "commit-tree", "-m", "odd", tree))


@pytest.mark.parametrize("name", ["..", ".git", ".GIT", "git~1", "../outside", "/outside", ".", ""])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    origin = tmp_path / "origin"
    make_repository(origin)
    examples, blob = (
        git(origin, "rev-parse", f"HEAD:{path}") for path in ("examples", "examples/generate.py")
    )
    commit_with_tree(origin, [("100644", name, blob), ("40000", "examples", examples)])

    (one,) = fetch(Checkouts(tmp_path / "fetched"), Wanted("maze", f"file://{origin}"))

    assert one.state is State.FAILED
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fetched", "origin"]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    make_repository(origin, {"target.txt": f"{tmp_path}/outside"})
    (tmp_path / "outside").mkdir()
    link, examples = (git(origin, "rev-parse", f"HEAD:{path}") for path in ("target.txt", "examples"))
    commit_with_tree(origin, [("120000", "examples", link), ("40000", "examples", examples)])

    fetch(Checkouts(tmp_path / "fetched"), Wanted("maze", f"file://{origin}"))

    assert list((tmp_path / "outside").iterdir()) == []


def test_one_repository_leaves_nothing_for_the_next(tmp_path: Path, scratches: Scratches) -> None:
    first = make_repository(tmp_path / "a", {"a.txt": "a"})
    second = make_repository(tmp_path / "b", {"b.txt": "b"})
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    with scratches.one() as scratch:
        scratch.check_out(scratch.fetch(f"file://{tmp_path}/a", "HEAD"), tmp_path / "one")
    with scratches.one() as again:
        assert again is scratch
        assert again.fetch(f"file://{tmp_path}/b", "HEAD") == second
        again.check_out(second, tmp_path / "two")
        shallow = (next(tmp_path.glob(".scratch-*")) / "shallow").read_text().split()
        with pytest.raises(GitError, match="not our ref"):
            again.fetch(f"file://{tmp_path}/b", first)
    assert listing(tmp_path / "two").keys() == {"b.txt", "examples/generate.py"}
    assert shallow == [second]


def test_the_same_repository_can_come_twice(tmp_path: Path) -> None:
    head = make_repository(tmp_path / "origin", {".gitattributes": "", "a.txt": "a"})
    ended = fetch(
        Checkouts(tmp_path / "fetched"), *(Wanted(n, f"file://{tmp_path}/origin", head) for n in "ab")
    )
    assert [one.state for one in ended] == [State.FETCHED, State.FETCHED]
    assert len({one.pin.digest for one in ended if one.pin}) == 1


def test_after_an_error_another_repository_is_taken(scratches: Scratches) -> None:
    with pytest.raises(GitError), scratches.one() as broken:
        broken.fetch("file:///nowhere", "HEAD")
    with scratches.one() as scratch:
        assert scratch is not broken


def test_a_repository_serves_only_so_many_fetches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch_module, "FETCHES", 2)
    make_repository(tmp_path / "origin")
    used: list[Scratch] = []
    with closing(Scratches(Git(), tmp_path)) as scratches:
        for _ in range(4):
            with scratches.one() as scratch:
                scratch.fetch(f"file://{tmp_path}/origin", "HEAD")
                used.append(scratch)
    assert [used.index(each) for each in used] == [0, 0, 2, 2]


def test_a_reading_process_that_is_gone_is_an_error(tmp_path: Path) -> None:
    head = make_repository(tmp_path / "origin")
    git_processes = Git()
    objects = Objects(git_processes, tmp_path / "origin" / ".git")
    git_processes.stop()
    with pytest.raises(GitError, match="git cat-file ended"):
        objects.commit(head)
    objects.close()


def test_what_is_no_commit_is_called_by_its_name(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    make_repository(origin)
    git(origin, "tag", "-a", "-m", "first", "v1")
    tag = git(origin, "rev-parse", "v1")
    (one,) = fetch(Checkouts(tmp_path / "fetched"), Wanted("maze", f"file://{origin}", tag))
    assert f"{tag} is a tag, not a commit" in one.why


def test_an_old_server_gives_a_commit_by_its_branches(tmp_path: Path) -> None:
    origin = tmp_path / "origin" / "maze"
    first = make_repository(origin)
    commit(origin, {"later.txt": "x"})
    checkouts = Checkouts(tmp_path / "fetched")
    with serve(tmp_path / "origin", is_old=True) as address:
        one, gone = fetch(
            checkouts, Wanted("m", f"{address}/maze", first), Wanted("n", f"{address}/maze", "ab" * 20)
        )
    assert one.pin is not None
    assert one.pin.commit == first
    assert one.pin.timestamp == "2026-03-01T10:00:00+00:00"
    assert not (checkouts.tree("m", first) / "later.txt").exists()
    assert gone.why == f"{address}/maze has no commit {'ab' * 20}."


def test_a_static_server_gives_commits_and_the_newest_of_its_own_branch(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    first = make_repository(origin)
    newest = commit(origin, {"later.txt": "x"})
    git(origin, "checkout", "-q", "-b", "a-branch-before-main", first)
    commit(origin, {"aside.txt": "x"})
    git(origin, "checkout", "-q", "main")
    git(origin, "update-server-info")
    with serve_files(origin / ".git") as address:
        ended = fetch(Checkouts(tmp_path / "fetched"), Wanted("a", address, first), Wanted("b", address))
    assert [one.pin.commit for one in ended if one.pin] == [first, newest]
