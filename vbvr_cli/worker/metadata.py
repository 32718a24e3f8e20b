"""Turns what a generator wrote as metadata into the dataset's own form."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from vbvr_cli.models import Provenance
from vbvr_cli.worker.validation import BrokenSampleError

METADATA = "metadata.json"
OLD_METADATA = "question_metadata.json"
CLOCK_READINGS = ("created_at", "generated_at", "creation_time", "date")
"""Keys under which generators leave the time of day; it would make each run's bytes its own."""
SEED_KEY = re.compile(r"(^|_)seed$", re.IGNORECASE)


def normalise_metadata(
    folder: Path,
    *,
    task_id: str,
    generator: str,
    provenance: Provenance,
    generation: dict[str, Any],
) -> str:
    """Write the sample's `metadata.json` and return its param_hash.

    What the generator gave beyond the known fields is kept. Raises BrokenSampleError where its metadata is
    not a JSON object.
    """
    own = _read_own(folder)
    parameters = own.get("parameters")
    if not isinstance(parameters, dict):
        parameters = {}
    try:
        param_hash, source = _param_hash(folder, own, parameters)
    except UnicodeEncodeError as error:
        raise BrokenSampleError(f"{METADATA} holds text that is not Unicode: {error.reason}") from error
    known = {
        "task_id": task_id,
        "generator": generator,
        "timestamp": provenance.timestamp,
        "parameters": parameters,
        "param_hash": param_hash,
        "param_hash_source": source,
        "generation": {
            **generation,
            "git": {
                "commit": provenance.commit,
                "branch": provenance.branch,
                "repo": provenance.repo,
            },
        },
    }
    others = {key: _fix_time(key, value, provenance) for key, value in own.items() if key not in known}
    text = json.dumps({**known, **others}, ensure_ascii=False, indent=2) + "\n"
    try:
        (folder / METADATA).write_text(text, encoding="utf-8")
    except UnicodeEncodeError as error:
        raise BrokenSampleError(f"{METADATA} holds text that is not Unicode: {error.reason}") from error
    (folder / OLD_METADATA).unlink(missing_ok=True)
    return param_hash


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no white space and no seeds: equal puzzles give equal text."""
    return json.dumps(_without_seeds(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _read_own(folder: Path) -> dict[str, Any]:
    for name in (METADATA, OLD_METADATA):
        try:
            metadata = json.loads((folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except IsADirectoryError as error:
            raise BrokenSampleError(f"{name} is a folder") from error
        except (ValueError, RecursionError) as error:
            raise BrokenSampleError(f"{name} is not JSON: {type(error).__name__}") from error
        if not isinstance(metadata, dict):
            raise BrokenSampleError(f"{name} is not a JSON object")
        return metadata
    return {}


def _param_hash(folder: Path, own: dict[str, Any], parameters: dict[str, Any]) -> tuple[str, str]:
    given = own.get("param_hash")
    if own.get("param_hash_source", "generator") == "generator" and isinstance(given, str):
        return given, "generator"
    if parameters:
        return _sha256(canonical_json(parameters).encode()), "parameters"
    frames = [folder / name for name in ("first_frame.png", "final_frame.png")]
    return _sha256(b"\x00".join(frame.read_bytes() for frame in frames if frame.exists())), "content"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _fix_time(key: str, value: Any, provenance: Provenance) -> Any:
    return provenance.timestamp if key in CLOCK_READINGS and isinstance(value, str) else value


def _without_seeds(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_seeds(part) for key, part in value.items() if not SEED_KEY.search(str(key))}
    if isinstance(value, list):
        return [_without_seeds(part) for part in value]
    return value
