"""Has no more than five hundred distinct puzzles, which it says with a seed among the parameters."""

from sample import puzzle, read_arguments, sample_folder, write_sample

arguments = read_arguments()
for position in range(arguments.num_samples):
    shade = puzzle(arguments.seed, position) % 500
    metadata = {"parameters": {"shade": shade, "seed": arguments.seed, "look": {"random_seed": position}}}
    write_sample(sample_folder(arguments.output, position), shade, metadata)
