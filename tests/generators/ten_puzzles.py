"""Has no more than ten distinct puzzles."""

from sample import puzzle, read_arguments, sample_folder, write_sample

arguments = read_arguments()
for position in range(arguments.num_samples):
    write_sample(sample_folder(arguments.output, position), puzzle(arguments.seed, position) % 10)
