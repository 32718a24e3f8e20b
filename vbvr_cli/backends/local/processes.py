"""Who holds a lease: an identity that outlives the process, and tells whether the process still lives."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from functools import cache
from pathlib import Path

import psutil

_IDENTITY = re.compile(r"(?P<pid>\d+)-(?P<start>-?\d+\.\d\d)-(?P<place>[0-9a-f]{8})")
_SAME_START_SECONDS = 2.0  # the kernel tells the time of its own start in whole seconds, and may correct it


def identity() -> str:
    """This process as `{pid}-{start}-{place}`, fit for a file name; a forked child has its own."""
    return _identity(os.getpid())


def alive(holder: str) -> bool:
    """Whether the process of an identity still runs; a pid that was given to another process is not it.

    A process of another place (a container with pids of its own) cannot be seen: it counts as alive, and
    what it holds lapses by time only.
    """
    if holder == identity():
        return True
    named = _IDENTITY.fullmatch(holder)
    if named is None or named["place"] != _place():
        return True
    try:
        start = _start(int(named["pid"]))
    except psutil.AccessDenied:
        return True
    return start is not None and abs(start - float(named["start"])) < _SAME_START_SECONDS


@cache
def _identity(pid: int) -> str:
    start = _start(pid)
    if start is None:
        raise psutil.NoSuchProcess(pid)
    return f"{pid}-{start:.2f}-{_place()}"


def _start(pid: int) -> float | None:
    """When a process started, in seconds since the machine did: setting the clock does not move it."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.create_time() - psutil.boot_time()
    except psutil.NoSuchProcess:
        return None


@cache
def _place() -> str:
    """Eight hex digits for the set of pids that this process sees."""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return hashlib.sha256(f"{platform.node()} {namespace}".encode()).hexdigest()[:8]
