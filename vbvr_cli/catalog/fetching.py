"""Fetches generators' repositories, many at once, each whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from vbvr_cli.catalog.checkouts import Checkout, Checkouts
from vbvr_cli.catalog.digest import tree_digest
from vbvr_cli.catalog.git import Git, GitError
from vbvr_cli.catalog.lock import Pin
from vbvr_cli.catalog.output_option import find_missing_options
from vbvr_cli.catalog.scratch import Scratches
from vbvr_cli.catalog.source_code import PROGRAM
from vbvr_cli.catalog.sources import without_credentials
from vbvr_cli.errors import ConfigurationError
from vbvr_cli.models import Provenance

DEFAULT_JOBS = max(16, min(32, 4 * (os.cpu_count() or 1)))
"""Mostly waiting for servers, but git itself takes about 15 ms of a core for each repository."""
LEAVE_OUT = "It keeps another contract than that of generators: leave it out of the catalog."
NEVER_THERE = ("not our ref", "couldn't find remote ref", "no such remote ref")
BRANCHES_ONLY = ("unadvertised object", "dumb http", "does not support shallow")


class State(StrEnum):
    """What became of one repository."""

    FETCHED = "fetched"
    KEPT = "kept"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A repository to fetch. `commit` none: the newest of `branch`, or of the repository's own choice.

    `digest`: what its tree must be, where a lock says so.
    """

    name: str
    repository: str
    commit: str | None = None
    branch: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """One repository's end: `pin` unless it failed, then `why` and `mend`."""

    name: str
    state: State
    pin: Pin | None = None
    why: str = ""
    mend: str = ""


class _UnusableError(Exception):
    """This repository cannot be had or used; the others can."""

    def __init__(self, why: str, mend: str) -> None:
        super().__init__(why)
        self.mend = mend


class Fetcher:
    """Fetches into `checkouts`, `jobs` repositories at a time.

    `base_url` is a mirror: `{owner}` and `{name}` in it are a repository's, else `/{name}` follows it.
    """

    def __init__(
        self, checkouts: Checkouts, *, jobs: int = DEFAULT_JOBS, base_url: str | None = None
    ) -> None:
        self._checkouts = checkouts
        self._jobs = jobs
        self._base_url = base_url
        self._git = Git()

    def fetch(
        self, wanted: Sequence[Wanted], on_done: Callable[[Fetched], None] = lambda _: None
    ) -> list[Fetched]:
        """Fetch what is not there yet, in the order of `wanted`; `on_done` is called for each as it ends.

        Interrupted, it leaves whole trees only, and the next call goes on.
        """
        with (
            self._checkouts.partial() as partial,
            closing(Scratches(self._git, partial)) as scratches,
            ThreadPoolExecutor(self._jobs) as pool,
        ):
            waiting = {pool.submit(self._fetch, one, partial / one.name, scratches): one for one in wanted}
            ended = {}
            try:
                for future in as_completed(waiting):
                    ended[waiting[future].name] = future.result()
                    on_done(future.result())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self._git.stop()
                raise
        return [ended[one.name] for one in wanted]

    def _fetch(self, wanted: Wanted, tree: Path, scratches: Scratches) -> Fetched:
        try:
            return self._take(wanted, tree, scratches)
        except _UnusableError as error:
            return Fetched(wanted.name, State.FAILED, why=str(error), mend=error.mend)
        except GitError as error:
            why, mend = self._explain(wanted, str(error))
            return Fetched(wanted.name, State.FAILED, why=why, mend=mend)

    def _take(self, wanted: Wanted, tree: Path, scratches: Scratches) -> Fetched:
        address = mirrored(wanted.repository, self._base_url)
        asked = f"refs/heads/{wanted.branch}" if wanted.branch else "HEAD"
        commit = wanted.commit
        if commit is None and self._checkouts.has_any(wanted.name):
            commit = self._newest(address, asked)
        there = self._checkouts.find(wanted.name, commit) if commit else None
        if there:
            return self._kept(wanted, there, State.KEPT)
        tree.mkdir()
        commit, timestamp = _download(scratches, address, commit or asked, tree, is_commit=commit is not None)
        digest = _usable(tree)
        provenance = Provenance(
            commit=commit,
            branch=wanted.branch,
            repo=without_credentials(wanted.repository),
            timestamp=timestamp,
        )
        return self._kept(wanted, self._checkouts.keep(wanted.name, tree, provenance, digest), State.FETCHED)

    def _newest(self, address: str, asked: str) -> str:
        for line in self._git.run("ls-remote", "--", address, asked).splitlines():
            commit, _, name = line.partition("\t")
            if name == asked:
                return commit
        raise GitError(NEVER_THERE[1])

    def _kept(self, wanted: Wanted, checkout: Checkout, state: State) -> Fetched:
        commit = checkout.provenance.commit
        tree = self._checkouts.tree(wanted.name, commit)
        if state is State.KEPT and self._checkouts.is_edited(wanted.name, commit, checkout):
            raise _UnusableError(
                f"{tree} was edited since it was fetched.",
                f"Move it to a folder on GENERATORS_PATH to keep the edits, or drop them: rm -r {tree}",
            )
        if wanted.digest and checkout.digest != wanted.digest:
            raise _UnusableError(
                f"{tree} is {checkout.digest}, but generators.lock says {wanted.digest}.",
                "The lock was edited or is of another tree: restore it, or fetch without --locked.",
            )
        return Fetched(wanted.name, state, _pin(wanted, checkout))

    def _explain(self, wanted: Wanted, complaint: str) -> tuple[str, str]:
        address = without_credentials(mirrored(wanted.repository, self._base_url))
        if any(sign in complaint for sign in NEVER_THERE) or complaint.startswith(
            "remote error: upload-pack"
        ):
            asked = f"branch {wanted.branch!r}" if wanted.branch else "commit at all: it is empty"
            return (
                f"{address} has no {f'commit {wanted.commit}' if wanted.commit else asked}.",
                "Correct the entry in the catalog; without commit and branch, the newest commit is pinned.",
            )
        return (
            f"{address}: {complaint}",
            "If it was renamed, correct its source in the catalog; if it is private, let git have the "
            "credentials (a credential helper or an SSH key); if a mirror has it, use --base-url.",
        )


