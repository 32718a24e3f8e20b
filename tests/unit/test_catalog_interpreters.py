"""An environment's id changes with what a generator can import, and with nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vbvr_cli.catalog.interpreters import Interpreter, environment_of, inspect_interpreter
from vbvr_cli.catalog.probe import describe
from vbvr_cli.catalog.requirements import read_requirements

MARKERS = describe()["markers"] | {"python_version": "3.11", "platform_machine": "x86_64"}


def interpreter(**installed: tuple[str, list[str]]) -> Interpreter:
    return Interpreter.from_probe({"markers": MARKERS, "distributions": installed})


def closure(folder: Path, requirements: str, **installed: tuple[str, list[str]]) -> dict[str, str]:
    (folder / "requirements.txt").write_text(requirements)
    return interpreter(**installed).closure(read_requirements(folder) or ())


def write_generator(folder: Path, requirements: str) -> None:
    (folder / "examples").mkdir()
    (folder / "examples" / "generate.py").touch()
    (folder / "requirements.txt").write_text(requirements)


def test_the_closure_follows_requirements_of_requirements(tmp_path: Path) -> None:
    found = closure(
        tmp_path,
        "Drawing[fast]>=1  # pictures\n",
        Drawing=(
            "1.5",
            ["numbers", "gpu; extra == 'fast'", "docs; extra == 'docs'", "old; python_version<'3'"],
        ),
        numbers=("2.0", []),
        gpu=("0.1", ["drawing"]),
        unrelated=("9", []),
    )
    assert found == {"drawing": "1.5", "numbers": "2.0", "gpu": "0.1"}


def test_what_is_not_installed_is_missing(tmp_path: Path) -> None:
    assert closure(tmp_path, "absent==1\n") == {"absent": "missing"}


def test_opencv_counts_as_its_package_without_windows(tmp_path: Path) -> None:
    installed = {"opencv-python-headless": ("4.10", [])}
    assert closure(tmp_path, "opencv-python==4.10\n", **installed) == {"opencv-python-headless": "4.10"}


def test_included_files_continued_lines_and_options_are_read(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("one\n-r requirements.txt\n")
    found = closure(
        tmp_path,
        "# all of it\n-r base.txt\ntwo \\\n  >=1 --hash=sha256:00\n--index-url https://example.org\n",
        one=("1", []),
        two=("2", []),
    )
    assert found == {"one": "1", "two": "2", "line --index-url https://example.org": ""}


def test_a_file_outside_the_folder_is_not_included(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("one\n")
    (tmp_path / "generator").mkdir()
    assert closure(tmp_path / "generator", "-r ../outside.txt\n") == {"line -r ../outside.txt": ""}


def test_the_id_changes_with_a_version_the_python_and_the_architecture() -> None:
    here = interpreter(one=("1", []))
    same, other = here.identity({"one": "1", "two": "2"}), here.identity({"one": "2", "two": "2"})
    assert here.identity({"two": "2", "one": "1"}) == same
    elsewhere = Interpreter(MARKERS | {"platform_machine": "aarch64"}, {})
    newer = Interpreter(MARKERS | {"python_version": "3.12"}, {})
    ids = {
        same,
        other,
        elsewhere.identity({"one": "1", "two": "2"}),
        newer.identity({"one": "1", "two": "2"}),
    }
    assert len(ids) == 4
    assert same.startswith("py3.11-")
    assert len(same) == len("py3.11-") + 16


def test_the_id_does_not_change_with_the_systems_release() -> None:
    patched = Interpreter(MARKERS | {"platform_release": "9", "python_full_version": "3.11.99"}, {})
    assert patched.identity({}) == interpreter().identity({})


def test_without_requirements_all_that_is_installed_counts_but_vbvr_itself() -> None:
    installed = {"one": ("1", []), "vbvr": ("0.1.0", [])}
    assert interpreter(**installed).everything() == {"one": "1"}


def test_an_unreadable_requirement_of_a_package_is_passed_over(tmp_path: Path) -> None:
    assert closure(tmp_path, "one\n", one=("1", ["two (>=1.*"])) == {"one": "1"}


def test_another_path_to_the_same_interpreter_gives_the_same_id(tmp_path: Path) -> None:
    write_generator(tmp_path, "pillow\npydantic\n")
    again = Path(sys.executable).parent / "." / Path(sys.executable).name
    other = Path(str(again.parent)) / ".." / again.parent.name / again.name
    assert environment_of(tmp_path, other).id == environment_of(tmp_path, Path(sys.executable)).id


def test_an_interpreter_is_inspected_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = tmp_path / "started"
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\necho >> {started}\nexec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    inspect_interpreter(wrapper)
    write_generator(tmp_path, "pillow\n")
    environment_of(tmp_path, wrapper)
    assert len(started.read_text().splitlines()) == 1
