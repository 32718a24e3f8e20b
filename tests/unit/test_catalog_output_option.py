"""The output option is read from a generator's source, in whatever style it declares it."""

from __future__ import annotations

from pathlib import Path

import pytest

from vbvr_cli.catalog.output_option import find_output_option
from vbvr_cli.errors import ConfigurationError

STYLES = {
    "argparse": ('parser.add_argument("--output", type=str, default="data")', "--output"),
    "argparse, the long name": ('parser.add_argument("--output-dir", type=str)', "--output-dir"),
    "argparse, with a short name": ('parser.add_argument("-o", "--output-dir")', "--output-dir"),
    "argparse, in a group": ('parser.add_argument_group("io").add_argument("--output")', "--output"),
    "argparse, both at once": ('parser.add_argument("--output-dir", "--output")', "--output"),
    "argparse, one after the other": (
        'parser.add_argument("--output-dir")\nparser.add_argument("--output")',
        "--output",
    ),
    "optparse": ('parser.add_option("--output")', "--output"),
    "click": ('@click.option("--output-dir", "-o")\ndef main(output_dir): ...', "--output-dir"),
    "click, imported by name": ('@option("--output", help="where")\ndef main(output): ...', "--output"),
    "typer, named": ('def main(where: Path = typer.Option("data", "--output")): ...', "--output"),
    "typer, by the parameter": ('def main(output_dir: Path = typer.Option("data")): ...', "--output-dir"),
    "typer, annotated": ("def main(output: Annotated[Path, typer.Option()]): ...", "--output"),
    "typer, by a plain default": ('@app.command()\ndef main(output: str = "data"): ...', "--output"),
}


def make_folder(folder: Path, program: str, modules: dict[str, str] | None = None) -> Path:
    for name, text in {"examples/generate.py": program, **(modules or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize("style", STYLES)
def test_the_option_is_found_in_the_program(tmp_path: Path, style: str) -> None:
    program, expected = STYLES[style]
    assert find_output_option(make_folder(tmp_path, program)) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "from core.cli import parse",
        "from core import cli",
        "import core.cli",
        "import core.cli as c",
        "def main():\n    from core.cli import parse",
    ],
)
def test_the_option_is_found_in_a_module_of_the_folder(tmp_path: Path, statement: str) -> None:
    folder = make_folder(tmp_path, statement, {"core/cli.py": 'parser.add_argument("--output-dir")'})
    assert find_output_option(folder) == "--output-dir"


def test_the_option_is_found_behind_a_packages_relative_imports(tmp_path: Path) -> None:
    folder = make_folder(
        tmp_path,
        "import core",
        {
            "core/__init__.py": "from .arguments.parser import parse",
            "core/arguments/parser.py": 'add_argument("--output")',
        },
    )
    assert find_output_option(folder) == "--output"


def test_the_option_is_found_beside_the_program(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "import arguments", {"examples/arguments.py": 'add_argument("--output")'})
    assert find_output_option(folder) == "--output"


def test_the_programs_own_option_comes_before_that_of_what_it_imports(tmp_path: Path) -> None:
    folder = make_folder(
        tmp_path,
        'from core import tools\nparser.add_argument("--output-dir")',
        {"core/tools.py": 'parser.add_argument("--output")'},
    )
    assert find_output_option(folder) == "--output-dir"


def test_modules_that_import_each_other_end_the_search(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "import a", {"a.py": "import b", "b.py": "import a"})
    with pytest.raises(ConfigurationError):
        find_output_option(folder)


def test_what_other_calls_and_comments_say_does_not_count(tmp_path: Path) -> None:
    program = '# parser.add_argument("--output")\nprint("--output")\nparser.add_argument("--target")'
    with pytest.raises(ConfigurationError, match="neither --output nor --output-dir") as caught:
        find_output_option(make_folder(tmp_path, program))
    assert caught.value.why is not None
    assert "It declares --target." in caught.value.why


def test_nothing_of_the_generator_is_run(tmp_path: Path) -> None:
    make_folder(tmp_path, 'raise SystemExit("ran")\nparser.add_argument("--output")')
    assert find_output_option(tmp_path) == "--output"


def test_a_program_that_is_no_python_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read as Python") as caught:
        find_output_option(make_folder(tmp_path, "def main(:"))
    assert caught.value.why is not None
    assert "line 1" in caught.value.why


def test_a_folder_without_a_program_is_no_generator(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"examples/generate\.py does not exist"):
        find_output_option(tmp_path)


def test_a_generator_written_with_the_starters_kit_takes_the_kits_option(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "from vbvr_cli.starter.kit import main")
    assert find_output_option(folder) == "--output"
