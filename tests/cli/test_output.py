"""What commands print: results to stdout alone, JSON that parses, help with examples."""

from __future__ import annotations

import pytest
import typer.main
from places import Vbvr

from vbvr_cli import __version__
from vbvr_cli.app import app

CHANGES_NOTHING = ["generators.yaml", "user"]


def commands() -> list[tuple[str, ...]]:
    """Every command by its words."""
    root = typer.main.get_command(app)
    found: list[tuple[str, ...]] = []
    waiting: list[tuple[tuple[str, ...], object]] = [((), root)]
    while waiting:
        words, command = waiting.pop()
        children = getattr(command, "commands", None)
        if children is None:
            found.append(words)
        else:
            waiting += [((*words, name), child) for name, child in children.items()]
    return sorted(found)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_help_of_every_command_has_an_example(words: tuple[str, ...], vbvr: Vbvr) -> None:
    shown = vbvr.ok(*words, "--help").stdout
    assert "Example" in shown
    example = shown.split("Example", 1)[1].replace("-", " ")  # an alias shows the command that it stands for
    assert f"vbvr {' '.join(words)}".replace("-", " ") in example
    assert vbvr.everything() == CHANGES_NOTHING


def test_without_a_command_the_help_says_how_to_begin(vbvr: Vbvr) -> None:
    assert "vbvr generate -g all -n 10" in vbvr("--help").stdout


@pytest.mark.parametrize("command", ["generate", "submit"])
@pytest.mark.parametrize("asked", ["-n 0", "-n 1000 --dry-run"])
def test_a_dry_run_shows_the_plan_and_changes_nothing(command: str, asked: str, vbvr: Vbvr) -> None:
    vbvr.add("good", "output_dir")
    words = (command, "-g", "all", *asked.split(), "-b", "50")
    shown = vbvr.ok(*words, "--json").json
    assert shown["dry_run"] is True
    plan = {one["generator"]: (one["samples"], one["tasks"], one["batch_size"]) for one in shown["plan"]}
    samples, tasks = (1000, 20) if "--dry-run" in asked else (0, 0)
    assert plan == dict.fromkeys(("good", "output_dir"), (samples, tasks, 50))
    rows = vbvr.ok(*words).stdout.splitlines()
    assert [row.split("\t")[0] for row in rows] == ["good", "output_dir", "total"]
    assert vbvr.everything() == CHANGES_NOTHING


@pytest.mark.parametrize("words", [("status",), ("dlq", "list"), ("generators", "list")])
def test_looking_where_nothing_is_changes_nothing(words: tuple[str, ...], vbvr: Vbvr) -> None:
    vbvr.ok(*words, "--json").json  # noqa: B018 - that it parses is the test
    vbvr.ok(*words)
    assert vbvr.everything() == CHANGES_NOTHING


def test_results_go_to_stdout_alone_and_everything_else_to_stderr(vbvr: Vbvr) -> None:
    vbvr.add("good", "prints_megabytes")
    made = vbvr.ok("generate", "-g", "all", "-n", "2", "--json")
    assert set(made.json) == {"dest", "seconds", "runs", "refused"}
    assert "target: local" in made.stderr
    assert "seed 0" in made.stderr
    shown = vbvr.ok("generate", "-g", "all", "-n", "2")
    assert len(shown.stdout.splitlines()) == 3
    assert shown.stdout.splitlines()[-1].startswith("4 samples")
    assert len(vbvr.ok("status", "--json").json) == 2
    assert vbvr.ok("submit", "-g", "all", "-n", "2", "--json").json["tasks_sent"] == 0
    assert vbvr.ok("worker", "--json").json["tasks_done"] == 0


def test_the_version_is_said_without_a_command(vbvr: Vbvr) -> None:
    assert vbvr.ok("--version").stdout == f"vbvr {__version__}\n"
