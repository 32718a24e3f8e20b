"""What a puzzle has to say for itself: the one class that a generator subclasses."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import ClassVar, NamedTuple, Self

from PIL import Image

FPS = 16
"""Frames a second in every video of the kit."""

Parameters = Mapping[str, object]
"""Names and their values, all of them such that JSON can hold them."""


class Shot(NamedTuple):
    """An image, and for how many frames of the video it is shown.

    The image may be drawn on again once the next shot is asked for: only one has to exist at a time.
    """

    image: Image.Image
    frames: int = 1


class Puzzle(ABC):
    """One instance of a puzzle: equal draws from equal `Random`s, down to the last pixel of `shots`."""

    generator: ClassVar[str]
    """The generator's catalog name, such as `O-nonogram_data-generator`."""

    task: ClassVar[str]
    """The task's name in folders and sample ids, such as `nonogram`."""

    @classmethod
    @abstractmethod
    def draw(cls, random: Random) -> Self:
        """Make an instance whose solution is one and only; `random` is the only source of chance."""

    @abstractmethod
    def parameters(self) -> Parameters:
        """Everything that decides the puzzle: two puzzles with the same parameters are duplicates."""

    def look(self) -> Parameters:
        """What only decides how the puzzle is shown, such as colours: in red it is a duplicate."""
        return {}

    @abstractmethod
    def prompts(self) -> Sequence[str]:
        """Several wordings of the task, each complete by itself; a sample gets one of them."""

    def rubric(self) -> str | None:
        """How to grade an answer, for puzzles that come with `rubric.txt`."""
        return None

    @abstractmethod
    def shots(self) -> Iterator[Shot]:
        """The solution as a video; its first and last images are the sample's frames.

        All images are RGB, of one size with even sides.
        """
