"""`vbvr download`: a dataset in a folder, checked; stopped or killed, the same command goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dead_tasks import Altered
from places import PATIENCE_SECONDS, Vbvr, tree

from vbvr_cli.backends.local import LocalBackend
from vbvr_cli.operations.download.download import Download
from vbvr_cli.operations.download.request import DownloadRequest

DOOMED = Path(__file__).parent.parent / "faults" / "doomed_vbvr.py"


@pytest.fixture
def made(vbvr: Vbvr) -> Vbvr:
    vbvr.add("good")
    vbvr.ok("generate", "-g", "good", "-n", "6", "-b", "3", "--workers", "2")
    return vbvr


@pytest.fixture
def backend(made: Vbvr) -> Iterator[LocalBackend]:
    backend = LocalBackend(made.state)
    yield backend
    backend.close()


def stopped_at(vbvr: Vbvr, number: str, point: str, count: int) -> subprocess.CompletedProcess[str]:
    """A download by one worker that a signal meets."""
    command = [sys.executable, DOOMED, number, point, count, "download", "--workers", "1"]
    return subprocess.run(
        [*map(str, command)],
        cwd=vbvr.folder,
        env=vbvr.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def objects_opened(backend: LocalBackend, dest: Path) -> int:
    """How many objects a download opens to fill `dest`."""
    opened: Counter[str] = Counter()

    def store(bucket: str) -> Any:
        original = backend.store(bucket)

        def open_counted(key: str) -> Any:
            opened["all"] += 1
            return original.open(key)

        return Altered(original, open=open_counted)

    watched: Any = Altered(backend, store=store)
    Download(watched, backend.default_bucket, dest, DownloadRequest()).run()
    return opened["all"]


def test_a_dataset_is_brought_and_then_there(made: Vbvr) -> None:
    first = made.ok("download", "--dest", "here")
    again = made.ok("download", "--dest", "here", "--json").json

    assert first.stdout.startswith("6 samples, ")
    assert "here/questions" in first.stdout
    assert tree(made.folder / "here") == tree(made.state / "data")
    assert (again["samples"], again["files"], again["failed"], again["problems"]) == (6, 0, 0, [])
    assert again["dest"] == str(made.folder / "here")


@pytest.mark.parametrize("point", ["after:store.open", "before:store.open"])
def test_a_killed_download_goes_on_with_the_bytes_that_are_missing(
    made: Vbvr, backend: LocalBackend, point: str
) -> None:
    assert stopped_at(made, "SIGKILL", point, 10).returncode == -signal.SIGKILL
    dest = made.folder / "results"
    there = [key for key in tree(dest) if key.startswith("questions/")]
    everything = [key for key in tree(made.state / "data") if key.startswith("questions/")]
    assert len(there) == 9

    assert objects_opened(backend, dest) == len(everything) - len(there)
    assert tree(dest) == tree(made.state / "data")


def test_an_interrupted_download_says_how_to_go_on_and_does(made: Vbvr, backend: LocalBackend) -> None:
    stopped = stopped_at(made, "SIGINT", "after:store.open", 10)

    assert stopped.returncode == 130
    assert "Stopped. Everything brought so far is kept." in stopped.stderr
    assert "Go on with: vbvr download" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    dest = made.folder / "results"
    there = [key for key in tree(dest) if key.startswith("questions/")]
    assert len(there) >= 9
    assert not (dest / ".parts").exists()
    everything = [key for key in tree(made.state / "data") if key.startswith("questions/")]
    assert objects_opened(backend, dest) == len(everything) - len(there)
    assert tree(dest) == tree(made.state / "data")


def test_a_tampered_object_is_named_the_rest_is_brought_and_the_exit_code_is_that_of_partial_work(
    made: Vbvr,
) -> None:
    victim = min((made.state / "data" / "questions").rglob("prompt.txt"))
    victim.write_text("something else")

    shown = made("download")

    assert shown.exit_code == 5
    assert shown.stdout.startswith("5 samples, ")
    assert "prompt.txt: the bytes in the store are not those that its manifest names" in shown.stderr
    assert "vbvr status RUN" in shown.stderr
    missing = set(tree(made.state / "data")) - set(tree(made.folder / "results"))
    assert len(missing) == 2  # the object, and the manifest that says that all is there


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dest", "."], ["holds something else", "--dest"]),
        (["--dest", "generators.yaml"], ["generators.yaml is not a folder", "--dest"]),
        (["-g", "bad*"], ["There is nothing of bad*", "vbvr status"]),
        (["--run", "ffff"], ["There is nothing of run ffff", "vbvr status"]),
        (["--bucket", "nowhere"], ["nowhere has no dataset", "--bucket"]),
    ],
)
def test_what_cannot_be_downloaded_is_said_with_the_way_out(
    made: Vbvr, arguments: list[str], said: list[str]
) -> None:
    refused = made("download", *arguments)

    assert refused.exit_code == 2
    for part in said:
        assert part in refused.stderr
    assert not (made.folder / "results").exists()


def test_an_unfinished_run_is_brought_as_far_as_it_is_and_said_to_be_unfinished(made: Vbvr) -> None:
    made.ok("submit", "-g", "good", "-n", "9", "-b", "3")

    shown = made.ok("download")

    assert shown.stdout.startswith("6 samples, ")
    assert "3 samples asked for are not made (yet)" in shown.stderr


def test_a_bucket_without_manifests_is_listed_which_is_said(made: Vbvr) -> None:
    (made.state / "data" / "questions").rename(made.folder / "questions")
    (made.folder / "foreign").mkdir()
    (made.folder / "questions").rename(made.folder / "foreign" / "questions")

    shown = made.ok("download", "--bucket", "foreign")

    assert "The store has no manifests: questions/ was listed" in shown.stderr
    assert tree(made.folder / "results") == tree(made.folder / "foreign")
