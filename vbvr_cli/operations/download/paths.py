"""Where below one folder an object belongs: no key leads out of it, whatever a manifest says."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path, PurePosixPath

from vbvr_cli.operations.download.problems import UnsafeKeyError

DATASET = frozenset({"questions", "manifests"})
LONGEST_NAME = 255
LONGEST_KEY = 1024
MOST_REMEMBERED = 10_000
_ODD = re.compile(r"(^|/)(\.{0,2})(/|$)")
_UNFIT = re.compile(r"[\\\0]")


class Paths:
    """The paths of keys below `root`. A folder that was found to be inside is not looked at again soon.

    They are text: a Path for each object would cost more than looking where it belongs.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._inside: set[str] = set()

    def of(self, key: str) -> str:
        """Where an object belongs. Raises UnsafeKeyError for a key that leaves the folder."""
        folder, _, name = key.rpartition("/")
        if folder in self._inside and _is_plain(name):
            return f"{self._root}/{key}"
        if len(key) > LONGEST_KEY:
            raise UnsafeKeyError(f"The key {key[:80]!r}... is longer than a key can be.")
        parts = PurePosixPath(key).parts if _ODD.search(key) else tuple(key.split("/"))
        safe = parts[:1] and parts[0] in DATASET and all(map(_is_plain, parts))
        if not safe or not self._is_inside("/".join(parts[:-1])):
            raise UnsafeKeyError(
                f"The key {key!r} leads out of {self._root}, or is none of a dataset: a manifest was "
                "tampered with, or a link was placed. Nothing was written for it."
            )
        return "/".join((self._root, *parts))

    def make(self, folder: str) -> bool:
        """Make a folder; False if it is there. Raises OSError, and UnsafeKeyError as `of`."""
        path = self.of(folder)
        try:
            os.mkdir(path)  # noqa: PTH102
        except FileExistsError:
            self._inside.discard(folder)  # it may be another one by now
            return False
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
            os.mkdir(path)  # noqa: PTH102
        self._remember(folder)
        return True

    def unmake(self, folder: str) -> None:
        """Remove a folder that is empty. Raises OSError, and UnsafeKeyError as `of`."""
        self._inside.discard(folder)
        os.rmdir(self.of(folder))  # noqa: PTH106

    def _is_inside(self, folder: str) -> bool:
        """Whether a folder of a dataset, links followed, is below the root."""
        if not folder or folder in self._inside:
            return True
        path = f"{self._root}/{folder}"
        inside = self._is_inside(folder.rpartition("/")[0]) and not os.path.islink(path)  # noqa: PTH114
        if inside or Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self._root)):
            self._remember(folder)
            return True
        return False

    def _remember(self, folder: str) -> None:
        if len(self._inside) >= MOST_REMEMBERED:
            self._inside.clear()
        self._inside.add(folder)


@lru_cache  # the names of files are the same ones again and again
def _is_plain(name: str) -> bool:
    """Whether a part of a key is a name that every disk can hold."""
    return name not in ("", ".", "..") and not _UNFIT.search(name) and len(os.fsencode(name)) <= LONGEST_NAME
