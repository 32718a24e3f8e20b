"""From where the catalog says that code comes, to a folder on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import vbvr_cli
from vbvr_cli.catalog.digest import tree_digest
from vbvr_cli.catalog.entries import Entry, GitSource, PathSource, StarterSource
from vbvr_cli.catalog.loader import STARTERS
from vbvr_cli.catalog.source_code import PROGRAM
from vbvr_cli.errors import ConfigurationError
from vbvr_cli.models import Provenance


@dataclass(frozen=True, slots=True)
class Code:
    """A generator's folder and what is to be said of where it came from."""

    folder: Path
    provenance: Provenance


class GeneratorUnavailableError(ConfigurationError):
    """A generator is known, but cannot run here: `why` not, and how to mend it in `hint`."""

    def __init__(self, name: str, *, why: str, hint: str) -> None:
        super().__init__(f"{name} cannot run here.", why=why, hint=hint)
        self.name = name


def locate(entry: Entry, base: Path, fetched: Path | None) -> Code:
    """Where a generator's code is on this machine. Raises GeneratorUnavailableError where it is not.

    A relative path of an entry counts from `base`, the folder of its catalog; `fetched` is where
    repositories are kept.
    """
    match entry.source:
        case StarterSource(starter=starter):
            commit = f"vbvr-{vbvr_cli.__version__}"
            return Code(STARTERS / starter, Provenance(commit=commit, timestamp=vbvr_cli.RELEASED))
        case PathSource(path=path):
            return _locate_folder(entry.name, base / Path(path).expanduser())
        case GitSource() as source:
            return _locate_fetched(entry.name, source, fetched)


def provenance_file(fetched: Path, name: str, commit: str) -> Path:
    """Where fetching leaves a tree's provenance: beside the tree, so that nothing is added to it."""
    return fetched / name / f"{commit}.json"


def without_credentials(repository: str) -> str:
    """A repository's address as it may be shown and stored: no password, and no user but SSH's."""
    address = urlsplit(repository)
    if not address.netloc:
        return repository
    user, _, host = address.netloc.rpartition("@")
    user = user.partition(":")[0] if address.scheme == "ssh" else ""
    return urlunsplit(address._replace(netloc=f"{user}@{host}" if user else host))


def _locate_folder(name: str, folder: Path) -> Code:
    if not (folder / PROGRAM).is_file():
        raise GeneratorUnavailableError(
            name,
            why=f"{folder} has no {PROGRAM}.",
            hint="Correct its path in the catalog, or remove the entry.",
        )
    folder = folder.resolve()
    return Code(folder, Provenance(commit=tree_digest(folder)))


def _locate_fetched(name: str, source: GitSource, fetched: Path | None) -> Code:
    if fetched and source.commit and (fetched / name / source.commit).is_dir():
        stored = provenance_file(fetched, name, source.commit).read_bytes()
        return Code(fetched / name / source.commit, Provenance.model_validate_json(stored))
    raise GeneratorUnavailableError(
        name,
        why=f"Its repository {without_credentials(source.git)} has not been fetched.",
        hint=f"Run 'vbvr fetch-generators -g {name}'.",
    )
