"""Takes its puzzles from hash(str), which is another in every process unless its seed is fixed."""

from sample import read_arguments, sample_folder, write_sample

arguments = read_arguments()
for position in range(arguments.num_samples):
    write_sample(sample_folder(arguments.output, position), hash(f"puzzle {position}") % 0x1000000)