def mirrored(repository: str, base_url: str | None) -> str:
    """Where a mirror has a repository; the repository's own address without one."""
    if not base_url:
        return repository
    path = urlsplit(repository).path if "://" in repository else repository.partition(":")[2]
    *owners, name = path.strip("/").removesuffix(".git").split("/")
    if "{name}" in base_url:
        return base_url.replace("{owner}", owners[-1] if owners else "").replace("{name}", name)
    return f"{base_url.rstrip('/')}/{name}"


def _download(
    scratches: Scratches, address: str, asked: str, tree: Path, *, is_commit: bool
) -> tuple[str, str]:
    """Fill the empty folder `tree`; the commit and its time."""
    try:
        with scratches.one() as scratch:
            commit = scratch.fetch(address, asked)
            return commit, scratch.check_out(commit, tree)
    except GitError as error:
        if not any(sign in str(error) for sign in BRANCHES_ONLY):
            raise
    with scratches.one() as scratch:
        commit = scratch.fetch_history(address, asked, is_commit=is_commit)
        return commit, scratch.check_out(commit, tree)


def _pin(wanted: Wanted, checkout: Checkout) -> Pin:
    origin = checkout.provenance
    return Pin(
        repository=origin.repo or without_credentials(wanted.repository),
        commit=origin.commit,
        branch=origin.branch,
        timestamp=origin.timestamp,
        digest=checkout.digest,
    )


def _usable(tree: Path) -> str:
    """The digest of a tree that vbvr can run."""
    try:
        missing = find_missing_options(tree)
        digest = tree_digest(tree)
    except ConfigurationError as error:
        what = f"{error.what} {error.why or ''}".replace(f"{tree}/", "").strip()
        raise _UnusableError(what, LEAVE_OUT) from error
    if missing:
        raise _UnusableError(f"{PROGRAM} does not take {' and '.join(missing)}.", LEAVE_OUT)
    return digest
