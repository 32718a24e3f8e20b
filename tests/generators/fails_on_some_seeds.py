"""Raises on every odd seed."""

from sample import read_arguments, write_all

arguments = read_arguments()
if arguments.seed % 2:
    raise ValueError(f"no puzzle for seed {arguments.seed}")
write_all(arguments)
