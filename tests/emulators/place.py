"""An AWS back end on moto with a hand on the wire: for tests of what can go wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from unittest import mock

import boto3
from emulators.interference import Interference
from emulators.moto_in_process import moto
from emulators.stack import make_stack, session

from vbvr_cli.backends.aws import calls
from vbvr_cli.backends.aws.backend import AwsBackend


@dataclass(frozen=True)
class Place:
    """The back end and its session, what is between it and AWS, and a session with nothing between."""

    backend: AwsBackend
    wire: Interference
    watched: boto3.Session
    aws: boto3.Session


@cache
def _sessions() -> tuple[boto3.Session, boto3.Session, Interference]:
    """A session, and another with something on its wire; of the process, since a new one is slow."""
    watched = session()
    return session(), watched, Interference(watched)


@contextmanager
def place() -> Iterator[Place]:
    """A stack of its own. Tries follow each other without pauses."""
    with (
        moto(time.time),
        mock.patch.object(calls, "BACKOFF", calls.Backoff(first=0.0, most=0.0)),
        mock.patch("botocore.retries.standard.ExponentialBackoff.delay_amount", return_value=0),
    ):
        plain, watched, wire = _sessions()
        wire.reset()
        with closing(AwsBackend(make_stack(plain), watched, threads=4, fast=False)) as backend:
            yield Place(backend, wire, watched, plain)
