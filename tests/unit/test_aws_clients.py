"""The clients of AWS: each is made once, however many threads ask for it at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from emulators.stack import REGION, session

from vbvr_cli.backends.aws import clients as clients_module
from vbvr_cli.backends.aws import posting
from vbvr_cli.backends.aws.clients import Clients


def test_many_threads_at_once_make_each_client_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this may hang on a lock in functools.cached_property, which Python 3.12 took away."""
    made: list[str] = []
    closed: list[object] = []

    class Watched:
        usable = True

        def __init__(self, *_: object) -> None:
            made.append("poster")

        def close(self) -> None:
            closed.append(self)

    def objects(*_: object) -> Any:
        made.append("objects")
        return Watched.__new__(Watched)

    using = session()
    client_of = using.client

    def client(service: str, **parameters: Any) -> Any:
        made.append(service)
        return client_of(service, **parameters)  # type: ignore[call-overload]

    monkeypatch.setattr(using, "client", client)
    monkeypatch.setattr(posting, "poster_to", Watched)
    monkeypatch.setattr(clients_module, "FastObjects", objects)
    clients = Clients(using, REGION, endpoint_url="http://127.0.0.1:1")
    together = threading.Barrier(24)

    def use(number: int) -> list[int]:
        together.wait(30)
        looks: list[Callable[[], object]] = [
            lambda: clients.sqs,
            lambda: clients.s3,
            lambda: clients.dynamodb,
            lambda: clients.sqs_poster,
            lambda: clients.objects("a-bucket"),
        ]
        for position in range(number % len(looks)):
            looks.append(looks.pop(position))
        return sorted(id(look()) for look in looks)

    with ThreadPoolExecutor(24) as pool:
        seen = list(pool.map(use, range(24)))

    assert all(one == seen[0] for one in seen)
    assert sorted(made) == ["dynamodb", "objects", "poster", "s3", "sqs"]
    clients.close()
    assert len(closed) == 1


def test_while_a_poster_connects_others_get_their_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    connecting, go_on = threading.Event(), threading.Event()

    def connect(*_: object) -> None:
        connecting.set()
        assert go_on.wait(30)

    monkeypatch.setattr(posting, "poster_to", connect)
    clients = Clients(session(), REGION, endpoint_url="http://127.0.0.1:1")
    with ThreadPoolExecutor(2) as pool:
        poster = pool.submit(lambda: clients.sqs_poster)
        assert connecting.wait(30)
        try:
            assert pool.submit(lambda: clients.dynamodb.meta.region_name).result(30) == REGION
            assert not poster.done()
        finally:
            go_on.set()
        assert poster.result(30) is None


def test_threads_that_end_may_still_make_a_client() -> None:
    clients = Clients(session(), REGION, endpoint_url="http://127.0.0.1:1", threads=2)
    begun, resting = threading.Event(), threading.Event()

    def make(_: int) -> str:
        begun.set()
        resting.wait(1)
        return str(clients.s3.meta.region_name)

    with ThreadPoolExecutor(2) as pool:
        made = pool.submit(clients.at_once, make, [1, 2])
        assert begun.wait(30)
        rested = pool.submit(clients.rest)
        resting.set()

        assert made.result(30) == [REGION, REGION]
        rested.result(30)
    clients.close()
