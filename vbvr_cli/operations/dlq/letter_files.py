"""Dead letters as files, one JSON document a message, that a person may read, mend and redrive."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from vbvr_cli.backends.ports import DeadLetter, TaskQueue
from vbvr_cli.errors import ConfigurationError, InvalidRequestError, ServiceError
from vbvr_cli.models import FailureCode, Reason
from vbvr_cli.operations.dlq.leasing import leased_letters

UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
DONE_FOLDER = "redriven"


class LetterFile(BaseModel):
    """What a file says of a dead letter. `body` is the message: mend it there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    body: str | dict[str, object]
    receive_count: int = 0
    died_at: float = 0.0
    code: FailureCode | None = None
    detail: str = ""
    output: str = ""
    attributes: dict[str, str] = {}

    @property
    def reason(self) -> Reason | None:
        """Why it died, if anybody said so."""
        return Reason(self.code, self.detail, self.output) if self.code else None

    @property
    def text(self) -> str:
        """The message as it is sent."""
        return self.body if isinstance(self.body, str) else json.dumps(self.body)


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What a download wrote, what was there already, and what it deleted from the queue."""

    written: int
    present: int
    deleted: int


def download_letters(queue: TaskQueue, folder: Path, *, delete: bool) -> Downloaded:
    """Write each dead letter to `{folder}/{id}.json`, a letter never twice.

    With `delete` a letter leaves the queue once its file is on the disk. Raises ConfigurationError where
    the folder cannot be written.
    """
    written = present = deleted = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with leased_letters(queue) as letters:
            for letter in letters:
                file = folder / f"{UNSAFE.sub('_', letter.id)}.json"
                if file.exists() or (folder / DONE_FOLDER / file.name).exists():
                    present += 1
                else:
                    _write_synced(file, describe(letter))
                    written += 1
                if delete:
                    queue.delete_dead([letter])
                    deleted += 1
    except OSError as error:
        raise ConfigurationError(
            f"Dead letters cannot be written to {folder}.",
            why=error.strerror,
            hint="Name another folder with --output. Letters that were not written are still in the queue.",
        ) from error
    return Downloaded(written, present, deleted)


def describe(letter: DeadLetter) -> LetterFile:
    """A letter as its file will say; a body that is JSON is kept as such, to be read and mended."""
    body: str | dict[str, object] = letter.body
    try:
        parsed = json.loads(letter.body)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        body = parsed
    reason = letter.reason
    return LetterFile(
        id=letter.id,
        body=body,
        receive_count=letter.receive_count,
        died_at=letter.died_at,
        code=reason.code if reason else None,
        detail=reason.detail if reason else "",
        output=reason.output if reason else "",
        attributes=dict(letter.attributes),
    )


def read_letters(folder: Path) -> Iterator[tuple[Path, LetterFile]]:
    """The letters in a folder, by name. Raises InvalidRequestError naming a file that is nonsense."""
    if not folder.is_dir():
        raise InvalidRequestError(f"{folder} is not a folder of dead letters.", hint="See: vbvr dlq download")
    for file in sorted(folder.glob("*.json")):
        try:
            yield file, LetterFile.model_validate_json(file.read_bytes())
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"])) or "the document"
            raise InvalidRequestError(
                f"{file} is no dead letter.",
                why=f"{where}: {fault['msg']}",
                hint="Mend the file or move it away; nothing was sent.",
            ) from error


def set_aside(file: Path) -> None:
    """Move a letter's file away once its replacement is in the queue."""
    try:
        (file.parent / DONE_FOLDER).mkdir(exist_ok=True)
        file.replace(file.parent / DONE_FOLDER / file.name)
    except OSError as error:
        raise ServiceError(
            f"{file} was redriven, but cannot be moved to {DONE_FOLDER}/.", why=error.strerror
        ) from error


def _write_synced(file: Path, letter: LetterFile) -> None:
    part = file.with_suffix(".part")
    with part.open("wb") as stream:
        stream.write(letter.model_dump_json(indent=2).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
