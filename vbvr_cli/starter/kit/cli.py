"""The command line that every generator has in common."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from vbvr_cli.starter.kit.batch import write_batch
from vbvr_cli.starter.kit.puzzle import Puzzle


def main(kind: type[Puzzle], arguments: Sequence[str] | None = None) -> None:
    """Run the generator of this kind of puzzle as its command line says; bad arguments exit with 2."""
    parser = argparse.ArgumentParser(
        description=f"Make samples of the task {kind.task}. The same seed makes the same bytes."
    )
    parser.add_argument(
        "--num-samples", type=_whole_number(1), required=True, metavar="N", help="how many to make"
    )
    parser.add_argument("--seed", type=_whole_number(0), default=0, metavar="S", help="0 unless given")
    parser.add_argument(
        "--output", "--output-dir", type=Path, required=True, metavar="DIR", help="the folder to write to"
    )
    request = parser.parse_args(arguments)
    if request.output.exists() and not request.output.is_dir():
        parser.error(f"argument --output: {request.output} is there but is not a folder")
    for path in write_batch(kind, num_samples=request.num_samples, seed=request.seed, output=request.output):
        print(path, flush=True)


def _whole_number(least: int) -> Callable[[str], int]:
    """An argparse type: whole numbers from `least` on."""

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"must be a whole number, {least} or more, not {text!r}")
        return int(text)

    return parse
