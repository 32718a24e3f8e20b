"""`vbvr generate`, as a user runs it: again, with more, elsewhere, interrupted, with any generators."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from places import Vbvr, tree, wait_until

from vbvr_cli.manifest import parse_manifest


def manifests(dest: Path) -> list[Path]:
    return sorted(dest.glob("manifests/*/*/*.jsonl"))


def indices(dest: Path, generator: str) -> list[int]:
    """Of all samples that the manifests name, each of which is there."""
    lines = [
        line
        for file in manifests(dest)
        if file.parent.parent.name == generator
        for line in parse_manifest(file.name, file.read_bytes())
    ]
    for line in lines:
        for entry in line.files:
            assert (dest / "questions" / line.folder / entry.name).stat().st_size == entry.size
    return sorted(line.index for line in lines)


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """When each file was last written, and which file it is."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_command_again_is_one_run_and_touches_nothing(vbvr: Vbvr) -> None:
    vbvr.add("good", "streamed")
    command = ("generate", "-g", "all", "-n", "6", "-b", "2", "--dest", "data", "--json")
    first = vbvr.ok(*command).json
    assert {run["generator"]: run["samples_done"] for run in first["runs"]} == {"good": 6, "streamed": 6}
    before = stamps(vbvr.folder / "data")
    again = vbvr.ok(*command).json
    assert [run["run_id"] for run in again["runs"]] == [run["run_id"] for run in first["runs"]]
    assert stamps(vbvr.folder / "data") == before
    assert len(vbvr.ok("status", "--json").json) == 2


def test_a_larger_n_extends_and_leaves_the_first_samples_as_they_are(vbvr: Vbvr) -> None:
    vbvr.add("good")
    vbvr.ok("generate", "-g", "good", "-n", "10", "-b", "4", "--dest", "data")
    before = stamps(vbvr.folder / "data" / "questions")
    assert indices(vbvr.folder / "data", "good") == list(range(10))
    extended = vbvr.ok("generate", "-g", "good", "-n", "20", "-b", "4", "--dest", "data", "--json").json
    assert [run["samples_done"] for run in extended["runs"]] == [20]
    assert indices(vbvr.folder / "data", "good") == list(range(20))
    after = stamps(vbvr.folder / "data" / "questions")
    assert {name: after[name] for name in before} == before
    vbvr.ok("generate", "-g", "good", "-n", "5", "-b", "4", "--dest", "data")
    assert stamps(vbvr.folder / "data" / "questions") == after


@pytest.mark.parametrize("output_format", ["files", "tar"])
def test_two_homes_give_the_same_bytes(output_format: str, vbvr: Vbvr) -> None:
    vbvr.add("good", "old_metadata", "uses_hash", "several_tasks")
    for dest in ("a", "b"):
        vbvr.ok(
            *("generate", "-g", "all", "-n", "10", "-s", "7", "-b", "5", "--dest", dest),
            *("--output-format", output_format),
            VBVR_HOME=str(vbvr.folder / f"home-{dest}"),
        )
    compared = subprocess.run(
        ["diff", "-r", "a", "b"], cwd=vbvr.folder, capture_output=True, text=True, check=False
    )
    assert (compared.returncode, compared.stdout) == (0, "")
    assert len(manifests(vbvr.folder / "a")) == 8


def open_gate(vbvr: Vbvr, name: str = "waits_for_a_signal") -> Path:
    """Let a generator wait until the gate has the file `go`; the folder."""
    gate = vbvr.folder / "gate"
    gate.mkdir()
    vbvr.add(name)
    (vbvr.folder / "generators.yaml").write_text(
        f"version: 1\ngenerators:\n  - name: {name}\n    source: {{path: generators/{name}}}\n"
        f"    options: [--gate, {gate}]\n"
    )
    return gate


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_says_how_to_go_on_and_goes_on(number: signal.Signals, vbvr: Vbvr) -> None:
    gate = open_gate(vbvr)
    vbvr.add("good")
    command = ("generate", "-g", "good", "-g", "waits_for_a_signal", "-n", "6", "-b", "2", "--dest", "data")
    process = vbvr.start(*command)
    wait_until(lambda: len(list(gate.glob("waiting-*"))) >= 2, "two generators to wait")
    os.kill(process.pid, number)
    stopped = vbvr.finish(process)
    assert stopped.exit_code == 130
    assert f"Go on with: vbvr {' '.join(command)}" in stopped.stderr
    assert stopped.stdout == ""
    data = vbvr.folder / "data"
    before = stamps(data / "questions") if (data / "questions").exists() else {}
    assert not list((vbvr.state / "tmp").iterdir())
    assert not (data / ".tmp").exists()

    (gate / "go").touch()
    vbvr.ok(*command)
    assert indices(data, "good") == indices(data, "waits_for_a_signal") == list(range(6))
    after = stamps(data / "questions")
    assert {name: after[name] for name in before} == before
    shown = vbvr.ok("status", "--json").json
    assert {run["samples_done"] for run in shown} == {6}


