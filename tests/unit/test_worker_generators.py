"""What becomes of a task whose generator does as it likes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from generators.sample import puzzle
from places import Place, check_dataset, processes_below, tree, wait_until

from vbvr_cli.models import FailureCode, Rounds, TaskState

GOOD_NATURED = [
    "good",
    "good_video",
    "output_dir",
    "several_tasks",
    "many_processes",
    "uses_hash",
    "old_metadata",
    "runs_git",
    "depends_on_num_samples",
    "streamed",
    "overridden",
    "prints_megabytes",
    "writes_too_many",
    "writes_into_its_own_folder",
    "leaves_files",
]


@pytest.mark.parametrize("name", GOOD_NATURED)
def test_samples_are_complete_and_the_same_bytes_another_time_elsewhere(name: str, make_place) -> None:
    here, there = make_place("here"), make_place("there")
    for place in (here, there):
        place.make(name, 7, batch_size=4)
        assert place.reasons() == []
        check_dataset(place, name, 7)
    assert tree(here.dest) == tree(there.dest)


@pytest.mark.parametrize(
    "name", ["writes_into_its_own_folder", "leaves_files", "prints_megabytes", "runs_git"]
)
def test_the_generators_own_folder_stays_as_it_is(name: str, place: Place) -> None:
    place.add(name)
    before = tree(place.generators)
    place.make(name, 4, batch_size=2)
    assert tree(place.generators) == before


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_the_copy_that_a_generator_works_on_is_writable_though_its_own_folder_is_not(place: Place) -> None:
    place.add("good")
    folder = place.generators / "good"
    program = folder / "examples" / "generate.py"
    modes = "{path.stat().st_mode & 0o200 for path in Path(__file__).parents[1].rglob('*')}"
    program.write_text(f"from pathlib import Path\nassert {modes} == {{0o200}}\n" + program.read_text())
    for path in (*folder.rglob("*"), folder):
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        place.make("good", samples=1)
        assert place.record("good").state is TaskState.DONE
    finally:
        for path in (folder, *(one for one in folder.rglob("*") if one.is_dir())):
            path.chmod(path.stat().st_mode | 0o200)


def test_processes_that_outlive_their_generator_are_gone(place: Place) -> None:
    place.make("leaves_processes", 1)
    (line,) = check_dataset(place, "leaves_processes", 1)
    pids = (place.sample(line) / "pids.txt").read_text().split()
    assert len(pids) == 3
    wait_until(lambda: not any(_runs(pid) for pid in pids), "the processes to be gone")
    assert processes_below(place.scratch) == []


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_nothing_is_left_in_the_scratch_folder(place: Place) -> None:
    for name in ("leaves_files", "always_fails", "several_tasks"):
        place.make(name, 3)
    assert list(place.scratch.iterdir()) == []


def test_a_batch_from_hash_of_str_is_another_in_every_task(place: Place) -> None:
    place.make("uses_hash", 6, batch_size=2)
    assert len({line.param_hash for line in place.lines("uses_hash")}) == 6


def test_samples_of_several_task_folders_are_numbered_by_folder_then_by_number(place: Place) -> None:
    place.make("several_tasks", 24)
    ids = [line.task_id for line in check_dataset(place, "several_tasks", 24)]
    expected = ["apple"] * 8 + ["mango"] * 8 + ["zebra"] * 8
    assert ids == [f"{name}_{index:08d}" for index, name in enumerate(expected)]
    shades = [place.metadata(line)["parameters"]["shade"] for line in place.lines("several_tasks")]
    seed = place.tasks("several_tasks")[0].seed
    by_folder = [position for domain in (1, 2, 0) for position in range(domain, 24, 3)]
    assert shades == [puzzle(seed, position) for position in by_folder]


def test_what_is_written_beyond_the_request_is_left_out(place: Place) -> None:
    place.make("writes_too_many", 5, batch_size=3)
    check_dataset(place, "writes_too_many", 5)


def test_a_sample_too_few_is_made_anew_alone(place: Place) -> None:
    place.make("writes_too_few", 10)
    *_, last = check_dataset(place, "writes_too_few", 10)
    assert (last.position, last.num_samples, last.round) == (9, 1, 1)
    outcome = place.record("writes_too_few").outcome
    assert outcome is not None
    assert outcome.remade == 1


@pytest.mark.parametrize("name", ["one_in_twenty_is_broken", "writes_links", "unsafe_names"])
def test_a_generator_with_one_bad_sample_in_twenty_loses_none(name: str, place: Place) -> None:
    place.make(name, 60, batch_size=60)
    check_dataset(place, name, 60)
    record = place.record(name)
    assert record.rounds is not None
    assert 1 <= len(record.rounds.remakes) <= 3


def test_samples_that_are_odd_in_every_way_are_made_anew(place: Place) -> None:
    place.make("odd_samples", 70, batch_size=70)
    assert place.reasons() == []
    check_dataset(place, "odd_samples", 70)
    rounds = place.record("odd_samples").rounds
    assert rounds is not None
    assert [remake.position for remake in rounds.remakes] == list(range(7))


def test_more_than_a_tenth_of_bad_samples_is_no_dataset(place: Place) -> None:
    place.make("writes_far_too_few", 20)
    ((code, detail),) = place.reasons()
    assert code == FailureCode.MISSING_SAMPLES
    assert detail == "10 of 20 samples after 3 rounds: wrote 10 of 20 samples"
    assert not (place.dest / "questions").exists()


@pytest.mark.parametrize("name", ["writes_nothing", "removes_its_output"])
def test_a_generator_that_leaves_nothing_is_dead_at_once(name: str, place: Place) -> None:
    place.make(name, 4)
    assert place.reasons() == [
        (FailureCode.MISSING_SAMPLES, "4 of 4 samples after 3 rounds: wrote 0 of 4 samples")
    ]
    assert place.record(name).attempts == 1


def test_a_generator_that_always_raises_is_dead_with_its_last_line_and_output(place: Place) -> None:
    place.make("always_fails", 4)
    record = place.record("always_fails")
    assert (record.state, record.attempts) == (TaskState.DEAD, 1)
    assert record.reason is not None
    assert record.reason.code is FailureCode.GENERATOR_FAILED
    assert record.reason.detail == "exit code 1: RuntimeError: this generator is out of order"
    assert "Traceback" in record.reason.output


@pytest.mark.parametrize("name", ["fails_on_some_seeds", "crashes_on_some_seeds"])
def test_a_seed_that_fails_gives_way_to_that_of_the_next_round(name: str, place: Place) -> None:
    place.make(name, 40, batch_size=2)
    dead = {record.task.start_index for record in place.records(name) if record.state is TaskState.DEAD}
    odd = [record for record in place.records(name) if record.task.seed % 2]
    assert odd
    for record in odd:
        if record.task.start_index not in dead:
            assert record.rounds is not None
            assert record.rounds.task_round in (1, 2)
    for line in place.lines(name):
        assert line.seed % 2 == 0
        generation = place.metadata(line)["generation"]
        assert (generation["seed"], generation["round"]) == (line.seed, line.round)
    assert {line.index for line in place.lines(name)} == set(range(40)) - {
        index for start in dead for index in (start, start + 1)
    }


def test_a_signal_that_says_nothing_of_the_seed_is_tried_three_times(place: Place) -> None:
    place.make("kills_itself", 2)
    record = place.record("kills_itself")
    assert (record.state, record.attempts) == (TaskState.DEAD, 3)
    assert record.reason is not None
    assert record.reason.code is FailureCode.GENERATOR_KILLED
    assert "the end is near" in record.reason.output


def test_out_of_time_says_how_far_it_came_and_which_batch_would_do(place: Place) -> None:
    place.tuned = {"time_limit_seconds": 0.8}
    place.make("hangs", 10)
    record = place.record("hangs")
    assert record.attempts == 1
    assert place.reasons() == [
        (FailureCode.OUT_OF_TIME, "2 of 10 samples in 0.8 s; redrive with --batch-size 1")
    ]
    assert record.reason is not None
    assert record.reason.output == "two samples are there\n"
    assert list(place.scratch.iterdir()) == []
    assert processes_below(place.scratch) == []


def test_out_of_memory_says_which_batch_would_do(place: Place) -> None:
    place.tuned = {"memory_mb": 200}
    place.make("allocates_too_much", 20)
    assert place.reasons() == [
        (FailureCode.OUT_OF_MEMORY, "more than 200 MB for 20 samples; redrive with --batch-size 8")
    ]
    place.make("allocates_too_much", 24, append=True, batch_size=4, seed=1)
    assert len(place.reasons()) == 1


def test_processes_that_together_take_too_much_memory_are_out_of_memory(place: Place) -> None:
    place.tuned = {"memory_mb": 160}
    place.make("children_allocate_too_much", 2)
    assert [code for code, _ in place.reasons()] == [FailureCode.OUT_OF_MEMORY]


def test_of_megabytes_of_output_the_tail_is_kept(place: Place) -> None:
    place.add("prints_megabytes")
    program = place.generators / "prints_megabytes" / "examples" / "generate.py"
    program.write_text(program.read_text() + "raise SystemExit('and then it failed')\n")
    place.make("prints_megabytes", 1)
    reason = place.record("prints_megabytes").reason
    assert reason is not None
    assert reason.detail == "exit code 1: and then it failed"
    assert reason.output.endswith("\nthe last line\nand then it failed\n")
    assert len(reason.output) <= 8192


def test_a_task_that_no_sample_can_be_named_after_is_broken(place: Place) -> None:
    place.make("unsafe_task", 4)
    ((code, detail),) = place.reasons()
    assert code == FailureCode.BROKEN_SAMPLES
    assert "cannot be part of a sample's name" in detail


def test_git_finds_no_repository_of_vbvr_around_the_generator(place: Place) -> None:
    subprocess.run(["git", "init", "-q", place.home.parent], check=True)
    place.make("runs_git", 1)
    (line,) = place.lines("runs_git")
    metadata = place.metadata(line)
    assert metadata["git"] == ""
    commit = place.find("runs_git").provenance.commit
    assert metadata["generation"]["git"] == {"commit": commit, "branch": None, "repo": None}


def test_metadata_leaves_in_the_datasets_own_form(place: Place) -> None:
    run = place.make("old_metadata", 3, batch_size=2, seed=9)
    line = place.lines("old_metadata")[2]
    task = place.tasks("old_metadata")[1]
    shade = puzzle(task.seed, 0)
    assert place.metadata(line) == {
        "task_id": "dot_00000002",
        "generator": "old_metadata",
        "timestamp": "1970-01-01T00:00:00+00:00",
        "parameters": {"shade": shade},
        "param_hash": line.param_hash,
        "param_hash_source": "parameters",
        "generation": {
            "seed": task.seed,
            "num_samples": 1,
            "position": 0,
            "run_id": run.key.run_id,
            "round": 0,
            "git": {"commit": place.find("old_metadata").provenance.commit, "branch": None, "repo": None},
        },
        "difficulty": "easy",
        "created_at": "1970-01-01T00:00:00+00:00",
    }
    assert not (place.sample(line) / "question_metadata.json").exists()


@pytest.mark.parametrize(
    "name",
    ["good", "depends_on_num_samples", "writes_too_few", "fails_on_some_seeds", "uses_hash", "streamed"],
)
def test_a_samples_metadata_makes_it_again(name: str, place: Place, tmp_path: Path) -> None:
    place.make(name, 10, batch_size=10, seed=3)
    for number, line in enumerate(place.lines(name)):
        generation = place.metadata(line)["generation"]
        output = tmp_path / "again" / str(number)
        subprocess.run(
            [
                *(sys.executable, "examples/generate.py"),
                *("--num-samples", str(generation["num_samples"])),
                *("--seed", str(generation["seed"])),
                *("--output", str(output)),
            ],
            cwd=place.generators / name,
            env={
                "PYTHONPATH": ".",
                "PYTHONHASHSEED": str(generation["seed"]),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            check=True,
            capture_output=True,
        )
        made = sorted(path for path in output.glob("*_task/*"))
        again = made[0 if generation["num_samples"] == 1 else generation["position"]]
        for file in ("first_frame.png", "final_frame.png", "prompt.txt"):
            assert (again / file).read_bytes() == (place.sample(line) / file).read_bytes()
        own = json.loads((again / "metadata.json").read_text())
        assert own["parameters"] == place.metadata(line)["parameters"]


def test_a_sample_without_parameters_is_known_by_its_frames(place: Place) -> None:
    place.add("good")
    program = place.generators / "good" / "examples" / "generate.py"
    program.write_text(
        program.read_text()
        + "for file in read_arguments().output.rglob('metadata.json'):\n    file.unlink()\n"
    )
    place.make("good", 4)
    lines = place.lines("good")
    assert len({line.param_hash for line in lines}) == 4
    assert {place.metadata(line)["param_hash_source"] for line in lines} == {"content"}


def test_a_task_whose_seed_did_at_once_has_no_rounds_to_record(place: Place) -> None:
    place.make("good", 3)
    assert place.record("good").rounds is None
    assert place.lines("good")[0].round == Rounds().task_round
