"""Logs and metrics of a function: one JSON object a line, on the standard output, without calling anybody."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

PASSING_ON = logging.WARNING
"""From this level on, what libraries log is kept; of vbvr's own, all from INFO on."""
_COUNTS = frozenset({"Seconds", "Bytes"})


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object, with `fields` on every line: what is being worked on."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, Any] = {}

    def format(self, record: logging.LogRecord) -> str:
        """The line, with its end: what the runtime's handler writes, it writes as it is."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            **self.fields,
            **getattr(record, "fields", {}),
        }
        if record.levelno >= logging.ERROR and record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str) + "\n"


def set_up() -> JsonLines:
    """Let all logging of this process be JSON lines; the formatter's fields may be changed at any time."""
    formatter = JsonLines()
    root = logging.getLogger()
    if not root.handlers:  # the runtime has put its own there
        stream = logging.StreamHandler(sys.stdout)
        stream.terminator = ""
        root.addHandler(stream)
    for handler in root.handlers:
        handler.setFormatter(formatter)
    root.setLevel(PASSING_ON)
    for name in ("vbvr_cli", "lambda_image"):
        logging.getLogger(name).setLevel(logging.INFO)
    return formatter


class Metrics:
    """Writes measurements in CloudWatch's embedded metric format.

    One dimension, the stack: each further one would be billed for each of its values. What else is known of
    the task stands beside, for CloudWatch Logs Insights.
    """

    def __init__(self, namespace: str, stack: str) -> None:
        self._namespace = namespace
        self._stack = stack

    def put(self, values: Mapping[str, float], fields: Mapping[str, Any]) -> None:
        """Write one line with the given values."""
        if not values:
            return
        metrics = [
            {"Name": name, "Unit": name if name in _COUNTS else "Count"} for name, value in values.items()
        ]
        directive = {"Namespace": self._namespace, "Dimensions": [["Stack"]], "Metrics": metrics}
        line = {
            "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
            "Stack": self._stack,
            **fields,
            **values,
        }
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()
