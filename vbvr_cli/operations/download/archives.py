"""Takes samples out of a tar archive: only what the manifest names, whatever else the archive says."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from vbvr_cli.manifest import QUESTIONS, ManifestFile, ManifestLine
from vbvr_cli.operations.download.destination import Destination
from vbvr_cli.operations.download.problems import ObjectProblemError


class ArchiveError(ObjectProblemError):
    """An archive cannot be read, or does not hold what its manifest names."""


def extract(archive: Path, lines: Sequence[ManifestLine], destination: Destination) -> None:
    """Write the files of all samples. Raises ArchiveError for an archive that lies.

    Members are matched by name with what the manifest lists, so nothing else is ever written; an absolute
    path, a link or a device is an error all the same.
    """
    wanted = {f"{line.folder}/{file.name}": file for line in lines for file in line.files}
    try:
        with tarfile.open(archive, mode="r|gz") as members:
            for member in members:
                if not member.isdir():
                    _take(members, member, wanted, destination)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ArchiveError(f"The archive of {lines[0].folder} cannot be read: {error}") from error
    if wanted:
        raise ArchiveError(f"The archive lacks {next(iter(wanted))} ({len(wanted)} files in all).")


def _take(
    members: tarfile.TarFile,
    member: tarfile.TarInfo,
    wanted: dict[str, ManifestFile],
    destination: Destination,
) -> None:
    content = members.extractfile(member) if member.isreg() else None
    file = wanted.pop(member.name, None)
    if content is None or file is None or member.size != file.size:
        kind = "no plain file" if content is None else "not what its manifest names"
        raise ArchiveError(f"The archive holds {member.name!r}, which is {kind}: somebody else wrote it.")
    key = f"{QUESTIONS}{member.name}"
    if not destination.has(key, file.size, file.sha256):
        destination.write(key, content, file.size, file.sha256)
