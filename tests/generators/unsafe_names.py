"""Gives the second sample of a batch a file whose name no key can have."""

from sample import read_arguments, sample_folder, write_all

arguments = read_arguments()
write_all(arguments)
if arguments.num_samples > 1:
    (sample_folder(arguments.output, 1) / "line\nbreak.txt").touch()
