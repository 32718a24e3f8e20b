"""Leaves files in the temporary folder and at home, one without permissions; fails where it finds its own."""

import os
import tempfile
from pathlib import Path

from sample import read_arguments, write_all

temporary = Path(tempfile.gettempdir())
if (temporary / "left-behind").exists() or "LEAKED" in os.environ or (Path.home() / ".left").exists():
    raise RuntimeError("something of an earlier task is here")
os.environ["LEAKED"] = "1"
(Path.home() / ".left").touch()
locked = temporary / "left-behind" / "locked"
locked.mkdir(parents=True)
(locked / "file").touch()
locked.chmod(0o000)
write_all(read_arguments())
