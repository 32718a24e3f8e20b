"""A tenth of a second of work a sample, in the shape that most public generators have."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from core.output_writer import OutputWriter
from src.generator import TenthGenerator

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--num-samples", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    pairs = TenthGenerator(arguments.num_samples, arguments.seed).generate_dataset()
    OutputWriter(arguments.output).write_dataset(pairs)
    print(len(pairs), "samples")
