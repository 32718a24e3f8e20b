"""Brings generators here: their code, their environments, and the lock that says exactly which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.catalog.checkouts import Checkouts
from vbvr_cli.catalog.entries import GitSource
from vbvr_cli.catalog.fetching import DEFAULT_JOBS, Fetched, Fetcher, State, Wanted
from vbvr_cli.catalog.grouping import group
from vbvr_cli.catalog.lock import Lock, LockedEnvironment, Pin
from vbvr_cli.catalog.requirements import Needs, find_needs
from vbvr_cli.catalog.selection import select_names
from vbvr_cli.errors import ConfigurationError, InterruptedWorkError, InvalidRequestError


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What became of each repository, how many environments they run in, and what to know of requirements."""

    repositories: tuple[Fetched, ...]
    environments: int
    notices: tuple[str, ...]

    @property
    def failed(self) -> tuple[Fetched, ...]:
        """Those that cannot run here."""
        return tuple(one for one in self.repositories if one.state is State.FAILED)


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What to bring. Without `update`, what is pinned stays pinned.

    With `locked` nothing is decided anew: what the lock does not say, or says otherwise, fails.
    """

    patterns: tuple[str, ...]
    categories: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    update: bool = False
    locked: bool = False
    jobs: int = DEFAULT_JOBS
    base_url: str | None = None


class Observer(Protocol):
    """Is told how it goes."""

    def begin(self, repositories: int) -> None:
        """So many repositories are asked for."""

    def ended(self, one: Fetched) -> None:
        """One has come to its end."""

    def building(self, environments: int) -> None:
        """So many environments are built where they are not there."""


def provision(catalog: Catalog, request: FetchRequest, observer: Observer) -> Provisioned:
    """Fetch what is asked for and comes from a repository, build its environments and write the lock.

    One repository's failure leaves the others alone. Raises InvalidRequestError for a selection without
    any repository.
    """
    if catalog.checkouts is None or catalog.environments is None:
        raise ConfigurationError("There is no folder to fetch into.", hint="Give one by --home or VBVR_HOME.")
    wanted, refused = _wanted(_repositories(catalog, request), catalog.lock, request)
    observer.begin(len(wanted) + len(refused))
    for one in refused:
        observer.ended(one)
    fetcher = Fetcher(catalog.checkouts, jobs=request.jobs, base_url=request.base_url)
    try:
        fetched = [*refused, *fetcher.fetch(wanted, observer.ended)]
    except KeyboardInterrupt:
        raise InterruptedWorkError(
            "Fetching was interrupted.",
            why="What was fetched whole is kept.",
            hint="Run the same command again: it goes on.",
        ) from None
    pins = {one.name: one.pin for one in fetched if one.pin}
    needs = {name: _needs(catalog.checkouts, name, pin) for name, pin in pins.items()}
    failures: dict[str, str] = {}
    lock = catalog.lock
    if not request.locked:
        lock, failures = _decide(_known(catalog), pins, needs, update=request.update)
        lock.write(catalog.lock_file)
    environments = _environments(lock, pins)
    observer.building(len(environments))
    unbuilt = catalog.environments.build_all(environments)
    failures |= {
        name: unbuilt[pin.environment]
        for name, pin in lock.generators.items()
        if name in pins and pin.environment in unbuilt
    }
    ended = tuple(_with_failure(one, failures) for one in fetched)
    notices = tuple(f"{name}: {notice}" for name, need in needs.items() for notice in need.notices)
    return Provisioned(ended, len(environments.keys() - unbuilt.keys()), notices)


def _needs(checkouts: Checkouts, name: str, pin: Pin) -> Needs:
    checkout = checkouts.find(name, pin.commit)
    return find_needs(checkouts.tree(name, pin.commit), checkout.imports if checkout else None)


def _repositories(catalog: Catalog, request: FetchRequest) -> dict[str, GitSource]:
    names = select_names(catalog.entries, request.patterns, request.categories, request.roles)
    entries = {name: catalog.entries[name].source for name in names}
    sources = {name: source for name, source in entries.items() if isinstance(source, GitSource)}
    if not sources:
        raise InvalidRequestError(
            f"None of {', '.join(names[:5])} comes from a repository: there is nothing to fetch.",
            hint="Starters and folders are ready to be used.",
        )
    return sources


def _known(catalog: Catalog) -> Lock:
    """The lock without what has left the catalog."""
    pins = {name: pin for name, pin in catalog.lock.generators.items() if name in catalog.entries}
    return catalog.lock.model_copy(update={"generators": pins})


def _wanted(
    sources: dict[str, GitSource], lock: Lock, request: FetchRequest
) -> tuple[list[Wanted], list[Fetched]]:
    wanted, refused = [], []
    for name, source in sources.items():
        pin = lock.pin_of(name, source)
        if request.locked and pin is None:
            why = "generators.lock does not have it at the commit that the catalog asks for."
            mend = f"Run 'vbvr fetch-generators -g {name}' without --locked, and commit the lock."
            refused.append(Fetched(name, State.FAILED, why=why, mend=mend))
            continue
        if request.update and not request.locked:
            pin = None
        commit = source.commit or (pin.commit if pin else None)
        branch = source.branch or (pin.branch if pin else None)
        digest = pin.digest if pin and request.locked else None
        wanted.append(Wanted(name, source.git, commit, branch, digest))
    return wanted, refused


def _decide(
    lock: Lock, pins: dict[str, Pin], needs: dict[str, Needs], *, update: bool
) -> tuple[Lock, dict[str, str]]:
    """The new lock, and why by name for those whose requirements cannot be met."""
    settled = {} if update else {name: pin for name, pin in pins.items() if _is_settled(lock, name, pin)}
    open_needs = {name: need for name, need in needs.items() if name not in settled}
    kept = {pin.environment for name, pin in lock.generators.items() if name not in open_needs}
    existing = {key: one for key, one in lock.environments.items() if key in kept and not update}
    grouping = group(open_needs, existing)
    generators = dict(lock.generators)
    for name in open_needs:
        if name not in grouping.failures:
            generators[name] = pins[name].model_copy(update={"environment": grouping.keys.get(name)})
    environments = {**lock.environments, **grouping.environments}
    return Lock(generators=generators, environments=environments), grouping.failures


def _is_settled(lock: Lock, name: str, pin: Pin) -> bool:
    known = lock.generators.get(name)
    return known is not None and known.model_copy(update={"environment": None}) == pin


def _environments(lock: Lock, pins: Iterable[str]) -> dict[str, LockedEnvironment]:
    """What these generators run in, by key."""
    keys = {lock.generators[name].environment for name in pins if name in lock.generators}
    return {key: lock.environments[key] for key in sorted(keys - {None}, key=str) if key in lock.environments}


def _with_failure(one: Fetched, failures: dict[str, str]) -> Fetched:
    if one.name not in failures:
        return one
    mend = "Correct its requirements.txt at their origin, or leave it out of the catalog."
    return Fetched(one.name, State.FAILED, why=failures[one.name], mend=mend)
