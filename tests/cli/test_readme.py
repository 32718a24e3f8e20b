"""The README's Python example, run as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from places import PATIENCE_SECONDS, Vbvr

README = Path(__file__).parents[2] / "README.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_the_python_example_sends_what_it_says(vbvr: Vbvr, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (example,) = EXAMPLES
    environment = {name: vbvr.environment[name] for name in ("PATH", "HOME")}

    ran = subprocess.run(
        [sys.executable, "-c", example],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["4", "100"]
    counted = vbvr.ok("queue", "count", "--json", "--home", empty / ".vbvr").json
    assert counted["waiting"] == 5  # four tasks of the request, and the message
