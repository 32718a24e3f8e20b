"""All generators that vbvr knows here: those of the catalog and those of GENERATORS_PATH."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from vbvr_cli.catalog.checkouts import Checkouts
from vbvr_cli.catalog.entries import Entry, Figures, PathSource, StarterSource
from vbvr_cli.catalog.environments import Environments
from vbvr_cli.catalog.folders import find_folders
from vbvr_cli.catalog.generator import Environment, Generator, Unavailable
from vbvr_cli.catalog.interpreters import OWN_PYTHON, environment_of, inspect_interpreter
from vbvr_cli.catalog.loader import PACKAGE, Listing, find_catalog, read_listing
from vbvr_cli.catalog.lock import LOCK_NAME, Lock
from vbvr_cli.catalog.output_option import find_output_option
from vbvr_cli.catalog.selection import UnknownGeneratorError, select_names
from vbvr_cli.catalog.sources import Code, EnvironmentMissingError, GeneratorUnavailableError, locate
from vbvr_cli.errors import ConfigurationError
from vbvr_cli.homes import expanded


class Catalog:
    """The known generators, in the catalog's order, then those that only a folder brought.

    `notices` are sentences for the user: folders passed over, entries that a folder replaces. A
    generator is looked at when it is first asked for; what was seen then stays for this object's life. A
    folder's environment is built when `get` or `select` first needs it.
    """

    def __init__(
        self,
        listing: Listing,
        entries: dict[str, Entry],
        *,
        notices: tuple[str, ...] = (),
        python: Path | None = None,
        fetched: Path | None = None,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.path = listing.path
        self.entries = entries
        self.notices = notices
        self._defaults = listing.defaults
        self._figures = listing.figures
        self._python = python
        fetched = fetched.absolute() if fetched else None
        self.checkouts = Checkouts(fetched) if fetched else None
        self.environments = Environments(fetched.parent / "environments", notify) if fetched else None
        self.lock_file = _lock_file(listing.path, fetched)
        self.lock = Lock.read(self.lock_file)
        self._seen: dict[str, Generator | ConfigurationError] = {}

    @classmethod
    def load(
        cls,
        catalog_file: Path | None = None,
        generators_paths: Sequence[Path] = (),
        python: Path | None = None,
        fetched: Path | None = None,
        notify: Callable[[str], None] = lambda _: None,
    ) -> Catalog:
        """Read the catalog and look through the folders of GENERATORS_PATH.

        `catalog_file` none: ./generators.yaml, else the one vbvr came with. `python` runs all but
        starters, none: each has its environment. `fetched` is where repositories are kept, environments
        beside it; `notify` is told before one is built. Raises ConfigurationError.
        """
        if python:
            python = expanded(python).absolute()
            inspect_interpreter(python)
        listing = read_listing(catalog_file or find_catalog())
        entries = {entry.name: entry for entry in listing.entries}
        found = find_folders(generators_paths)
        notices = list(found.notices)
        for name, folder in found.folders.items():
            source = PathSource(path=str(folder))
            if name in entries:
                notices.append(f"{name} is taken from {folder} instead of what {listing.path} says.")
                entries[name] = entries[name].model_copy(update={"source": source})
            else:
                entries[name] = Entry(name=name, source=source)
        return cls(listing, entries, notices=tuple(notices), python=python, fetched=fetched, notify=notify)

    def __iter__(self) -> Iterator[Generator]:
        """Every generator that can run here."""
        return (found for found in map(self._look, self.entries) if isinstance(found, Generator))

    @property
    def unavailable(self) -> tuple[Unavailable, ...]:
        """Every known generator that cannot run here."""
        return self._unavailable_of(self.entries)

    def get(self, name: str) -> Generator:
        """The generator of this name.

        Raises UnknownGeneratorError, or ConfigurationError where it is known but cannot run here.
        """
        self._require_known(name)
        found = self._look(name, build=True)
        if isinstance(found, ConfigurationError):
            raise found
        return found

    def foresee(self, name: str) -> Generator:
        """As `get`, but nothing is built: one that waits for its environment is shown with vbvr's own."""
        self._require_known(name)
        found = self._look(name)
        if isinstance(found, EnvironmentMissingError) and not found.fetched:
            entry = self.entries[name]
            code = locate(entry, self.path.parent, self.checkouts, self.lock)
            return self.describe(entry, code, environment_of(code.folder, OWN_PYTHON, code.imports))
        if isinstance(found, ConfigurationError):
            raise found
        return found

    def select(
        self, patterns: Sequence[str], categories: Sequence[str] = (), roles: Sequence[str] = ()
    ) -> list[Generator]:
        """The generators that names, globs or `all` mean, of these categories and roles; each once.

        No pattern means `all` where there is a category or a role. Globs and `all` pass over what
        cannot run here, see `left_out`. Raises InvalidRequestError for a pattern or a filter that
        nothing matches, and as `get` does for a name.
        """
        names = select_names(self.entries, patterns, categories, roles)
        exact = {pattern for pattern in patterns if pattern in self.entries}
        selected = [
            found
            for name in names
            if isinstance(
                found := self.get(name) if name in exact else self._look(name, build=True), Generator
            )
        ]
        if not selected:
            missing = self._unavailable_of(names)
            raise ConfigurationError(
                f"None of the {len(missing)} generators asked for can run here.",
                why=f"{missing[0].name}: {missing[0].reason}",
                hint=missing[0].mend,
            )
        return selected

    def left_out(
        self, patterns: Sequence[str], categories: Sequence[str] = (), roles: Sequence[str] = ()
    ) -> tuple[Unavailable, ...]:
        """What `select` of the same passes over, since it cannot run here."""
        return self._unavailable_of(select_names(self.entries, patterns, categories, roles))

    def _require_known(self, name: str) -> None:
        if name not in self.entries:
            raise UnknownGeneratorError(name, self.entries)

    def _python_for(self, entry: Entry, code: Code, *, build: bool) -> Path:
        if isinstance(entry.source, StarterSource):
            return OWN_PYTHON
        if self._python or self.environments is None:
            return self._python or OWN_PYTHON
        if code.pin is None:
            python = self.environments.of_folder(code.folder, build=build)
        elif code.pin.environment is None:
            python = OWN_PYTHON
        else:
            built = self.environments.is_built(code.pin.environment)
            python = self.environments.python(code.pin.environment) if built else None
        if python is None:
            raise EnvironmentMissingError(entry.name, fetched=code.pin is not None)
        return python

    def _unavailable_of(self, names: Iterable[str]) -> tuple[Unavailable, ...]:
        looked = ((name, self._look(name)) for name in names)
        return tuple(
            Unavailable(name, found.why or found.what, found.hint or "")
            if isinstance(found, GeneratorUnavailableError)
            else Unavailable(name, found.what, found.hint or "")
            for name, found in looked
            if isinstance(found, ConfigurationError)
        )

    def _look(self, name: str, *, build: bool = False) -> Generator | ConfigurationError:
        seen = self._seen.get(name)
        if seen is None or (build and isinstance(seen, EnvironmentMissingError)):
            try:
                seen = self._build(self.entries[name], build=build)
            except ConfigurationError as error:
                seen = error
            self._seen[name] = seen
        return seen

    def _build(self, entry: Entry, *, build: bool) -> Generator:
        code = locate(entry, self.path.parent, self.checkouts, self.lock)
        python = self._python_for(entry, code, build=build)
        return self.describe(entry, code, environment_of(code.folder, python, code.imports))

    def describe(self, entry: Entry, code: Code, environment: Environment) -> Generator:
        """What there is to know of a generator whose code is in a folder and runs in an environment."""
        figures, defaults = self._figures.get(entry.name, Figures()), self._defaults
        return Generator(
            name=entry.name,
            path=code.folder,
            provenance=code.provenance,
            environment=environment,
            output_option=find_output_option(code.folder),
            options=tuple(entry.options),
            category=entry.category,
            role=entry.role,
            licence=entry.licence,
            batch_size=figures.batch_size or defaults.batch_size,
            time_limit_seconds=figures.time_limit_seconds or defaults.time_limit_seconds,
            memory_mb=figures.memory_mb or defaults.memory_mb,
            seconds_per_sample=figures.seconds_per_sample,
            bytes_per_sample=figures.bytes_per_sample,
            pool=figures.pool,
        )


def _lock_file(catalog: Path, fetched: Path | None) -> Path:
    """Beside the catalog; for the one inside the installed package, beside what was fetched."""
    packaged = catalog.resolve().is_relative_to(PACKAGE)
    return fetched.parent / LOCK_NAME if packaged and fetched else catalog.with_name(LOCK_NAME)
