"""Starts three processes that outlive it: in its own group, in a new session, and without environment."""

import subprocess
import sys

from sample import read_arguments, write_all

WAIT = [sys.executable, "-c", "import time\nwhile True: time.sleep(60)"]
arguments = read_arguments()
write_all(arguments)
children = [
    subprocess.Popen(WAIT),
    subprocess.Popen(WAIT, start_new_session=True),
    subprocess.Popen(WAIT, start_new_session=True, env={}),
]
pids = " ".join(str(child.pid) for child in children)
(arguments.output / "dot_task" / "dot_0000" / "pids.txt").write_text(pids)
