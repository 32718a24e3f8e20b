"""One sample: a puzzle that was drawn from its seed, and the files that it becomes."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from vbvr_cli.starter.kit.puzzle import Puzzle
from vbvr_cli.starter.kit.seeding import sample_random
from vbvr_cli.starter.kit.video import VideoWriter


@dataclass(frozen=True)
class Sample:
    """Sample `index` of what `seed` makes: a puzzle, and which of its prompts it is asked with."""

    puzzle: Puzzle
    wording: int
    seed: int
    index: int

    @classmethod
    def draw(cls, kind: type[Puzzle], *, seed: int, index: int) -> Self:
        """Make the puzzle; nothing is rendered yet."""
        random = sample_random(kind.generator, seed, index)
        puzzle = kind.draw(random)
        return cls(puzzle, random.randrange(len(puzzle.prompts())), seed, index)

    @property
    def task_id(self) -> str:
        """The sample's id within its batch, such as `nonogram_00000007`."""
        return f"{self.puzzle.task}_{self.index:08d}"

    @cached_property
    def param_hash(self) -> str:
        """16 hexadecimal digits, shared by samples of the same puzzle however it is shown and worded."""
        canonical = json.dumps(
            self.puzzle.parameters(), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def metadata(self) -> dict[str, object]:
        """What `metadata.json` holds: nothing but what the seed decides, hence no date."""
        return {
            "task_id": self.task_id,
            "generator": self.puzzle.generator,
            "parameters": {
                **self.puzzle.parameters(),
                "look": dict(self.puzzle.look()),
                "wording": self.wording,
            },
            "param_hash": self.param_hash,
            "generation": {"seed": self.seed, "index": self.index},
        }

    def write(self, folder: Path) -> None:
        """Render the puzzle and write its files into `folder`, which is made here."""
        folder.mkdir()
        self._render(folder)
        _write_text(folder / "prompt.txt", self.puzzle.prompts()[self.wording])
        rubric = self.puzzle.rubric()
        if rubric is not None:
            _write_text(folder / "rubric.txt", rubric)
        _write_text(folder / "metadata.json", json.dumps(self.metadata(), indent=2, ensure_ascii=False))

    def _render(self, folder: Path) -> None:
        with VideoWriter(folder / "ground_truth.mp4") as video:
            for shot in self.puzzle.shots():
                if video.frames == 0:
                    shot.image.save(folder / "first_frame.png")
                video.show(shot.image, shot.frames)
        shot.image.save(folder / "final_frame.png")


def _write_text(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
