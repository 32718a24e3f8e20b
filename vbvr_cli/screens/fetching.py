"""How fetching is followed, and what it came to."""

from __future__ import annotations

from collections import Counter

from vbvr_cli.catalog.catalog import Catalog
from vbvr_cli.catalog.fetching import Fetched, State
from vbvr_cli.catalog.provisioning import Provisioned
from vbvr_cli.screens.console import note, say, show_json, show_table, warn
from vbvr_cli.screens.units import plural

MAX_NOTICES = 10


class FetchProgress:
    """A line on stderr for each repository that is fetched or fails, and for each environment built."""

    def __init__(self) -> None:
        self._total = 0
        self._ended = 0

    def begin(self, repositories: int) -> None:
        """So many are asked for."""
        self._total = repositories

    def ended(self, one: Fetched) -> None:
        """One has come to its end; one that was there already is no news."""
        self._ended += 1
        place = f"[{self._ended:>{len(str(self._total))}}/{self._total}]"
        if one.state is State.FAILED:
            warn(f"{place} {one.name}: {one.why}")
        elif one.state is State.FETCHED and one.pin:
            note(f"{place} {one.name} {one.pin.commit[:12]}")

    def building(self, environments: int) -> None:
        """So many environments are looked at, and built where they are not there."""
        if environments:
            note(f"preparing {plural(environments, 'environment')}")


def show_provisioned(report: Provisioned, catalog: Catalog, *, as_json: bool) -> None:
    """What was fetched; what could not be, and what to do about it."""
    if as_json:
        show_json(
            {
                "repositories": [_as_dict(one) for one in report.repositories],
                "environments": report.environments,
                "notices": report.notices,
                "lock": str(catalog.lock_file),
            }
        )
        return
    for notice in report.notices[:MAX_NOTICES]:
        warn(notice)
    if len(report.notices) > MAX_NOTICES:
        warn(f"… and {len(report.notices) - MAX_NOTICES} more; see 'vbvr generators show NAME'")
    states = Counter(one.state for one in report.repositories)
    parts = [f"{states[State.FETCHED]} fetched", f"{states[State.KEPT]} there already"]
    parts += [f"{states[State.FAILED]} failed"] if states[State.FAILED] else []
    say(f"{', '.join(parts)}; they run in {plural(report.environments, 'environment')}")
    say(f"pinned in {catalog.lock_file}")
    if report.failed:
        columns = (("failed", "left"), ("why", "left"), ("fix", "left"))
        show_table(columns, [[one.name, one.why, one.mend] for one in report.failed])


def _as_dict(one: Fetched) -> dict[str, str | None]:
    return {
        "name": one.name,
        "state": one.state,
        "commit": one.pin.commit if one.pin else None,
        "digest": one.pin.digest if one.pin else None,
        "why": one.why or None,
        "mend": one.mend or None,
    }
