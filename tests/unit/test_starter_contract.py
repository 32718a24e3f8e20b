"""Both starter generators, run as the worker runs any generator: a program, a seed and a folder."""

import hashlib
import json
import os
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops, ImageStat

import vbvr_cli

STARTERS = Path(vbvr_cli.__file__).parent / "starter"
REQUIRED = {"first_frame.png", "final_frame.png", "ground_truth.mp4", "prompt.txt", "metadata.json"}


@dataclass(frozen=True)
class Starter:
    name: str
    task: str

    def generate(
        self, output: Path, *arguments: str, hash_seed: int = 0, events: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        folder = STARTERS / self.name
        environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONHASHSEED": str(hash_seed)}
        if events is not None:
            environment["VBVR_EVENTS_FD"] = str(events)
        return subprocess.run(
            [sys.executable, "examples/generate.py", *arguments, "--output", str(output)],
            cwd=folder,
            env=environment,
            pass_fds=() if events is None else (events,),
            capture_output=True,
            text=True,
            check=False,
        )


@dataclass(frozen=True)
class Batch:
    starter: Starter
    folder: Path
    events: list[str]

    @property
    def samples(self) -> list[Path]:
        return sorted(self.folder.glob("*/*"))


def contents(sample: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sample.iterdir()}


@pytest.fixture(
    scope="module",
    params=[
        Starter("O-nonogram_data-generator", "nonogram"),
        Starter("G-object_trajectory_data-generator", "object_trajectory"),
    ],
    ids=lambda starter: starter.task,
)
def starter(request: pytest.FixtureRequest) -> Starter:
    return request.param


@pytest.fixture(scope="module")
def batch(starter: Starter, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """Four samples of seed 7, with an ear on the events."""
    folder = tmp_path_factory.mktemp(starter.task)
    reader, writer = os.pipe()
    done = starter.generate(folder, "--num-samples", "4", "--seed", "7", hash_seed=1, events=writer)
    os.close(writer)
    assert done.returncode == 0, done.stderr
    with os.fdopen(reader) as events:
        return Batch(starter, folder, events.read().splitlines())


def test_the_files_are_where_the_contract_has_them(batch: Batch) -> None:
    assert [path.name for path in batch.folder.iterdir()] == [f"{batch.starter.task}_task"]
    assert [path.name for path in batch.samples] == [
        f"{batch.starter.task}_{index:08d}" for index in range(4)
    ]
    for sample in batch.samples:
        assert {path.name for path in sample.iterdir()} == REQUIRED


def test_every_sample_is_announced_in_order(batch: Batch) -> None:
    announced = [json.loads(line) for line in batch.events]
    assert announced == [{"sample": str(sample.relative_to(batch.folder))} for sample in batch.samples]


def test_metadata_names_the_generator_and_hashes_what_decides_the_puzzle(batch: Batch) -> None:
    for index, sample in enumerate(batch.samples):
        metadata = json.loads((sample / "metadata.json").read_text(encoding="utf-8"))
        assert metadata["task_id"] == sample.name
        assert metadata["generator"] == batch.starter.name
        assert metadata["generation"] == {"seed": 7, "index": index}
        puzzle = {
            name: value for name, value in metadata["parameters"].items() if name not in ("look", "wording")
        }
        canonical = json.dumps(puzzle, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert metadata["param_hash"] == hashlib.sha256(canonical.encode()).hexdigest()[:16]


def test_prompts_are_complete_sentences_that_fix_the_camera(batch: Batch) -> None:
    for sample in batch.samples:
        prompt = (sample / "prompt.txt").read_text(encoding="utf-8")
        assert prompt.endswith(".\n")
        assert "{" not in prompt
        assert any(word in prompt.lower() for word in ("camera", "static", "fixed"))


def test_another_process_with_another_hash_seed_and_fewer_samples_makes_the_same_bytes(
    batch: Batch, tmp_path: Path
) -> None:
    batch.starter.generate(tmp_path, "--num-samples", "2", "--seed", "7", hash_seed=2)
    again = sorted(tmp_path.glob("*/*"))
    assert [contents(sample) for sample in again] == [contents(sample) for sample in batch.samples[:2]]


def test_another_seed_makes_other_samples(batch: Batch, tmp_path: Path) -> None:
    batch.starter.generate(tmp_path, "--num-samples", "1", "--seed", "8")
    [other] = tmp_path.glob("*/*")
    for sample in batch.samples:
        assert not {"first_frame.png", "final_frame.png", "ground_truth.mp4"} & {
            name for name, content in contents(sample).items() if content == contents(other)[name]
        }


def test_videos_are_h264_in_the_format_that_everything_plays(batch: Batch) -> None:
    for sample in batch.samples:
        with av.open(sample / "ground_truth.mp4") as container:
            [stream] = container.streams
            codec = stream.codec_context
            assert (codec.name, codec.pix_fmt, codec.width, codec.height) == ("h264", "yuv420p", 1024, 1024)
            assert stream.average_rate == 16
            assert 3 * 16 <= stream.frames <= 10 * 16
            assert (codec.color_primaries, codec.color_trc, codec.colorspace) == (1, 1, 1)  # BT.709
            assert codec.color_range == 1  # limited
        video = (sample / "ground_truth.mp4").read_bytes()
        assert video.index(b"moov") < video.index(b"mdat")
        assert len(video) < 600_000


def test_videos_begin_and_end_with_the_samples_frames(batch: Batch) -> None:
    for sample in batch.samples:
        with av.open(sample / "ground_truth.mp4") as container:
            frames = container.decode(video=0)
            first = next(frames)
            [last] = deque(frames, maxlen=1)
        for frame, name in ((first, "first_frame.png"), (last, "final_frame.png")):
            picture = Image.open(sample / name)
            assert (picture.size, picture.mode) == ((1024, 1024), "RGB")
            difference = ImageChops.difference(frame.to_image(), picture)
            assert max(ImageStat.Stat(difference).mean) < 3
            worst_block = max(high for _, high in difference.reduce(16).getextrema())
            assert worst_block < 24, f"{name} of {sample.name}"


def test_the_final_frame_differs_from_the_first(batch: Batch) -> None:
    for sample in batch.samples:
        frames = [Image.open(sample / name) for name in ("first_frame.png", "final_frame.png")]
        assert ImageChops.difference(*frames).getbbox() is not None


@pytest.mark.parametrize(("option", "value"), [("--num-samples", "0"), ("--seed", "-1")])
def test_bad_arguments_exit_with_2_and_say_which(
    starter: Starter, tmp_path: Path, option: str, value: str
) -> None:
    done = starter.generate(tmp_path / "out", "--num-samples", "1", option, value)
    assert done.returncode == 2
    assert f"argument {option}: must be a whole number" in done.stderr
    assert not (tmp_path / "out").exists()
