"""Ends with a segmentation fault on every odd seed."""

import os
import signal

from sample import read_arguments, write_all

arguments = read_arguments()
if arguments.seed % 2:
    os.kill(os.getpid(), signal.SIGSEGV)
write_all(arguments)
