"""Puts test generators into folders of their own: `python layout.py FOLDER [NAME ...]`, else all."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
PUBLIC_SHAPE = HERE / "public_shape"
NAMES = sorted(
    file.stem.removeprefix("make_")
    for file in (*HERE.glob("*.py"), *PUBLIC_SHAPE.glob("make_*.py"))
    if file.stem not in ("layout", "sample")
)


def lay_out(root: Path, name: str) -> Path:
    """Make the folder of the test generator `name` below `root`."""
    folder = root / name
    (folder / "examples").mkdir(parents=True)
    (folder / "requirements.txt").write_text("pillow\n")
    program = HERE / f"{name}.py"
    if program.exists():
        shutil.copy(HERE / "sample.py", folder)
    else:
        program = PUBLIC_SHAPE / f"make_{name}.py"
        shutil.copytree(PUBLIC_SHAPE / "core", folder / "core", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(program, folder / "examples" / "generate.py")
    return folder


if __name__ == "__main__":
    for wanted in sys.argv[2:] or NAMES:
        print(lay_out(Path(sys.argv[1]), wanted))
