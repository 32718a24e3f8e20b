"""The `vbvr` command that a signal meets at a named point: nothing in the product knows of it.

    python doomed_vbvr.py SIGNAL POINT K ARGUMENT ...

`POINT` and `K` are as in `doomed.py`; `never` lets the command end by itself.
"""

from __future__ import annotations

import signal
import sys

from doomed import Doom, DoomedBackend

from vbvr_cli import app


def main() -> None:
    signal_name, point, count, *arguments = sys.argv[1:]
    doom = Doom(point, signal.Signals[signal_name], int(count))
    open_backend = app.open_backend
    app.open_backend = lambda settings: DoomedBackend(open_backend(settings), doom)
    sys.argv = ["vbvr", *arguments]
    app.main()


if __name__ == "__main__":
    main()
