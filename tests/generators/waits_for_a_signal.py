"""Makes its samples once the file `go` stands in the folder that its options name, until then it waits."""

import argparse
import time
from pathlib import Path

from sample import write_all

parser = argparse.ArgumentParser()
parser.add_argument("--num-samples", type=int)
parser.add_argument("--seed", type=int)
parser.add_argument("--output", type=Path)
parser.add_argument("--gate", type=Path)
arguments = parser.parse_args()
(arguments.gate / f"waiting-{arguments.seed}").touch()
while not (arguments.gate / "go").exists():
    time.sleep(0.01)
write_all(arguments)
