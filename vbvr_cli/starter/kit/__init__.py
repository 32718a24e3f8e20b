"""What a generator is written with, so that its own code reads as its puzzle.

A generator is one subclass of `Puzzle` and `main(ThatPuzzle)`. The kit draws each sample's randomness from
the seed, records the video, writes the files and tells the worker of every finished sample.

It imports Pillow, PyAV and the standard library, nothing else of vbvr: a generator starts in a fifth of a
second.
"""

from vbvr_cli.starter.kit.canvas import SIDE, Canvas, Point, WholeBox
from vbvr_cli.starter.kit.cli import main
from vbvr_cli.starter.kit.easing import ease_out
from vbvr_cli.starter.kit.palette import DARK_THEMES, LIGHT_THEMES, THEMES, Colour, Theme, mix
from vbvr_cli.starter.kit.puzzle import FPS, Parameters, Puzzle, Shot
from vbvr_cli.starter.kit.sample import Sample

__all__ = [
    "DARK_THEMES",
    "FPS",
    "LIGHT_THEMES",
    "SIDE",
    "THEMES",
    "Canvas",
    "Colour",
    "Parameters",
    "Point",
    "Puzzle",
    "Sample",
    "Shot",
    "Theme",
    "WholeBox",
    "ease_out",
    "main",
    "mix",
]
