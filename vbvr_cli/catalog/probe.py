"""What an interpreter is and has. Others run it as a script: Python 3.8's standard library only."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sys
from typing import Any


def describe() -> dict[str, Any]:
    """The running interpreter, with the values that environment markers ask for."""
    distributions = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name and name not in distributions:
            distributions[name] = [distribution.version, distribution.requires or []]
    return {
        "markers": {
            "implementation_name": sys.implementation.name,
            "implementation_version": platform.python_version(),
            "os_name": os.name,
            "platform_machine": platform.machine(),
            "platform_python_implementation": platform.python_implementation(),
            "platform_release": platform.release(),
            "platform_system": platform.system(),
            "platform_version": platform.version(),
            "python_full_version": platform.python_version(),
            "python_version": f"{sys.version_info[0]}.{sys.version_info[1]}",
            "sys_platform": sys.platform,
        },
        "distributions": distributions,
    }


if __name__ == "__main__":
    print(json.dumps(describe()))
