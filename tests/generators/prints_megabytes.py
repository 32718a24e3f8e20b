"""Prints five megabytes on each stream, without end of line, before and after its work."""

import sys

from sample import read_arguments, write_all

for stream in (sys.stdout, sys.stderr):
    for _ in range(80):
        stream.write("x" * 65_536)
write_all(read_arguments())
print("\nthe last line")
