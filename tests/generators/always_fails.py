"""Raises whatever it is asked."""

from sample import read_arguments

read_arguments()
raise RuntimeError("this generator is out of order")
