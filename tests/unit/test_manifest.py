"""Manifests and run records: what is written is read back, and what is damaged is named."""

from __future__ import annotations

import pytest

from vbvr_cli.errors import ServiceError
from vbvr_cli.manifest import (
    ManifestArchive,
    ManifestFile,
    ManifestLine,
    RunRecord,
    archive_key,
    manifest_key,
    outcome_of,
    parse_manifest,
    render_manifest,
    render_run_record,
    run_record_key,
)
from vbvr_cli.models import Outcome, Provenance, Run, RunKey, RunSpec, Task

SHA = "0123456789abcdef" * 4
TASK = Task(RunKey("bucket", "cafe"), "maze", start_index=7, num_samples=3, seed=1)


def line(position: int, **changes: object) -> ManifestLine:
    index = TASK.start_index + position
    given = {
        "task_id": f"walk_{index:08d}",
        "generator": "maze",
        "index": index,
        "folder": f"maze/walk_task/walk_{index:08d}",
        "files": (
            ManifestFile(name="a.png", size=10, sha256=SHA),
            ManifestFile(name="b", size=0, sha256=SHA),
        ),
        "seed": 1,
        "num_samples": 3,
        "position": position,
        "round": 0,
        "param_hash": "feed",
    }
    return ManifestLine.model_validate({**given, **changes})


LINES = [line(position) for position in range(3)]


def test_what_is_written_is_read_back() -> None:
    assert parse_manifest("k", render_manifest(LINES)) == LINES
    archived = [line(0, archive=ManifestArchive(key="questions/x.tar.gz", size=5, sha256=SHA))]
    assert parse_manifest("k", render_manifest(archived)) == archived


def test_a_sample_is_one_line() -> None:
    assert render_manifest(LINES).count(b"\n") == 3
    assert b"archive" not in render_manifest(LINES)


def test_a_sample_lies_in_its_files_or_in_its_archive() -> None:
    assert list(LINES[0].object_keys()) == [
        "questions/maze/walk_task/walk_00000007/a.png",
        "questions/maze/walk_task/walk_00000007/b",
    ]
    archived = line(0, archive=ManifestArchive(key="questions/x.tar.gz", size=5, sha256=SHA))
    assert list(archived.object_keys()) == ["questions/x.tar.gz"]


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda data: data[:-1], "cut off"),
        (lambda data: data[:-40], "line 3"),
        (lambda _: b"", "cut off"),
        (lambda data: data.replace(b'"index":8', b'"index":-8'), "line 2"),
        (lambda data: data.replace(SHA.encode(), b"short"), "line 1"),
        (lambda data: b"\n" + data, "line 1"),
    ],
)
def test_a_damaged_manifest_is_named_with_the_line(spoil, named: str) -> None:
    with pytest.raises(ServiceError, match=named) as caught:
        parse_manifest("manifests/maze/cafe/1.jsonl", spoil(render_manifest(LINES)))
    assert "manifests/maze/cafe/1.jsonl" in caught.value.what
    assert "--repair" in (caught.value.hint or "")


def test_keys_say_run_and_range_with_the_end_inclusive() -> None:
    assert manifest_key(TASK) == "manifests/maze/cafe/00000007-00000009.jsonl"
    assert archive_key(TASK) == "questions/maze_00007-00009.tar.gz"


def test_what_a_task_came_to_is_in_its_manifest() -> None:
    lines = [*LINES[:2], line(2, num_samples=1, round=2)]
    assert outcome_of(lines) == Outcome(num_samples=3, num_bytes=30, seconds=0.0, remade=1)


def test_a_run_record_is_read_back_and_the_same_run_gives_the_same_bytes() -> None:
    spec = RunSpec(generator="maze", provenance=Provenance(commit="c"), environment="e")
    run = Run(RunKey("bucket", "cafe"), spec, ((0, 10), (10, 12)))
    data = render_run_record(run)
    assert RunRecord.model_validate_json(data) == RunRecord(spec=spec, extents=((0, 10), (10, 12)))
    assert render_run_record(Run(RunKey("other", "cafe"), spec, run.extents, cancelled=True)) == data
    assert run_record_key(run) == "manifests/maze/cafe/run.json"