def test_after_kill_9_the_same_command_goes_on_at_once(vbvr: Vbvr) -> None:
    gate = open_gate(vbvr)
    command = ("generate", "-g", "all", "-n", "4", "-b", "2", "--workers", "2", "--dest", "data")
    process = vbvr.start(*command)
    wait_until(lambda: len(list(gate.glob("waiting-*"))) == 2, "both generators to wait")
    process.kill()
    process.communicate()
    (gate / "go").touch()
    vbvr.ok(*command)
    assert indices(vbvr.folder / "data", "waits_for_a_signal") == [0, 1, 2, 3]
    assert not list((vbvr.state / "tmp").iterdir())


def worker_processes(vbvr: Vbvr) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if b"VBVR_SUPERVISED=1" in environment and f"VBVR_HOME={vbvr.state}\0".encode() in environment:
            found.append(int(entry.name))
    return found


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds workers by /proc")
def test_a_worker_that_is_killed_is_replaced_and_the_command_completes(vbvr: Vbvr) -> None:
    gate = open_gate(vbvr)
    process = vbvr.start("generate", "-g", "all", "-n", "2", "--workers", "1", "--dest", "data")
    wait_until(lambda: list(gate.glob("waiting-*")), "the generator to wait")
    (worker,) = worker_processes(vbvr)
    os.kill(worker, signal.SIGKILL)
    (gate / "go").touch()
    assert vbvr.finish(process).exit_code == 0
    assert indices(vbvr.folder / "data", "waits_for_a_signal") == [0, 1]


def test_of_misbehaving_generators_what_can_be_made_is_made_and_the_rest_has_reasons(vbvr: Vbvr) -> None:
    fine = (
        "good",
        "one_in_twenty_is_broken",
        "writes_into_its_own_folder",
        "prints_megabytes",
        "leaves_processes",
        "leaves_files",
        "writes_too_many",
    )
    doomed = {
        "always_fails": "generator_failed",
        "hangs": "out_of_time",
        "writes_nothing": "missing_samples",
        "allocates_too_much": "out_of_memory",
        "unsafe_task": "broken_samples",
    }
    vbvr.add(*fine, *doomed)
    (vbvr.folder / "figures.yaml").write_text(
        "version: 1\ngenerators:\n  hangs: {time_limit_seconds: 1}\n  allocates_too_much: {memory_mb: 256}\n"
    )
    ended = vbvr("generate", "-g", "all", "-n", "20", "--dest", "data", "--json")
    assert ended.exit_code == 5
    done = {run["generator"]: run["samples_done"] for run in ended.json["runs"]}
    assert done == {**dict.fromkeys(fine, 20), **dict.fromkeys(doomed, 0)}
    for name in fine:
        assert indices(vbvr.folder / "data", name) == list(range(20))
    listed = vbvr.ok("dlq", "list", "--json").json
    assert {entry["generator"]: entry["code"] for entry in listed["entries"]} == doomed
    assert listed["letters"] == len(doomed)
    assert all(entry["detail"] and entry["samples"] == 20 for entry in listed["entries"])
    for line in vbvr.ok("dlq", "list").stdout.splitlines():
        generator, code, *_ = line.split("\t")
        assert doomed[generator] == code
    assert vbvr("generate", "-g", "all", "-n", "20", "--dest", "data").exit_code == 5


