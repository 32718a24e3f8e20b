"""Is killed by a signal that says nothing of the seed."""

import os
import signal

from sample import read_arguments

read_arguments()
print("the end is near", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
