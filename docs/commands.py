"""Writes docs/commands.md from the help of every command; `--check` fails if it is stale."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TARGET = Path(__file__).with_name("commands.md")
HEAD = """# Commands

Written by `make docs` from the commands' own help; do not edit.
"""


def main() -> int:
    """Write the page, or say whether it is what would be written."""
    page = HEAD + "".join(_section(words) for words in _commands())
    if "--check" not in sys.argv:
        TARGET.write_text(page, encoding="utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text(encoding="utf-8") == page:
        return 0
    print("docs/commands.md is stale: run `make docs`.", file=sys.stderr)
    return 1


def _commands() -> list[list[str]]:
    import typer.main

    from vbvr_cli.app import app

    found: list[list[str]] = [[]]

    def visit(command: object, words: list[str]) -> None:
        for name, child in sorted(getattr(command, "commands", {}).items()):
            if not child.hidden:
                found.append([*words, name])
                visit(child, [*words, name])

    visit(typer.main.get_command(app), [])
    return found


def _section(words: list[str]) -> str:
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "TERMINAL_WIDTH": "100"}
    command = [sys.executable, "-m", "vbvr_cli", *words, "--help"]
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    text = "\n".join(line.rstrip() for line in shown.strip("\n").splitlines())
    text = text.replace("python -m vbvr_cli", "vbvr")
    return f"\n## {' '.join(['vbvr', *words])}\n\n```\n{text}\n```\n"


if __name__ == "__main__":
    sys.exit(main())
