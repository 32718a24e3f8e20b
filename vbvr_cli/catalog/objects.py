"""Reads the objects of a git repository, all of them through one git process that stays."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO, cast

from vbvr_cli.catalog.git import Git, GitError

AT_ONCE = 100
"""Questions before the first answer is read: they fit into any pipe, so that nobody waits for the other."""
PIECE_BYTES = 1 << 20
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
COMMITTER = re.compile(
    rb"^committer .*> (?P<seconds>\d+) (?P<sign>[+-])(?P<hours>\d\d)(?P<minutes>\d\d)$", re.MULTILINE
)
PLAIN_NAME = re.compile(
    rb"(?!\.git(?!ignore\Z|keep\Z|hub\Z)) (?!\.\.?\Z) [\w\ .,;+=@#$%&!'(){}\[\]^-]+",
    re.VERBOSE | re.IGNORECASE,
)
"""A name that means the same on every file system, and nothing to git; .gitattributes and `git~1` do."""
FOLDER = b"40000"
PERMISSIONS = {b"100644": 0o666, b"100664": 0o666, b"100755": 0o777}


class NotPlainError(Exception):
    """A tree holds more than folders and files with plain names; git itself knows what to do with it."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit's tree, and the committer's time as ISO 8601 unless it is written as only git can read it."""

    tree: str
    time: str | None


class Objects:
    """The objects of the repository in `git_folder`, also those that come into it later.

    Methods raise GitError for what is not there. After an error, nothing more can be asked.
    """

    def __init__(self, git: Git, git_folder: Path) -> None:
        self._git = git
        self._process = git.converse("--git-dir", git_folder, "cat-file", "--batch")
        self._questions = cast(IO[bytes], self._process.stdin)
        self._answers = cast(IO[bytes], self._process.stdout)

    def close(self) -> None:
        """End the process."""
        self._git.end(self._process)

    def commit(self, name: str) -> Commit:
        """What is needed of a commit."""
        (content,) = self._contents([name], "commit")
        head = content.partition(b"\n\n")[0]
        return Commit(tree=head.split(maxsplit=2)[1].decode(), time=_committed_at(head))

    def write_tree(self, tree: str, folder: Path) -> None:
        """Write a tree into an empty folder, as a checkout would.

        Raises NotPlainError before anything is written, and OSError.
        """
        folders, files = self._list(tree)
        for path in folders:
            (folder / path).mkdir()
        sizes = self._ask([name for _, _, name in files], "blob")
        for (path, mode, _), size in zip(files, sizes, strict=True):
            with os.fdopen(os.open(folder / path, NEW_FILE, mode), "wb") as file:
                for start in range(0, size, PIECE_BYTES):
                    file.write(self._read(min(PIECE_BYTES, size - start)))

    def _list(self, tree: str) -> tuple[list[str], list[tuple[str, int, str]]]:
        """The folders of a tree, the outer ones first, and its files: path, permissions, object."""
        folders: list[str] = []
        files: list[tuple[str, int, str]] = []
        level = [("", tree)]
        while level:
            contents = self._contents([name for _, name in level], "tree")
            inner = []
            for (folder, _), content in zip(level, contents, strict=True):
                for mode, plain_name, name in _entries(content):
                    path = folder + plain_name
                    if mode == FOLDER:
                        folders.append(path)
                        inner.append((f"{path}/", name))
                    elif mode in PERMISSIONS:
                        files.append((path, PERMISSIONS[mode], name))
                    else:
                        raise NotPlainError(path)
            level = inner
        paths = [*folders, *(path for path, _, _ in files)]
        if len({path.lower() for path in paths}) < len(paths):
            raise NotPlainError("two names that are one where case does not count")
        return folders, files

    def _contents(self, names: Sequence[str], kind: str) -> list[bytes]:
        return [self._read(size) for size in self._ask(names, kind)]

    def _ask(self, names: Sequence[str], kind: str) -> Iterator[int]:
        """The size of each object; its content is to be read before the next is asked for."""
        for start in range(0, len(names), AT_ONCE):
            asked = names[start : start + AT_ONCE]
            try:
                self._questions.write("".join(f"{name}\n" for name in asked).encode())
                self._questions.flush()
            except BrokenPipeError:
                raise GitError("git cat-file ended") from None
            for name in asked:
                answer = self._answers.readline().split()
                if len(answer) != 3:
                    raise GitError(f"not our ref {name}" if answer else "git cat-file ended")
                if answer[1].decode() != kind:
                    raise GitError(f"{name} is a {answer[1].decode()}, not a {kind}")
                yield int(answer[2])
                self._read(1)  # the line's end

    def _read(self, size: int) -> bytes:
        content = self._answers.read(size)
        if len(content) < size:
            raise GitError("git cat-file ended")
        return content


def _entries(tree: bytes) -> Iterator[tuple[bytes, str, str]]:
    """Mode, name and object of each entry, as git stores them: `mode name\\0` and the object's 20 bytes."""
    at = 0
    while at < len(tree):
        end = tree.index(b"\0", at)
        mode, _, name = tree[at:end].partition(b" ")
        if not PLAIN_NAME.fullmatch(name):
            raise NotPlainError(os.fsdecode(name))
        at = end + 21
        yield mode, name.decode(), tree[end + 1 : at].hex()


def _committed_at(head: bytes) -> str | None:
    found = COMMITTER.search(head)
    if found is None:
        return None
    sign = -1 if found["sign"] == b"-" else 1
    offset = sign * timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
    try:
        return datetime.fromtimestamp(int(found["seconds"]), timezone(offset)).isoformat()
    except (ValueError, OverflowError, OSError):
        return None
