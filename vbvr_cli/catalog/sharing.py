"""With whom a generator shares its environment, and why not with more."""

from __future__ import annotations

from dataclasses import dataclass

from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.catalog.requirements import find_needs


@dataclass(frozen=True, slots=True)
class Sharing:
    """`environment` none: vbvr's own interpreter, or one that no lock names. `apart`: sentences."""

    environment: str | None
    others: tuple[str, ...]
    apart: tuple[str, ...]
    notices: tuple[str, ...]


def sharing_of(catalog: Catalog, name: str) -> Sharing:
    """What the lock says of a generator's environment. Raises as `Catalog.get` does."""
    generator = catalog.get(name)
    notices = find_needs(generator.path).notices
    pin = catalog.lock.generators.get(name)
    if pin is None or pin.commit != generator.provenance.commit or pin.environment is None:
        return Sharing(None, (), (), notices)
    members = sorted(
        other
        for other, its in catalog.lock.generators.items()
        if its.environment == pin.environment and other != name
    )
    environments = catalog.lock.environments
    own = environments[pin.environment].apart if pin.environment in environments else []
    against = [
        reason
        for key, environment in environments.items()
        if key != pin.environment
        for reason in environment.apart
        if any(f"({member}, " in reason for member in (name, *members))
    ]
    return Sharing(pin.environment, tuple(members), (*own, *against), notices)
