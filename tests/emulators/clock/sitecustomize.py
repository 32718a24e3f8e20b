"""On PYTHONPATH, puts a process's clock ahead: by the modification time of the file that CLOCK names.

So a test can let leases lapse of the `vbvr` command as it is installed, and of the processes that it starts.
"""

import os
import time

if "CLOCK" in os.environ:
    file, real_time = os.environ["CLOCK"], time.time
    time.time = lambda: real_time() + os.stat(file).st_mtime  # noqa: PTH116 - called very often
