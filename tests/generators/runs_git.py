"""Asks git about the folder it stands in, and writes into the metadata what it finds."""

import subprocess
from pathlib import Path

from sample import puzzle, read_arguments, sample_folder, write_sample

arguments = read_arguments()
asked = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
found = subprocess.run(asked, capture_output=True, text=True, check=False)
for position in range(arguments.num_samples):
    shade = puzzle(arguments.seed, position)
    metadata = {"parameters": {"shade": shade}, "git": found.stdout, "generation": {"git": found.stdout}}
    write_sample(sample_folder(arguments.output, position), shade, metadata)
