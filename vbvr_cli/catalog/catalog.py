"""All generators that vbvr knows here: those of the catalog and those of GENERATORS_PATH."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vbvr_cli.catalog.entries import Entry, Figures, PathSource, StarterSource
from vbvr_cli.catalog.folders import find_folders
from vbvr_cli.catalog.generator import Generator
from vbvr_cli.catalog.interpreters import OWN_PYTHON, environment_of, inspect_interpreter
from vbvr_cli.catalog.loader import Listing, find_catalog, read_listing
from vbvr_cli.catalog.output_option import find_output_option
from vbvr_cli.catalog.sources import GeneratorUnavailableError, locate
from vbvr_cli.errors import ConfigurationError, InvalidRequestError

ALL = "all"


class UnknownGeneratorError(InvalidRequestError):
    """No generator has this name."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A generator that is known, why it cannot run here, and what would mend that."""

    name: str
    reason: str
    mend: str


class Catalog:
    """The known generators, in the catalog's order, then those that only a folder brought.

    `notices` are sentences for the user: folders passed over, entries that a folder replaces. A
    generator is looked at when it is first asked for; what was seen then stays for this object's life.
    """

    def __init__(
        self,
        listing: Listing,
        entries: dict[str, Entry],
        *,
        notices: tuple[str, ...] = (),
        python: Path = OWN_PYTHON,
        fetched: Path | None = None,
    ) -> None:
        self.path = listing.path
        self.entries = entries
        self.notices = notices
        self._defaults = listing.defaults
        self._figures = listing.figures
        self._python = python
        self._fetched = fetched
        self._seen: dict[str, Generator | ConfigurationError] = {}

    @classmethod
    def load(
        cls,
        catalog_file: Path | None = None,
        generators_paths: Sequence[Path] = (),
        python: Path | None = None,
        fetched: Path | None = None,
    ) -> Catalog:
        """Read the catalog and look through the folders of GENERATORS_PATH.

        `catalog_file` none: ./generators.yaml, else the one vbvr came with. `python` runs all but
        starters, none: vbvr's own interpreter. `fetched` is where repositories are kept. Raises
        ConfigurationError.
        """
        if python:
            python = python.expanduser().absolute()
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
        return cls(listing, entries, notices=tuple(notices), python=python or OWN_PYTHON, fetched=fetched)

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
        if name not in self.entries:
            raise _unknown(name, self.entries)
        found = self._look(name)
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
        names = self._names(patterns, categories, roles)
        exact = {pattern for pattern in patterns if pattern in self.entries}
        selected = [
            found
            for name in names
            if isinstance(found := self.get(name) if name in exact else self._look(name), Generator)
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
        return self._unavailable_of(self._names(patterns, categories, roles))

    def _names(self, patterns: Sequence[str], categories: Sequence[str], roles: Sequence[str]) -> list[str]:
        if not patterns and not categories and not roles:
            raise InvalidRequestError(
                "No generator was named.", hint="Add -g NAME, a glob such as -g 'O-*', or -g all."
            )
        self._refuse_unknown("category", categories, {entry.category for entry in self.entries.values()})
        self._refuse_unknown("role", roles, {entry.role for entry in self.entries.values()})
        matched = dict.fromkeys(name for pattern in patterns or [ALL] for name in self._matching(pattern))
        names = [
            name
            for name in self.entries
            if name in matched
            and (not categories or self.entries[name].category in categories)
            and (not roles or self.entries[name].role in roles)
        ]
        if not names:
            raise InvalidRequestError(
                f"No generator is all of this: {', '.join([*patterns, *categories, *roles])}.",
                hint="See 'vbvr generators list' for categories and roles.",
            )
        return names

    def _matching(self, pattern: str) -> list[str]:
        if pattern in self.entries:
            return [pattern]
        if pattern == ALL:
            return list(self.entries)
        if not any(sign in pattern for sign in "*?["):
            raise _unknown(pattern, self.entries)
        names = [name for name in self.entries if fnmatch.fnmatchcase(name, pattern)]
        if not names:
            raise UnknownGeneratorError(
                f"No generator's name matches {pattern!r}.",
                hint=f"See 'vbvr generators list' for the {len(self.entries)} names.",
            )
        return names

    @staticmethod
    def _refuse_unknown(kind: str, asked: Sequence[str], known: set[str | None]) -> None:
        for value in asked:
            if value not in known:
                names = sorted(name for name in known if name)
                raise InvalidRequestError(
                    f"No generator has the {kind} {value!r}.", hint=f"There are {', '.join(names)}."
                )

    def _unavailable_of(self, names: Iterable[str]) -> tuple[Unavailable, ...]:
        looked = ((name, self._look(name)) for name in names)
        return tuple(
            Unavailable(name, found.why or found.what, found.hint or "")
            if isinstance(found, GeneratorUnavailableError)
            else Unavailable(name, found.what, found.hint or "")
            for name, found in looked
            if isinstance(found, ConfigurationError)
        )

    def _look(self, name: str) -> Generator | ConfigurationError:
        if name not in self._seen:
            try:
                self._seen[name] = self._build(self.entries[name])
            except ConfigurationError as error:
                self._seen[name] = error
        return self._seen[name]

    def _build(self, entry: Entry) -> Generator:
        code = locate(entry, self.path.parent, self._fetched)
        own = isinstance(entry.source, StarterSource)
        figures, defaults = self._figures.get(entry.name, Figures()), self._defaults
        return Generator(
            name=entry.name,
            path=code.folder,
            provenance=code.provenance,
            environment=environment_of(code.folder, OWN_PYTHON if own else self._python),
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


def _unknown(name: str, known: Iterable[str]) -> UnknownGeneratorError:
    nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    meant = f"Perhaps you meant {' or '.join(nearest)}; see" if nearest else "See"
    return UnknownGeneratorError(
        f"There is no generator called {name!r}.",
        hint=f"{meant} 'vbvr generators list'. A folder of your own is found by --generators-path.",
    )
