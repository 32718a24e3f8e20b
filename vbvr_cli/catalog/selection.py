"""What `-g`, `--category` and `--role` mean."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from vbvr_cli.catalog.generator import Generator, Unavailable
from vbvr_cli.errors import InvalidRequestError

ALL = "all"


class Selectable(Protocol):
    """What a generator is chosen by, beside its name."""

    @property
    def category(self) -> str | None:
        """Its category."""

    @property
    def role(self) -> str:
        """The part that it plays."""


class Selecting(Protocol):
    """What generators are chosen from: the catalog, or the roster of an image."""

    def select(
        self, patterns: Sequence[str], categories: Sequence[str] = (), roles: Sequence[str] = ()
    ) -> list[Generator]:
        """The generators that names, globs or `all` mean, of these categories and roles; each once."""


class Offer(Selecting, Protocol):
    """All that can be asked for somewhere: the catalog of this machine, or the roster of an image."""

    @property
    def entries(self) -> Mapping[str, Selectable]:
        """Every known name, also of what cannot be made."""

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences for the user."""

    @property
    def unavailable(self) -> tuple[Unavailable, ...]:
        """What is known but cannot be made."""

    def __iter__(self) -> Iterator[Generator]:
        """Every generator that can be asked for."""

    def get(self, name: str) -> Generator:
        """The generator of this name."""

    def foresee(self, name: str) -> Generator:
        """As `get`, but nothing is built: the environment may be another than the one that it gets."""

    def left_out(
        self, patterns: Sequence[str], categories: Sequence[str] = (), roles: Sequence[str] = ()
    ) -> tuple[Unavailable, ...]:
        """What `select` of the same passes over."""


class UnknownGeneratorError(InvalidRequestError):
    """No generator has this name; the nearest names are proposed."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        meant = f"Perhaps you meant {' or '.join(nearest)}; see" if nearest else "See"
        super().__init__(
            f"There is no generator called {name!r}.",
            hint=f"{meant} 'vbvr generators list'. A folder of your own is found by --generators-path.",
        )


class NoMatchError(InvalidRequestError):
    """A glob, a category or a role that no generator has, or all of them together."""


def select_names(
    entries: Mapping[str, Selectable],
    patterns: Sequence[str],
    categories: Sequence[str] = (),
    roles: Sequence[str] = (),
) -> list[str]:
    """The names that patterns mean, of these categories and roles, in the catalog's order, each once.

    No pattern means `all` where there is a category or a role. Raises InvalidRequestError for a pattern
    or a filter that nothing matches.
    """
    if not patterns and not categories and not roles:
        raise InvalidRequestError(
            "No generator was named.", hint="Add -g NAME, a glob such as -g 'O-*', or -g all."
        )
    _refuse_unknown("category", categories, {entry.category for entry in entries.values()})
    _refuse_unknown("role", roles, {entry.role for entry in entries.values()})
    matched = {name for pattern in patterns or [ALL] for name in _matching(pattern, entries)}
    names = [
        name
        for name, entry in entries.items()
        if name in matched
        and (not categories or entry.category in categories)
        and (not roles or entry.role in roles)
    ]
    if not names:
        raise NoMatchError(
            f"No generator is all of this: {', '.join([*patterns, *categories, *roles])}.",
            hint="See 'vbvr generators list' for categories and roles.",
        )
    return names


def _matching(pattern: str, names: Collection[str]) -> Collection[str]:
    if pattern in names:
        return [pattern]
    if pattern == ALL:
        return names
    if not any(sign in pattern for sign in "*?["):
        raise UnknownGeneratorError(pattern, names)
    matched = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
    if not matched:
        raise NoMatchError(
            f"No generator's name matches {pattern!r}.",
            hint=f"See 'vbvr generators list' for the {len(names)} names.",
        )
    return matched


def _refuse_unknown(kind: str, asked: Sequence[str], known: set[str | None]) -> None:
    for value in asked:
        if value not in known:
            names = sorted(name for name in known if name)
            raise NoMatchError(
                f"No generator has the {kind} {value!r}.", hint=f"There are {', '.join(names)}."
            )
