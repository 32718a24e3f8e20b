"""Where the CDK app and the image's sources are: in a checkout, or laid out as one from what is installed."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import vbvr_cli
from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.catalog.lock import LOCK_NAME
from vbvr_cli.errors import ConfigurationError

PACKAGE = Path(vbvr_cli.__file__).parent
CARRIED = "deployment"
"""The folder of an installed package that holds what a checkout has beside the package."""
_PARTS = ("infra", "lambda_image")
_CATALOG, _FIGURES = "generators.yaml", "figures.yaml"
_STATE = ".vbvr"
"""Where the image's build looks for generators that were fetched: below the checkout, as by default."""
_LEFT_BEHIND = shutil.ignore_patterns("__pycache__", "node_modules", "cdk.out", CARRIED)


@dataclass(frozen=True, slots=True)
class Source:
    """A folder as a checkout has it: infra/, lambda_image/, vbvr_cli/, the catalog, fetched generators."""

    root: Path

    @property
    def app(self) -> Path:
        """The CDK app."""
        return self.root / "infra" / "app.py"

    @property
    def cdk_lock(self) -> Path:
        """The lock of the CDK's command line; its package.json is beside it."""
        return self.root / "infra" / "package-lock.json"


def find_source(home: Path, package: Path = PACKAGE) -> Source:
    """The sources of this vbvr. `home` is where those of an installed one are laid out, each time anew.

    Raises ConfigurationError where this vbvr came without them.
    """
    checkout = Source(package.parent)
    if checkout.app.is_file():
        return checkout
    if not (package / CARRIED / "infra" / "app.py").is_file():
        raise ConfigurationError(
            "This vbvr came without what it deploys.",
            why=f"there is neither {checkout.app} nor {package / CARRIED}",
            hint="Install vbvr from its wheel, or run it in a checkout of its repository.",
        )
    return _lay_out(package / CARRIED, package, home.absolute() / "deploy" / "source")


def with_generators(source: Source, home: Path, catalog: Catalog, package: Path = PACKAGE) -> Source:
    """Sources that an image of this catalog can be built from, with what was fetched below `home`.

    A checkout has them in place by default; else they are laid out together. Raises ConfigurationError where
    nothing was fetched.
    """
    fetched = home.absolute() / "generators"
    if not fetched.is_dir() or not any(entry.is_dir() for entry in fetched.iterdir()):
        raise ConfigurationError(
            "No generators have been fetched: the image would hold the starters alone.",
            why=f"there is nothing in {fetched}",
            hint="Run `vbvr fetch-generators -g all` (or name a few with -g), then the same command "
            "again; or name an image that was built elsewhere with --image-uri.",
        )
    in_place = (source.root / _STATE / "generators", source.root / _CATALOG)
    if (fetched.resolve(), catalog.path.resolve()) == tuple(path.resolve() for path in in_place):
        return source
    root = home.absolute() / "deploy" / "source"
    laid_out = source if source.root == root else _lay_out(source.root, package, root)
    files = {_CATALOG: catalog.path, _FIGURES: catalog.path.with_name(_FIGURES), LOCK_NAME: catalog.lock_file}
    for name, file in files.items():
        (root / name).unlink(missing_ok=True)
        if file.is_file():
            shutil.copyfile(file, root / name)
    shutil.copytree(fetched, root / _STATE / "generators", symlinks=True, ignore=_LEFT_BEHIND)
    return laid_out


def _lay_out(carried: Path, package: Path, root: Path) -> Source:
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent) as scratch:
        new = Path(scratch) / "source"
        for part in _PARTS:
            shutil.copytree(carried / part, new / part, ignore=_LEFT_BEHIND)
        shutil.copytree(package, new / "vbvr_cli", ignore=_LEFT_BEHIND)
        for name in (_CATALOG, _FIGURES):
            shutil.copyfile(_catalog_part(carried, package, name), new / name)
        if root.exists():
            root.rename(Path(scratch) / "old")
        new.rename(root)
    return Source(root)


def _catalog_part(carried: Path, package: Path, name: str) -> Path:
    """A file that is at the top of a checkout, and beside the catalog's code in an installed package."""
    return carried / name if (carried / name).is_file() else package / "catalog" / name
