"""Repositories to fetch into, thrown away afterwards. Each serves many fetches, one after the other.

Making a repository, and taking it away, costs as much as fetching into it: that is a dozen files and folders,
and ext4 looks for room for each new one among all that were deleted lately.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from vbvr_cli.catalog.git import Git, GitError
from vbvr_cli.catalog.objects import NotPlainError, Objects

QUIETLY = ("--quiet", "--no-tags", "--no-recurse-submodules")
FETCHES = 50
"""After so many a new repository is taken: each leaves a pack, and git looks into all of them."""


class Scratch:
    """One such repository, for one thread at a time. Methods raise GitError."""

    def __init__(self, git: Git, folder: Path) -> None:
        _create_repository(folder)
        self._git = git
        self._folder = folder
        self._objects = Objects(git, folder)
        self._fetches = 0

    @property
    def is_spent(self) -> bool:
        """Whether another is to be taken for the next fetch."""
        return self._fetches >= FETCHES

    def close(self) -> None:
        """End what runs for it. The folder stays."""
        self._objects.close()

    def fetch(self, address: str, asked: str) -> str:
        """The commit that `asked` (a commit, a branch or HEAD) is at `address`; its history is left there."""
        self._fetches += 1
        # What one server gave is not told to the next.
        (self._folder / "shallow").unlink(missing_ok=True)
        self._run("fetch", "--depth=1", *QUIETLY, "--", address, asked)
        return self._fetched()

    def fetch_history(self, address: str, asked: str, *, is_commit: bool) -> str:
        """The same from a server that gives nothing but whole branches. It is spent then."""
        self._fetches = FETCHES
        (self._folder / "shallow").unlink(missing_ok=True)
        self._run("fetch", *QUIETLY, "--", address, "+refs/heads/*:refs/heads/*" if is_commit else asked)
        return asked if is_commit else self._fetched()

    def check_out(self, commit: str, tree: Path) -> str:
        """Write a commit's files into the empty folder `tree`; the committer's time as ISO 8601."""
        found = self._objects.commit(commit)
        try:
            self._objects.write_tree(found.tree, tree)
        except NotPlainError:
            # Without an index of its own, git would compare with the commit before.
            index = self._folder / f"{commit}.index"
            self._run("--work-tree", tree, "read-tree", "--reset", "-u", f"--index-output={index}", commit)
        except OSError as error:
            raise GitError(str(error)) from error
        return found.time or self._committed_at(commit)

    def _fetched(self) -> str:
        return (self._folder / "FETCH_HEAD").read_text().split()[0]

    def _committed_at(self, commit: str) -> str:
        shown = self._run("show", "-s", "--format=%cI", commit).strip()
        return datetime.fromisoformat(shown).isoformat()  # git writes Z for +00:00

    def _run(self, *arguments: str | Path) -> str:
        return self._git.run("--git-dir", self._folder, *arguments)


class Scratches:
    """Scratch repositories in `folder`, as many as are used at the same time."""

    def __init__(self, git: Git, folder: Path) -> None:
        self._git = git
        self._folder = folder
        self._numbers = itertools.count()
        self._idle: deque[Scratch] = deque()

    @contextmanager
    def one(self) -> Iterator[Scratch]:
        """One for this thread alone. After an error it is not used again: nobody knows what is in it."""
        try:
            scratch = self._idle.pop()
        except IndexError:
            # No generator's name begins with a dot.
            scratch = Scratch(self._git, self._folder / f".scratch-{next(self._numbers)}")
        whole = False
        try:
            yield scratch
            whole = not scratch.is_spent
        finally:
            if whole:
                self._idle.append(scratch)
            else:
                scratch.close()

    def close(self) -> None:
        """End what runs for those that are idle."""
        while self._idle:
            self._idle.pop().close()


def _create_repository(folder: Path) -> None:
    """Make an empty git directory: what `git init` does, without a process and without templates."""
    for name in ("objects", "refs"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
