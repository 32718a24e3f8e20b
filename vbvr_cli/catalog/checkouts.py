"""The trees of fetched repositories: `{root}/{name}/{commit}`, each with a record and a seal beside it."""

from __future__ import annotations

import contextlib
import fcntl
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from vbvr_cli.catalog.digest import tree_digest, tree_seal
from vbvr_cli.catalog.source_code import foreign_imports
from vbvr_cli.catalog.writing import write_whole
from vbvr_cli.models import Provenance

PARTIAL = ".partial"


class Checkout(BaseModel):
    """What is known of a fetched tree. `seal` changes with every edit, `digest` only with content.

    `imports` are the foreign names that it imports, so that nobody has to read its source again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provenance: Provenance
    digest: str
    seal: str
    imports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checkouts:
    """The folder that holds them."""

    root: Path

    def tree(self, name: str, commit: str) -> Path:
        """The folder of a generator at a commit, whether or not it is there."""
        return self.root / name / commit

    def has_any(self, name: str) -> bool:
        """Whether any commit of a generator is here."""
        return (self.root / name).is_dir()

    def find(self, name: str, commit: str) -> Checkout | None:
        """What was fetched of a generator at a commit; None where nothing was, or its record is gone."""
        if not self.tree(name, commit).is_dir():
            return None
        try:
            return Checkout.model_validate_json(self._record(name, commit).read_bytes())
        except (OSError, ValueError):
            return None

    def is_edited(self, name: str, commit: str, checkout: Checkout) -> bool:
        """Whether the tree is another than was fetched. Files are read only where sizes or times changed."""
        tree = self.tree(name, commit)
        return tree_seal(tree) != checkout.seal and tree_digest(tree) != checkout.digest

    def keep(self, name: str, tree: Path, provenance: Provenance, digest: str) -> Checkout:
        """Move a complete tree to its place; another process may have been faster with the same."""
        target = self.tree(name, provenance.commit)
        target.parent.mkdir(parents=True, exist_ok=True)
        imports = tuple(sorted(foreign_imports(tree)))
        checkout = Checkout(provenance=provenance, digest=digest, seal=tree_seal(tree), imports=imports)
        if self.find(name, provenance.commit) is None:
            # The record first: a tree without one would not count as fetched.
            write_whole(self._record(name, provenance.commit), checkout.model_dump_json(indent=2) + "\n")
            with contextlib.suppress(OSError):
                tree.rename(target)
        return self.find(name, provenance.commit) or checkout

    @contextlib.contextmanager
    def partial(self) -> Iterator[Path]:
        """A folder for what is not complete, gone afterwards; what killed processes left goes first."""
        home = self.root / PARTIAL
        home.mkdir(parents=True, exist_ok=True)
        _sweep(home)
        folder = home / secrets.token_hex(8)
        with folder.with_suffix(".lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder.mkdir()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                folder.with_suffix(".lock").unlink(missing_ok=True)

    def _record(self, name: str, commit: str) -> Path:
        return self.root / name / f"{commit}.json"


def _sweep(home: Path) -> None:
    for lock_file in home.glob("*.lock"):
        with contextlib.suppress(OSError), lock_file.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock_file.with_suffix(""), ignore_errors=True)
            lock_file.unlink(missing_ok=True)
