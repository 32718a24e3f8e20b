"""From where the catalog says that code comes, to a folder on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import vbvr_cli
from vbvr_cli.catalog.checkouts import Checkouts
from vbvr_cli.catalog.digest import tree_digest
from vbvr_cli.catalog.entries import Entry, GitSource, PathSource, StarterSource
from vbvr_cli.catalog.loader import STARTERS
from vbvr_cli.catalog.lock import LOCK_NAME, Lock, Pin
from vbvr_cli.catalog.source_code import PROGRAM
from vbvr_cli.errors import ConfigurationError
from vbvr_cli.homes import expanded
from vbvr_cli.models import Provenance


@dataclass(frozen=True, slots=True)
class Code:
    """A generator's folder and what is to be said of where it came from; `pin`, `imports` if fetched."""

    folder: Path
    provenance: Provenance
    pin: Pin | None = None
    imports: tuple[str, ...] | None = None


class GeneratorUnavailableError(ConfigurationError):
    """A generator is known, but cannot run here: `why` not, and how to mend it in `hint`."""

    def __init__(self, name: str, *, why: str, hint: str) -> None:
        super().__init__(f"{name} cannot run here.", why=why, hint=hint)
        self.name = name


class EnvironmentMissingError(GeneratorUnavailableError):
    """The code is here, but the environment that it runs in has not been built."""

    def __init__(self, name: str, *, fetched: bool) -> None:
        self.fetched = fetched
        command = "fetch-generators" if fetched else "generate"
        super().__init__(
            name,
            why="Its environment has not been built yet.",
            hint=f"Run 'vbvr {command} -g {name}', which builds it.",
        )


def locate(entry: Entry, base: Path, checkouts: Checkouts | None, lock: Lock) -> Code:
    """Where a generator's code is on this machine. Raises GeneratorUnavailableError where it is not.

    A relative path of an entry counts from `base`, the folder of its catalog.
    """
    match entry.source:
        case StarterSource(starter=starter):
            commit = f"vbvr-{vbvr_cli.__version__}"
            return Code(STARTERS / starter, Provenance(commit=commit, timestamp=vbvr_cli.RELEASED))
        case PathSource(path=path):
            return _locate_folder(entry.name, base / expanded(path))
        case GitSource() as source:
            return _locate_fetched(entry.name, source, checkouts, lock)


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


def _locate_fetched(name: str, source: GitSource, checkouts: Checkouts | None, lock: Lock) -> Code:
    fetch = f"Run 'vbvr fetch-generators -g {name}'."
    pin = lock.pin_of(name, source)
    checkout = checkouts.find(name, pin.commit) if pin and checkouts else None
    if pin is None or checkouts is None or checkout is None:
        raise GeneratorUnavailableError(
            name, why=f"Its repository {without_credentials(source.git)} has not been fetched.", hint=fetch
        )
    tree = checkouts.tree(name, pin.commit)
    if checkout.digest != pin.digest or checkouts.is_edited(name, pin.commit, checkout):
        raise GeneratorUnavailableError(
            name,
            why=f"{tree} is not what {LOCK_NAME} says: it was edited since it was fetched.",
            hint=f"Move it to a folder on GENERATORS_PATH to keep the edits, or 'rm -r {tree}'. {fetch}",
        )
    return Code(tree, pin.provenance(), pin, checkout.imports)
