"""What a command works with: settings, the back end and the catalog, opened when first used."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import typer

from vbvr_cli.config import Options, Settings
from vbvr_cli.homes import expanded

if TYPE_CHECKING:
    from vbvr_cli.backends.ports import Backend
    from vbvr_cli.catalog.catalog import Catalog
    from vbvr_cli.catalog.generator import Generator
    from vbvr_cli.catalog.selection import Offer


@dataclass(frozen=True)
class Session:
    """One command's view of the world. Catalog and roster are read when they are first asked for."""

    settings: Settings
    backend: Backend
    connections: Connections

    @cached_property
    def catalog(self) -> Catalog:
        """What this machine can make. Raises ConfigurationError if the catalog is broken."""
        return self.connections.catalog(self.settings)

    @cached_property
    def offer(self) -> Offer:
        """What can be asked of the target. Raises as `catalog`, and ServiceError where AWS does not say."""
        return self.connections.offer(self.settings, self.backend) if self.backend.fleet else self.catalog

    def bucket(self, named: str | None) -> str:
        """The bucket that an option names: on this machine a folder, by its absolute path."""
        if named is None:
            return self.backend.default_bucket
        return str(expanded(named).resolve()) if self.backend.target == "local" else named

    def select(
        self, patterns: list[str] | None, categories: list[str] | None, roles: list[str] | None
    ) -> list[Generator]:
        """The generators that the options mean; what they mean but cannot run here is said."""
        from vbvr_cli.screens.generators import show_left_out

        filters = (patterns or (), categories or (), roles or ())
        chosen = self.offer.select(*filters)
        show_left_out(self.offer.notices, self.offer.left_out(*filters))
        return chosen

    def names(
        self, patterns: list[str] | None, categories: list[str] | None, roles: list[str] | None
    ) -> tuple[str, ...]:
        """The patterns of generators whose runs are meant; what they are is asked only for the filters."""
        from vbvr_cli.catalog.selection import select_names

        if not categories and not roles:
            return tuple(patterns or ())
        return tuple(select_names(self.offer.entries, patterns or (), categories or (), roles or ()))


@dataclass(frozen=True, slots=True)
class Connections:
    """How the app lets commands reach a back end: they never construct one themselves."""

    settings: Callable[[Options], Settings]
    backend: Callable[[Settings], Backend]
    catalog: Callable[[Settings], Catalog]
    offer: Callable[[Settings, Backend], Offer]


def connections_of(context: typer.Context) -> Connections:
    """What the app put at the root of a command's context."""
    connections = context.find_root().obj
    if not isinstance(connections, Connections):
        raise TypeError("commands run below the app")
    return connections


def open_session(context: typer.Context, options: Options) -> Session:
    """Open what the options name, and say first which target it is."""
    from vbvr_cli.screens.console import note

    connections = connections_of(context)
    settings = connections.settings(options)
    backend = connections.backend(settings)
    context.call_on_close(backend.close)
    if "VBVR_SUPERVISED" not in os.environ:
        note(f"target: {backend.description}")
    return Session(settings, backend, connections)
