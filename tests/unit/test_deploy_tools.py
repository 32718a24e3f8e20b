"""What deploying needs on the machine: each missing thing is named, with what mends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from vbvr_cli.errors import ConfigurationError, ServiceError
from vbvr_cli.operations.deploy import cdk, tools
from vbvr_cli.operations.deploy.source import Source

ROOT = Path(__file__).parents[2]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH, the shell aside."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("sh", "cat", "mkdir"):
        (folder / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def put(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_a_node_that_is_new_enough_is_taken(programs: Path) -> None:
    put(programs, "node", "echo v22.3.1")

    assert tools.find_node() == programs / "node"


@pytest.mark.parametrize(
    ("script", "what", "why"),
    [
        ("echo v16.20.2", "v16.20.2 is too old", "needs Node 18"),
        ("echo v9.1.0", "v9.1.0 is too old", "needs Node 18"),
        ("exit 1", "does not work", "nothing"),
        ("echo 'libssl is missing' >&2; exit 127", "does not work", "libssl is missing"),
    ],
)
def test_a_node_that_cannot_be_used_is_refused(programs: Path, script: str, what: str, why: str) -> None:
    put(programs, "node", script)

    with pytest.raises(ConfigurationError, match=what) as refused:
        tools.find_node()
    assert why in (refused.value.why or "")
    assert "Install Node" in (refused.value.hint or "")


def test_without_node_that_is_said(programs: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"Node\.js was not found"):
        tools.find_node()


def test_the_least_node_is_the_one_that_the_pinned_cdk_asks_for() -> None:
    lock = (ROOT / "infra" / "package-lock.json").read_text()

    assert f'"node": ">= {tools.LEAST_NODE}.' in lock


def test_docker_that_is_not_there_is_said_with_the_way_around(programs: Path) -> None:
    with pytest.raises(ConfigurationError, match="Docker was not found") as refused:
        tools.require_docker()
    assert "--image-uri" in (refused.value.hint or "")


def test_docker_whose_server_does_not_run_is_said_in_its_own_words(programs: Path) -> None:
    put(programs, "docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1")

    with pytest.raises(ConfigurationError, match="Docker does not answer") as refused:
        tools.require_docker()
    assert "Cannot connect to the Docker daemon" in (refused.value.why or "")


def test_docker_that_answers_is_enough(programs: Path) -> None:
    put(programs, "docker", "echo 28.2.2")

    tools.require_docker()


def test_all_that_is_missing_is_said_at_once(programs: Path) -> None:
    with pytest.raises(ConfigurationError, match="3 things are missing") as refused:
        tools.require_all(tools.find_node, tools.find_npm, tools.require_docker)
    assert "(1) Node.js was not found. (2) npm was not found. (3) Docker was not found" in str(
        refused.value.why
    )


def test_a_wrong_cdk_on_the_path_is_not_used(programs: Path, tmp_path: Path) -> None:
    """npm puts the pinned one into a folder below the state folder; the PATH's is never asked."""
    put(programs, "cdk", "echo 3.0.0 > /dev/stderr; exit 9")
    put(
        programs,
        "npm",
        "mkdir -p node_modules/aws-cdk/bin; cat package-lock.json > node_modules/aws-cdk/bin/cdk",
    )
    said: list[str] = []

    folder = cdk.install(Source(ROOT), tmp_path / "home", tmp_path / "log", said.append)

    assert (folder / "node_modules/aws-cdk/bin/cdk").read_bytes() == Source(ROOT).cdk_lock.read_bytes()
    assert cdk.pinned_version(Source(ROOT).cdk_lock) in said[0]
    (programs / "npm").unlink()
    assert cdk.install(Source(ROOT), tmp_path / "home", tmp_path / "log", said.append) == folder
    assert len(said) == 1


def test_what_npm_says_when_it_fails_is_passed_on_and_nothing_half_is_left(
    programs: Path, tmp_path: Path
) -> None:
    put(programs, "npm", "mkdir -p node_modules/aws-cdk; echo 'npm error ENOTFOUND'; exit 1")

    with pytest.raises(ServiceError, match="npm could not fetch aws-cdk") as failed:
        cdk.install(Source(ROOT), tmp_path / "home", tmp_path / "log", lambda _: None)
    assert "npm error ENOTFOUND" in (failed.value.why or "")
    assert str(tmp_path / "log") in (failed.value.hint or "")
    assert not cdk.is_installed(Source(ROOT), tmp_path / "home")
    assert list((tmp_path / "home" / "cdk").iterdir()) == []
