"""Writes two samples, then never ends."""

import time

from sample import puzzle, read_arguments, sample_folder, write_sample

arguments = read_arguments()
for position in range(min(2, arguments.num_samples)):
    write_sample(sample_folder(arguments.output, position), puzzle(arguments.seed, position))
print("two samples are there", flush=True)
while True:
    time.sleep(60)
