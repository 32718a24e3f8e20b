"""Writes three samples more than it is asked for."""

from sample import read_arguments, write_all

arguments = read_arguments()
arguments.num_samples += 3
write_all(arguments)
