"""Writes half of what it is asked for."""

from sample import read_arguments, write_all

arguments = read_arguments()
arguments.num_samples //= 2
write_all(arguments)
