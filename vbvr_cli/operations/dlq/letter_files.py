"""Dead letters as files, one JSON document a message, that a person may read, mend and redrive."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from vbvr_cli.backends.ports import DeadLetter, TaskQueue
from vbvr_cli.errors import ConfigurationError, InvalidRequestError, ServiceError
from vbvr_cli.models import FailureCode, Reason
from vbvr_cli.operations.dlq.leasing import leased_letters

UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
DONE_FOLDER = "redriven"
JSON_OBJECT = TypeAdapter(dict[str, object])


class LetterFile(BaseModel):
    """What a file says of a dead letter. `body` is the message: mend it there."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    id: str
    body: str | dict[str, object]
    receive_count: int = 0
    died_at: float = 0.0
    code: FailureCode | None = None
    detail: str = ""
    output: str = ""
    attributes: dict[str, str] = {}

    @property
    def identity(self) -> tuple[str, float]:
        """What tells this letter from all others: a queue may give an id out again."""
        return self.id, self.died_at

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
    """Write each dead letter to `{folder}/{time of death}-{id}.json`, a letter never twice.

    With `delete` a letter leaves the queue once its file is on the disk. Raises ConfigurationError where
    the folder cannot be written.
    """
    written = present = deleted = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with leased_letters(queue) as letters:
            for letter in letters:
                file = folder / _name_of(letter)
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
            hint="Mend that, or name another folder with --output. No letter is lost.",
        ) from error
    return Downloaded(written, present, deleted)


def describe(letter: DeadLetter) -> LetterFile:
    """A letter as its file will say; a body that is JSON is kept as such, to be read and mended."""
    body: str | dict[str, object]
    try:
        body = JSON_OBJECT.validate_json(letter.body)
    except ValidationError:
        body = letter.body
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
    for file in sorted(folder.glob("*.json")):
        try:
            yield file, LetterFile.model_validate_json(file.read_bytes())
        except OSError as error:
            raise InvalidRequestError(
                f"{file} cannot be read.",
                why=error.strerror,
                hint="Mend that, or move the file away, and run the same command again.",
            ) from error
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"])) or "the document"
            raise InvalidRequestError(
                f"{file} is no dead letter.",
                why=f"{where}: {fault['msg']}",
                hint="Mend the file or move it away; nothing was sent.",
            ) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only one to redrive a folder, until the end or this process's death.

    Raises InvalidRequestError where that is no folder, or another process is at it.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise InvalidRequestError(
            f"{folder} is no folder of dead letters.",
            why=error.strerror,
            hint="Download them first: vbvr dlq download --output FOLDER",
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InvalidRequestError(
                f"Another process is redriving {folder}; nothing was sent.",
                why="two at once would send the same tasks twice",
                hint="Wait until it has ended; the same command then sends what is left.",
            ) from error
        yield
    finally:
        os.close(handle)


def set_aside(file: Path) -> None:
    """Move a letter's file away once its replacement is in the queue."""
    try:
        (file.parent / DONE_FOLDER).mkdir(exist_ok=True)
        file.replace(file.parent / DONE_FOLDER / file.name)
    except OSError as error:
        raise ServiceError(
            f"{file} was redriven, but cannot be moved to {DONE_FOLDER}/.",
            why=error.strerror,
            hint="Move it away yourself; redriving it again changes nothing more.",
        ) from error


def _name_of(letter: DeadLetter) -> str:
    died = datetime.fromtimestamp(letter.died_at, UTC).strftime("%Y%m%dT%H%M%S.%f")
    return f"{died}-{UNSAFE.sub('_', letter.id)}.json"


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
