"""Writes the table of permissions into docs/deploy.md; with --check, fails where that would change it."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from vbvr_infra.permissions import PERMISSIONS

PAGE = HERE.parent / "docs" / "deploy.md"
BEGIN, END = "<!-- permissions: written by `make docs` -->", "<!-- end of permissions -->"


def table() -> str:
    """What each function may do, to what, and why."""
    lines = ["| function | may | on | because |", "| --- | --- | --- | --- |"]
    lines += [f"| {one.who} | `{one.action}` | {one.on} | {one.why} |" for one in PERMISSIONS]
    return "\n".join(lines)


def with_table(page: str) -> str:
    """The page with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """Write, or check."""
    page = PAGE.read_text(encoding="utf-8")
    if "--check" not in sys.argv:
        PAGE.write_text(with_table(page), encoding="utf-8")
        return 0
    if BEGIN in page and with_table(page) == page:
        return 0
    print("docs/deploy.md is stale: run `make docs`.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
