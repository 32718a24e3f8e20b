"""Calls its task what no task can be called."""

from sample import puzzle, read_arguments, sample_folder, write_sample

arguments = read_arguments()
for position in range(arguments.num_samples):
    folder = sample_folder(arguments.output, position, domain="über all")
    write_sample(folder, puzzle(arguments.seed, position))
