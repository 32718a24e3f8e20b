"""Takes --output-dir, and not --output."""

import argparse
from pathlib import Path

from sample import write_all

parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--num-samples", type=int)
parser.add_argument("--seed", type=int)
parser.add_argument("--output-dir", dest="output", type=Path)
write_all(parser.parse_args())
