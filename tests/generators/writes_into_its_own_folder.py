"""Leaves files in its own folder, changes its own source, and fails where it finds that done already."""

from pathlib import Path

from sample import read_arguments, write_all

HOME = Path(__file__).resolve().parents[1]
if (HOME / "data" / "cache.txt").exists():
    raise RuntimeError("somebody was here before")
(HOME / "data").mkdir(exist_ok=True)
(HOME / "data" / "cache.txt").write_text("kept for next time")
(HOME / "sample.py").write_text("raise RuntimeError('changed')")
write_all(read_arguments())
