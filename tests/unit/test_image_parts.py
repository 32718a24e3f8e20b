"""The small parts of the functions."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from lambda_image.environment import FunctionSettings
from lambda_image.faults import flat, one_line
from lambda_image.logs import JsonLines
from lambda_image.work_function import Limits
from vbvr_cli.errors import ConfigurationError, RangeTakenError, ServiceError

ENVIRONMENT = {
    "AWS_REGION": "us-east-2",
    "SQS_QUEUE_URL": "https://queue",
    "SQS_DLQ_URL": "https://dlq",
    "OUTPUT_BUCKET": "bucket",
    "LEDGER_TABLE_NAME": "ledger",
    "DEDUP_TABLE_NAME": "dedup",
}


def test_settings_come_from_the_environment_alone() -> None:
    settings = FunctionSettings.read({**ENVIRONMENT, "VBVR_EXTRA_BUCKETS": "one, two,", "VBVR_STACK": "mine"})
    assert settings.resources.extra_buckets == ("one", "two")
    assert (settings.stack, settings.metrics_namespace, settings.tmp) == ("mine", "vbvr", None)
    assert settings.home == Path("/tmp/vbvr")


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ConfigurationError, match="lacks OUTPUT_BUCKET, LEDGER_TABLE_NAME"):
        FunctionSettings.read({**ENVIRONMENT, "OUTPUT_BUCKET": "", "LEDGER_TABLE_NAME": ""})


@pytest.mark.parametrize(
    ("remaining", "samples", "seconds"),
    [(900, 25, 895), (900, 1000, 800), (900, 450, 855), (20, 1000, 15), (8, 1, 6)],
)
def test_a_task_leaves_time_for_uploading_but_never_more_than_a_quarter(
    remaining: float, samples: int, seconds: float
) -> None:
    assert Limits.of(remaining, samples, 3072).seconds == seconds


def test_a_task_leaves_memory_for_the_function_itself() -> None:
    assert Limits.of(900, 1, 3072).memory_mb == 2816
    assert Limits.of(900, 1, 128).memory_mb == 64


def test_an_error_is_one_line_with_all_that_it_says() -> None:
    error = ServiceError("It failed", why="the disk\nis full.", hint="Free some")
    assert one_line(error) == "It failed. the disk is full. Free some."
    assert type(flat(error)) is ServiceError
    taken = flat(RangeTakenError("good", (0, 4), "run", (0, 2)))
    assert str(taken).startswith("good: samples 0-3 overlap samples 0-1 of run run. ")


def test_a_line_of_the_log_is_json_with_what_is_worked_on() -> None:
    lines = JsonLines()
    lines.fields = {"run": "r"}
    record = logging.LogRecord("vbvr_cli", logging.INFO, "", 0, "%s\nmade", ("two",), None)
    record.fields = {"seconds": 1.5}
    written = lines.format(record)
    assert written.endswith("}\n")
    assert written.count("\n") == 1
    line = json.loads(written)
    assert (line["message"], line["run"], line["seconds"]) == ("two\nmade", "r", 1.5)


SANDBOX = """
import os, subprocess, sys
from pathlib import Path
from lambda_image.sandbox import Sandbox, adopt_orphans
import psutil

tmp = Path(sys.argv[1])
adopt_orphans()
try:
    with Sandbox(tmp, tmp / "not-there"):
        assert list(tmp.iterdir()) == [], "it began empty"
        (tmp / "locked").mkdir()
        (tmp / "locked" / "file").touch()
        (tmp / "locked").chmod(0)
        (tmp / "link").symlink_to(tmp.parent / "outside")
        (tmp / "dangling").symlink_to(tmp / "nowhere")
        forgotten = "cd / && env -i setsid sleep 100 >/dev/null 2>&1 & exec sleep 100"
        subprocess.Popen(["sh", "-c", forgotten], start_new_session=True)
        subprocess.run(["sh", "-c", "env -i setsid sleep 100 >/dev/null 2>&1 &"], check=True)
        raise ZeroDivisionError
except ZeroDivisionError:
    print(list(tmp.iterdir()), psutil.Process().children(recursive=True))
"""


def test_a_sandbox_leaves_no_file_and_no_process_whatever_was_in_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    (tmp_path / "tmp" / "old" / "deep").mkdir(parents=True)
    finished = subprocess.run(  # it kills all children of its process, which are not to be pytest's
        [sys.executable, "-c", SANDBOX, tmp_path / "tmp"], check=False, capture_output=True, text=True
    )
    assert finished.stdout == "[] []\n", finished.stderr
    assert (outside / "kept").exists()