def test_a_lost_ledger_costs_nothing_that_was_finished(vbvr: Vbvr) -> None:
    vbvr.add("good")
    vbvr.ok("generate", "-g", "good", "-n", "6", "-b", "2", "--dest", "data")
    before = stamps(vbvr.folder / "data" / "questions")
    manifests(vbvr.folder / "data")[1].unlink()
    shutil.rmtree(vbvr.state)
    made = vbvr.ok("generate", "-g", "good", "-n", "8", "-b", "2", "--dest", "data", "--json").json
    assert [run["samples_done"] for run in made["runs"]] == [8]
    assert indices(vbvr.folder / "data", "good") == list(range(8))
    after = stamps(vbvr.folder / "data" / "questions")
    untouched = {name for name in before if before[name] == after[name]}
    assert {name.split("/")[2] for name in set(before) - untouched} == {"dot_00000002", "dot_00000003"}


def test_a_run_whose_description_was_lost_is_described_again(vbvr: Vbvr) -> None:
    vbvr.add("good")
    vbvr.ok("generate", "-g", "good", "-n", "2", "--dest", "data")
    (record,) = (vbvr.folder / "data").glob("manifests/good/*/run.json")
    described = record.read_bytes()
    record.unlink()
    vbvr.ok("generate", "-g", "good", "-n", "2", "--dest", "data")
    assert record.read_bytes() == described


def test_an_overlap_is_refused_and_append_and_replace_are_the_ways_out(vbvr: Vbvr) -> None:
    vbvr.add("good")
    data = vbvr.folder / "data"
    first = vbvr.ok("generate", "-g", "good", "-n", "4", "--dest", "data", "--json").json["runs"][0]["run_id"]
    other = ("generate", "-g", "good", "-n", "4", "-s", "1", "--dest", "data")
    before = tree(data)
    refused = vbvr(*other)
    assert refused.exit_code == 2
    assert first in refused.stderr
    assert "--append" in refused.stderr
    assert "--replace" in refused.stderr
    assert tree(data) == before
    assert len(vbvr.ok("status", "--json").json) == 1

    vbvr.ok(*other, "--append")
    assert indices(data, "good") == list(range(8))
    after = tree(data)
    assert {name: after[name] for name in before} == before
    vbvr.ok(*other, "--append")
    assert tree(data) == after

    vbvr.ok("generate", "-g", "good", "-n", "3", "-s", "2", "--dest", "data", "--replace")
    assert indices(data, "good") == [0, 1, 2, 4, 5, 6, 7]
    assert {run["run_id"] for run in vbvr.ok("status", "--json").json}.isdisjoint({first})


def test_a_run_whose_workers_were_killed_can_be_replaced(vbvr: Vbvr) -> None:
    gate = open_gate(vbvr)
    process = vbvr.start("generate", "-g", "all", "-n", "2", "--workers", "1", "--dest", "data")
    wait_until(lambda: list(gate.glob("waiting-*")), "the generator to wait")
    workers = worker_processes(vbvr)
    process.kill()
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    process.communicate()
    (gate / "go").touch()
    vbvr.ok("generate", "-g", "all", "-n", "2", "-s", "1", "--dest", "data", "--replace")
    assert indices(vbvr.folder / "data", "waits_for_a_signal") == [0, 1]


def test_one_generator_that_overlaps_does_not_keep_the_others_from_being_made(vbvr: Vbvr) -> None:
    vbvr.add("good")
    vbvr.ok("generate", "-g", "good", "-n", "2", "--dest", "data")
    vbvr.add("output_dir")
    ended = vbvr("generate", "-g", "all", "-n", "2", "-s", "1", "--dest", "data", "--json")
    assert ended.exit_code == 5
    assert list(ended.json["refused"]) == ["good"]
    assert indices(vbvr.folder / "data", "output_dir") == [0, 1]


def test_dedup_and_tar_are_terms_of_a_run_like_others(vbvr: Vbvr) -> None:
    vbvr.add("good")
    command = ("generate", "-g", "good", "-n", "4", "-b", "2", "--dest", "data")
    vbvr.ok(*command, "--dedup", "--output-format", "tar")
    archives = sorted(path.name for path in (vbvr.folder / "data" / "questions").iterdir())
    assert archives == ["good_00000-00001.tar.gz", "good_00002-00003.tar.gz"]
    assert vbvr(*command).exit_code == 2
