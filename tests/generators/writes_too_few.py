"""Leaves out the last sample of a batch, but makes one that is asked for alone."""

from sample import read_arguments, write_all

arguments = read_arguments()
if arguments.num_samples > 1:
    arguments.num_samples -= 1
write_all(arguments)
