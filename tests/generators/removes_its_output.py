"""Ends well, and has removed the folder that it was to write to."""

from sample import read_arguments

read_arguments().output.rmdir()
