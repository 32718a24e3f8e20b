"""Samples written one at a time from inside a generator: the same bytes as a plain run, in little memory."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from places import Place, check_dataset, tree

from vbvr_cli.models import FailureCode
from vbvr_cli.worker.runner import run_generator

SEED = 5


def run_plain(place: Place, name: str, output: Path, samples: int) -> None:
    subprocess.run(
        [
            *(sys.executable, "examples/generate.py", "--output", str(output)),
            *("--num-samples", str(samples), "--seed", str(SEED)),
        ],
        cwd=place.generators / name,
        env={"PYTHONPATH": ".", "PYTHONHASHSEED": str(SEED), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
    )


def run_streaming(place: Place, name: str, folder: Path, samples: int) -> list[str]:
    """The names of the samples as they were announced; what was written is in `folder / "output"`."""
    announced: list[str] = []
    folder.mkdir()
    ended = run_generator(
        place.find(name),
        num_samples=samples,
        seed=SEED,
        folder=folder,
        deadline=time.monotonic() + 60,
        on_sample=lambda sample: announced.append(sample.name),
    )
    assert ended.exit_code == 0, ended.output
    return announced


@pytest.mark.parametrize(("name", "streams"), [("streamed", True), ("overridden", False), ("good", False)])
def test_what_is_written_is_the_same_as_in_a_plain_run(
    name: str, streams: bool, place: Place, tmp_path: Path
) -> None:
    place.add(name)
    run_plain(place, name, tmp_path / "plain", 6)
    announced = run_streaming(place, name, tmp_path / "streaming", 6)
    assert tree(tmp_path / "streaming" / "output") == tree(tmp_path / "plain")
    assert announced == ([f"square_{number:04d}" for number in range(6)] if streams else [])


def edit(place: Place, file: str, old: str, new: str) -> None:
    path = place.generators / "streamed" / file
    text = path.read_text()
    assert old in text
    path.write_text(
        text.replace(old, new).replace("SLOTS", repr("task_id domain prompt first_image final_image"))
    )


SCRIPT, BASE, WRITER = "examples/generate.py", "core/base_generator.py", "core/output_writer.py"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (SCRIPT, "    print(f", "    pairs[0].prompt += '!'\n    print(f"),
        (SCRIPT, ".write_dataset(pairs)", ".write_dataset(list(reversed(pairs)))"),
        (SCRIPT, "OutputWriter(arguments.output)", "OutputWriter(arguments.output + '/deeper')"),
        (SCRIPT, "OutputWriter(arguments.output)", "OutputWriter(arguments.output or 'data')"),
        (WRITER, "in pairs:", "in sorted(pairs, key=lambda pair: pair.prompt):"),
        (WRITER, "  written.append", "  pair.task_id += 'x'\n            written.append"),
        (BASE, "return pairs", "return pairs[::-1]"),
        (BASE, "return pairs", "return pairs[1:]"),
        ("core/task_pair.py", '"""One puzzle', "__slots__ = tuple(SLOTS.split())\n    " + '"""One puzzle'),
    ],
)
def test_one_that_does_more_with_its_samples_gives_the_same_too(
    file: str, old: str, new: str, place: Place, tmp_path: Path
) -> None:
    place.add("streamed")
    edit(place, file, old, new)
    run_plain(place, "streamed", tmp_path / "plain", 5)
    run_streaming(place, "streamed", tmp_path / "streaming", 5)
    assert tree(tmp_path / "streaming" / "output") == tree(tmp_path / "plain")


def test_samples_that_the_generator_drops_again_leave_no_hole(place: Place) -> None:
    place.add("streamed")
    edit(place, "core/base_generator.py", "return pairs", "return pairs[1:] or pairs")
    place.make("streamed", 12)
    check_dataset(place, "streamed", 12)
    record = place.record("streamed")
    assert record.rounds is not None
    assert [remake.position for remake in record.rounds.remakes] == [11]


def test_memory_stays_flat_where_samples_are_written_one_at_a_time(place: Place) -> None:
    place.tuned = {"memory_mb": 160}
    place.make("streamed_large", 12)
    assert place.reasons() == []
    check_dataset(place, "streamed_large", 12)
    place.make("overridden_large", 12)
    assert [code for code, _ in place.reasons()] == [FailureCode.OUT_OF_MEMORY]


def test_a_generator_may_announce_what_is_no_sample(place: Place) -> None:
    place.add("good")
    program = place.generators / "good" / "examples" / "generate.py"
    program.write_text(
        program.read_text()
        + "import os\n"
        + "for line in (b'no json', b'{}', b'{\"sample\": 3}', b'{\"sample\": \"../../..\"}', b'\\xff'):\n"
        + "    os.write(int(os.environ['VBVR_EVENTS_FD']), line + b'\\n')\n"
    )
    place.make("good", 3)
    assert place.reasons() == []
    check_dataset(place, "good", 3)
