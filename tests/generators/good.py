"""Makes what it is asked for."""

from sample import read_arguments, write_all

write_all(read_arguments())
