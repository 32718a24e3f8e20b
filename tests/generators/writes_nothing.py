"""Ends well, and has written nothing."""

from sample import read_arguments

read_arguments()
