"""`python -m lambda_image.building`: what build.sh runs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from lambda_image.building.tree import SOURCE, lay_out
from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.errors import VbvrError


def main() -> int:
    """Lay out a tree as the arguments say; the exit code."""
    parser = argparse.ArgumentParser(prog="build.sh", description="Lay out the tree of the Lambda image.")
    parser.add_argument("--target", type=Path, default=Path("/var/task"), help="an empty folder")
    parser.add_argument("--catalog", type=Path, default=SOURCE / "generators.yaml")
    parser.add_argument("--generators-path", default="", help="folders with generators, separated as PATH is")
    parser.add_argument(
        "--home", type=Path, default=SOURCE / ".vbvr", help="the state folder, where generators were fetched"
    )
    arguments = parser.parse_args()
    # Linked files would be those of uv's cache, which nobody may change with the tree.
    os.environ["UV_LINK_MODE"] = "copy"
    paths = [Path(part) for part in arguments.generators_path.split(os.pathsep) if part]
    try:
        catalog = Catalog.load(arguments.catalog, paths, fetched=arguments.home / "generators")
        roster = lay_out(arguments.target, catalog, _say)
    except VbvrError as error:
        for label, text in (("error", error.what), ("why", error.why), ("hint", error.hint)):
            if text:
                _say(f"{label}: {text}")
        return int(error.exit_code)
    for name, absent in roster.left_out_entries.items():
        _say(f"left out: {name}: {absent.reason}")
    _say(f"{arguments.target} holds {len(roster.generators)} generators for {roster.architecture}.")
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
