"""The kit that starter generators are written with, by way of a puzzle that is as small as they come."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from random import Random
from typing import Self

import av
import pytest
from PIL import Image, ImageChops

from vbvr_cli.starter.kit import Canvas, Parameters, Puzzle, Sample, Shot, main
from vbvr_cli.starter.kit.batch import write_batch
from vbvr_cli.starter.kit.events import announce_sample
from vbvr_cli.starter.kit.video import VideoWriter

RED, BLUE = (200, 30, 40), (20, 60, 210)


@dataclass(frozen=True)
class Flip(Puzzle):
    """Which colour comes after `number`? Small images, five frames."""

    generator = "T-flip_data-generator"
    task = "flip"

    number: int
    colour: str = "plain"

    @classmethod
    def draw(cls, random: Random) -> Self:
        return cls(random.randrange(10**6), random.choice(("plain", "fancy")))

    def parameters(self) -> Parameters:
        return {"number": self.number, "name": "Flügel"}

    def look(self) -> Parameters:
        return {"colour": self.colour}

    def prompts(self) -> Sequence[str]:
        return [f"After {self.number}?", f"What comes after {self.number}?", f"{self.number}, and then?"]

    def shots(self) -> Iterator[Shot]:
        image = Image.new("RGB", (64, 64), RED)
        yield Shot(image, 2)
        image.paste(BLUE, (16, 16, 48, 48))
        yield Shot(image, 3)


class GradedFlip(Flip):
    def rubric(self) -> str | None:
        return "One point for blue."


class BrokenFlip(Flip):
    """Breaks off in the middle of its second sample."""

    def shots(self) -> Iterator[Shot]:
        shots = super().shots()
        yield next(shots)
        if self == Sample.draw(BrokenFlip, seed=0, index=1).puzzle:
            raise RuntimeError("out of paint")
        yield from shots


def make(kind: type[Puzzle], output: Path, num_samples: int = 1) -> list[PurePosixPath]:
    return list(write_batch(kind, num_samples=num_samples, seed=0, output=output))


def decode(video: Path) -> list[Image.Image]:
    with av.open(video) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


# What a batch leaves behind


def test_a_batch_is_one_complete_folder_per_sample_and_nothing_else(tmp_path: Path) -> None:
    assert make(Flip, tmp_path, 2) == [
        PurePosixPath("flip_task/flip_00000000"),
        PurePosixPath("flip_task/flip_00000001"),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["flip_task"]
    for folder in (tmp_path / "flip_task").iterdir():
        assert {path.name for path in folder.iterdir()} == {
            "first_frame.png",
            "final_frame.png",
            "ground_truth.mp4",
            "prompt.txt",
            "metadata.json",
        }


def test_a_puzzle_with_a_rubric_gets_it_written(tmp_path: Path) -> None:
    [path] = make(GradedFlip, tmp_path)
    assert (tmp_path / path / "rubric.txt").read_text() == "One point for blue.\n"


def test_a_sample_that_fails_leaves_no_folder_that_looks_finished(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="out of paint"):
        make(BrokenFlip, tmp_path, 3)
    assert [path.name for path in tmp_path.rglob("*") if path.is_dir()] == ["flip_task", "flip_00000000"]


def test_while_a_sample_is_written_no_task_folder_shows_it(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    class Watched(Flip):
        def shots(self) -> Iterator[Shot]:
            seen.append([path.name for path in tmp_path.glob("*_task/*")])
            return super().shots()

    make(Watched, tmp_path, 2)
    assert seen == [[], ["flip_00000000"]]


def test_a_sample_that_is_there_already_is_replaced(tmp_path: Path) -> None:
    [path] = make(Flip, tmp_path)
    (tmp_path / path / "prompt.txt").write_text("old")
    (tmp_path / path / "leftover.txt").write_text("old")
    make(Flip, tmp_path)
    assert (tmp_path / path / "prompt.txt").read_text() != "old"
    assert not (tmp_path / path / "leftover.txt").exists()


# What a sample says about itself


def test_metadata_holds_what_decides_the_sample_and_no_date(tmp_path: Path) -> None:
    [path] = make(Flip, tmp_path)
    puzzle = Sample.draw(Flip, seed=0, index=0).puzzle
    metadata = json.loads((tmp_path / path / "metadata.json").read_text(encoding="utf-8"))
    wording = metadata["parameters"].pop("wording")
    assert metadata == {
        "task_id": "flip_00000000",
        "generator": "T-flip_data-generator",
        "parameters": {**puzzle.parameters(), "look": puzzle.look()},
        "param_hash": metadata["param_hash"],
        "generation": {"seed": 0, "index": 0},
    }
    assert (tmp_path / path / "prompt.txt").read_text() == puzzle.prompts()[wording] + "\n"


def test_the_param_hash_is_of_the_canonical_json_of_the_puzzle() -> None:
    # echo -n '{"name":"Flügel","number":7}' | sha256sum
    assert Sample(Flip(7), wording=0, seed=0, index=0).param_hash == "cff023bcd1fdc57d"


def test_the_same_puzzle_in_other_words_and_colours_is_a_duplicate() -> None:
    plain = Sample(Flip(7, "plain"), wording=0, seed=0, index=0)
    fancy = Sample(Flip(7, "fancy"), wording=2, seed=5, index=9)
    assert plain.param_hash == fancy.param_hash != Sample(Flip(8), wording=0, seed=0, index=0).param_hash


def test_neighbouring_seeds_share_no_puzzle() -> None:
    numbers = {
        Sample.draw(Flip, seed=seed, index=index).param_hash for seed in range(20) for index in range(20)
    }
    assert len(numbers) == 400


# The video


def test_a_shot_lasts_as_many_frames_as_it_says(tmp_path: Path) -> None:
    [path] = make(Flip, tmp_path)
    frames = decode(tmp_path / path / "ground_truth.mp4")
    centres = [
        "blue" if blue > red else "red" for red, _, blue in (frame.getpixel((32, 32)) for frame in frames)
    ]
    assert centres == ["red"] * 2 + ["blue"] * 3


def test_colours_survive_the_video(tmp_path: Path) -> None:
    colours = [(0, 0, 0), (255, 255, 255), RED, BLUE, (30, 180, 90), (250, 204, 21)]
    with VideoWriter(tmp_path / "colours.mp4") as video:
        for colour in colours:
            video.show(Image.new("RGB", (64, 64), colour))
    for frame, colour in zip(decode(tmp_path / "colours.mp4"), colours, strict=True):
        assert frame.getpixel((32, 32)) == pytest.approx(colour, abs=3)


def test_a_video_that_changes_bit_by_bit_ends_like_one_that_shows_the_end_at_once(tmp_path: Path) -> None:
    image = Image.effect_noise((66, 64), 60).convert("RGB")
    with VideoWriter(tmp_path / "pieces.mp4") as video:
        video.show(Image.new("RGB", (66, 64)))
        for left in range(0, 66, 11):
            shown = Image.new("RGB", (66, 64))
            shown.paste(image.crop((0, 0, left + 11, 64)))
            video.show(shown)
    difference = ImageChops.difference(decode(tmp_path / "pieces.mp4")[-1].convert("L"), image.convert("L"))
    assert max(difference.reduce(8).getextrema()) < 8


# The canvas


@pytest.mark.parametrize(
    "draw",
    [
        lambda canvas: canvas.disc((500.3, 500.7), 20.5, BLUE),
        lambda canvas: canvas.polygon([(490, 480), (520, 500), (485, 520)], BLUE),
        lambda canvas: canvas.line([(485, 485), (515.5, 500), (485, 515)], 7, BLUE),
        lambda canvas: canvas.rounded((481, 482, 519, 518), 8, BLUE),
        lambda canvas: canvas.text((500, 500), "42", 30, BLUE),
    ],
    ids=["disc", "polygon", "line", "rounded", "text"],
)
def test_a_shape_touches_nothing_but_its_place(draw: Callable[[Canvas], None]) -> None:
    canvas = Canvas(RED)
    draw(canvas)
    left, top, right, bottom = ImageChops.difference(canvas.image, Canvas(RED).image).getbbox() or (
        0,
        0,
        0,
        0,
    )
    assert 478 <= left < right <= 522
    assert 478 <= top < bottom <= 522


def test_a_shape_may_reach_beyond_the_picture() -> None:
    canvas = Canvas(RED)
    canvas.disc((0, 1024), 10, BLUE)
    canvas.disc((-50, 500), 10, BLUE)
    assert canvas.image.getpixel((2, 1021)) == BLUE
    assert canvas.image.getpixel((0, 500)) == RED


# Events


def test_every_finished_sample_is_one_line_on_the_events_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    monkeypatch.setenv("VBVR_EVENTS_FD", str(writer))
    for path in write_batch(Flip, num_samples=2, seed=0, output=tmp_path):
        line = os.read(reader, 4096)
        assert line == b'{"sample": "%s"}\n' % str(path).encode()
        assert (tmp_path / path / "metadata.json").exists()
    os.close(reader)
    os.close(writer)


def test_without_a_descriptor_nothing_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VBVR_EVENTS_FD", raising=False)
    monkeypatch.setattr(os, "write", None)
    announce_sample(PurePosixPath("flip_task/flip_00000000"))


# The command line


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--num-samples", "0"], "argument --num-samples: must be a whole number, 1 or more, not '0'"),
        (["--num-samples", "many"], "argument --num-samples: must be a whole number, 1 or more, not 'many'"),
        (
            ["--num-samples", "1", "--seed", "-1"],
            "argument --seed: must be a whole number, 0 or more, not '-1'",
        ),
        ([], "the following arguments are required: --num-samples"),
    ],
)
def test_bad_arguments_are_a_usage_error(
    arguments: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(Flip, [*arguments, "--output", str(tmp_path / "out")])
    assert exit_.value.code == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(SystemExit) as exit_:
        main(Flip, ["--num-samples", "1", "--output", str(tmp_path / "out")])
    assert exit_.value.code == 2
    assert "out is there but is not a folder" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--output", "--output-dir"])
def test_the_output_folder_goes_by_both_of_the_fields_names(option: str, tmp_path: Path) -> None:
    main(Flip, ["--num-samples", "1", option, str(tmp_path / "deep" / "out")])
    assert (tmp_path / "deep" / "out" / "flip_task" / "flip_00000000").is_dir()


def test_the_kit_imports_nothing_else_of_vbvr_and_nothing_slow() -> None:
    code = "import sys, vbvr_cli.starter.kit; print(*sys.modules)"
    python = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(python.stdout.split())
    ours = {name for name in modules if name.startswith("vbvr_cli")}
    assert all(name == "vbvr_cli" or name.startswith("vbvr_cli.starter") for name in ours)
    assert modules.isdisjoint({"pydantic", "typer", "rich", "yaml", "psutil", "numpy"})
