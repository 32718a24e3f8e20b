"""Makes sample i another one where more are asked for."""

from sample import puzzle, read_arguments, sample_folder, write_sample

arguments = read_arguments()
for position in range(arguments.num_samples):
    shade = puzzle(arguments.seed * 1000 + arguments.num_samples, position)
    write_sample(sample_folder(arguments.output, position), shade)
