"""The state of a folder that has no commit, as one name."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from vbvr_cli.errors import ConfigurationError

LEFT_OUT = frozenset(
    {".git", "__pycache__", ".venv", "venv", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".DS_Store"}
)
LEFT_OUT_SUFFIXES = (".pyc", ".pyo", ".egg-info")
OUTPUT_FOLDERS = frozenset({"data", "output", "outputs"})


def tree_digest(folder: Path) -> str:
    """`tree-` and 16 hex digits of the SHA-256 over paths, bytes and executable bits of a folder's files.

    Left out is what decides no sample: version control, caches, virtual environments, and `*_task` folders
    anywhere below a top-level data/, output/ or outputs/, where a run by hand puts its samples. Whatever
    else these three hold counts, since a generator may read it. A symbolic link counts by its target;
    one that leaves the folder raises ConfigurationError, since what it points at could change unseen.
    """
    digest = hashlib.sha256()
    for relative in sorted(_files(folder)):
        path = folder / relative
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            kind, content = b"link", os.fsencode(_target_within(path, folder))
        elif stat.S_ISREG(mode):
            kind, content = b"program" if mode & stat.S_IXUSR else b"file", _sha256(path)
        else:
            raise ConfigurationError(
                f"{path} is neither a file nor a folder nor a link.",
                why="Its content cannot be told, so nothing made with it could be made again.",
                hint="Remove it from the generator's folder.",
            )
        for part in (kind, os.fsencode(relative), content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return f"tree-{digest.hexdigest()[:16]}"


def tree_seal(folder: Path) -> str:
    """16 hex digits that change when a file comes, goes, or is written to; nothing is read.

    Only for the same folder at another time: it is over sizes and times of modification.
    """
    digest = hashlib.sha256()
    for relative in sorted(_files(folder)):
        status = (folder / relative).lstat()
        mark = f"{relative}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_mode}\n"
        digest.update(os.fsencode(mark))
    return digest.hexdigest()[:16]


def _files(folder: Path) -> Iterator[str]:
    """Paths within the folder, with slashes between."""
    for current, folders, files in os.walk(folder):
        here = current[len(str(folder)) + 1 :]
        prefix = f"{here}/" if here else ""
        in_output = here.partition("/")[0] in OUTPUT_FOLDERS
        kept = [
            name for name in folders if not _is_left_out(name) and not (in_output and _holds_samples(name))
        ]
        links = [name for name in kept if Path(current, name).is_symlink()]
        folders[:] = [name for name in kept if name not in links]
        yield from (prefix + name for name in [*files, *links] if not _is_left_out(name))


def _is_left_out(name: str) -> bool:
    return name in LEFT_OUT or name.endswith(LEFT_OUT_SUFFIXES)


def _holds_samples(name: str) -> bool:
    return name.endswith("_task")


def _target_within(link: Path, folder: Path) -> Path:
    root = folder.resolve()
    target = (link.parent / link.readlink()).resolve()
    if not target.is_relative_to(root):
        raise ConfigurationError(
            f"{link} is a link to {target}, which is outside the generator's folder.",
            why="What it points at is no part of the generator and could change unseen.",
            hint="Copy the file into the folder instead of linking to it.",
        )
    return target.relative_to(root)


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
