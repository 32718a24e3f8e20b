"""System packages of the image: the catalog names Debian's, the image has Amazon Linux's."""

from __future__ import annotations

from collections.abc import Iterable

from vbvr_cli.errors import ConfigurationError

LIST_NAME = "system-packages.txt"
AMAZON_LINUX = {
    "fontconfig": "fontconfig",
    "git": "git-core",
    "graphviz": "graphviz",
    "libcairo2": "cairo",
    "libfontconfig1": "fontconfig",
    "libfreetype6": "freetype",
    "libgl1": "mesa-libGL",
    "libglib2.0-0": "glib2",
    "libgomp1": "libgomp",
    "libpango-1.0-0": "pango",
    "libpangocairo-1.0-0": "pango",
    "libsm6": "libSM",
    "libxext6": "libXext",
    "libxrender1": "libXrender",
}
BROUGHT_BY = {"cairocffi": "libcairo2", "cairosvg": "libcairo2", "pycairo": "libcairo2"}
"""Python packages that load a library which their wheels do not carry."""


def require_known(debian: Iterable[str]) -> None:
    """Raise ConfigurationError for a package whose counterpart is not known."""
    for name in debian:
        if name not in AMAZON_LINUX:
            raise ConfigurationError(
                f"Its system package {name} is not known in the image.",
                hint=f"Name its counterpart in {__name__.replace('.', '/')}.py.",
            )


def names_for(debian: Iterable[str], distributions: Iterable[str]) -> list[str]:
    """What Amazon Linux calls these packages and those that Python distributions load, sorted."""
    implied = {BROUGHT_BY[name] for name in distributions if name in BROUGHT_BY}
    return sorted({AMAZON_LINUX[name] for name in {*debian, *implied}})
