"""A commit's time read from its object is the one that git shows, whatever the zone and the name."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from vbvr_cli.catalog.git import Git
from vbvr_cli.catalog.objects import Objects


def make_commit(folder: Path, date: str, name: str) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_COMMITTER_DATE": date,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": "a@b",
        "GIT_AUTHOR_NAME": "author",
        "GIT_AUTHOR_EMAIL": "a@b",
    }
    for command in (
        ["init", "--quiet"],
        ["commit", "--quiet", "--allow-empty", "-m", "committer x> 1 +0000"],
    ):
        subprocess.run(["git", *command], cwd=folder, env=environment, check=True)
    return git(folder, "rev-parse", "HEAD")


def git(folder: Path, *arguments: str, text: str = "") -> str:
    command = ["git", *arguments]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, input=text)
    return answer.stdout.strip()


def commit_time(folder: Path, commit: str) -> str | None:
    with closing(Objects(Git(), folder / ".git")) as objects:
        return objects.commit(commit).time


@pytest.mark.parametrize("date", ["2021-02-03T04:05:06-0330", "2021-02-03T04:05:06+0000", "1600000000 +1400"])
@pytest.mark.parametrize("name", ["somebody", "A > 7 +0100"])
def test_it_is_what_git_shows(tmp_path: Path, date: str, name: str) -> None:
    commit = make_commit(tmp_path, date, name)
    shown = datetime.fromisoformat(git(tmp_path, "show", "-s", "--format=%cI", commit))

    assert commit_time(tmp_path, commit) == shown.isoformat()


def test_it_is_read_from_a_pack_too(tmp_path: Path) -> None:
    commit = make_commit(tmp_path, "2021-02-03T04:05:06+0000", "somebody")
    git(tmp_path, "gc", "--quiet")

    assert commit_time(tmp_path, commit) == "2021-02-03T04:05:06+00:00"


def test_one_that_only_git_can_read_is_left_to_git(tmp_path: Path) -> None:
    commit = make_commit(tmp_path, "2021-02-03T04:05:06+0000", "somebody")
    text = git(tmp_path, "cat-file", "commit", commit).replace("+0000", "+000")
    odd = git(tmp_path, "hash-object", "-w", "-t", "commit", "--literally", "--stdin", text=text)

    assert commit_time(tmp_path, odd) is None
