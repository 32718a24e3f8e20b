"""A commit's time read from its object is the one that git shows, whatever the zone and the name."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from vbvr_cli.catalog.git import commit_time


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


def git(folder: Path, *arguments: str) -> str:
    answer = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return answer.stdout.strip()


@pytest.mark.parametrize("date", ["2021-02-03T04:05:06-0330", "2021-02-03T04:05:06+0000", "1600000000 +1400"])
@pytest.mark.parametrize("name", ["somebody", "A > 7 +0100"])
def test_it_is_what_git_shows(tmp_path: Path, date: str, name: str) -> None:
    commit = make_commit(tmp_path, date, name)
    shown = datetime.fromisoformat(git(tmp_path, "show", "-s", "--format=%cI", commit))

    assert commit_time(tmp_path / ".git", commit) == shown.isoformat()


def test_a_commit_in_a_pack_is_left_to_git(tmp_path: Path) -> None:
    commit = make_commit(tmp_path, "2021-02-03T04:05:06+0000", "somebody")
    git(tmp_path, "gc", "--quiet")

    assert commit_time(tmp_path / ".git", commit) is None
