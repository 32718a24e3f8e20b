"""Posts signed requests to an AWS endpoint, many at a time and without a thread for each.

It is made of awscrt, the client in C that AWS's own SDKs share: signing, connections and waiting cost a small
part of what they cost botocore. It does what goes well, and only that: whatever does not, boto3 does again.
"""

from __future__ import annotations

import io
import threading
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from awscrt import auth, http
from awscrt.exceptions import AwsCrtError
from awscrt.io import (
    ClientBootstrap,
    ClientTlsContext,
    DefaultHostResolver,
    EventLoopGroup,
    SocketOptions,
    TlsContextOptions,
)
from botocore.exceptions import BotoCoreError
from botocore.utils import get_environ_proxies

from vbvr_cli import __version__
from vbvr_cli.backends.aws.volley import Exchange, Volley

if TYPE_CHECKING:
    from botocore.credentials import Credentials

CONNECTIONS = 96
FAILURES_IN_A_ROW = 5
REST_SECONDS = 30.0
ANSWER_SECONDS = 10.0
CONNECT_SECONDS = 5.0
_ENDING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go, and what they are signed for. `ca_bundle`: the file that says whom to trust."""

    url: str
    service: str
    region: str
    ca_bundle: str


def poster_to(endpoint: Endpoint, credentials: Credentials) -> Poster | None:
    """A poster, unless the way there leads through a proxy or needs what only boto3 makes of it."""
    if get_environ_proxies(endpoint.url):
        return None
    try:
        poster = Poster(endpoint, credentials, connections=CONNECTIONS)
        poster.connect()
    except (AwsCrtError, OSError, RuntimeError, ValueError):
        return None
    return poster


class Poster:
    """Posts to one endpoint over up to `connections`, which stay open; threads may share it.

    After some failures in a row it is not `usable` for half a minute: it may lack a way there that boto3
    knows of, or there may be none just now.
    """

    def __init__(self, endpoint: Endpoint, credentials: Credentials, *, connections: int) -> None:
        self._endpoint = endpoint
        self._credentials = credentials
        self._known: tuple[object, auth.AwsCredentialsProvider | None] = (None, None)
        url = urlsplit(endpoint.url)
        self._host, self._path = url.hostname or "", url.path or "/"
        self._port = url.port or (443 if url.scheme == "https" else 80)
        tls = self._tls() if url.scheme == "https" else None
        loops = EventLoopGroup(1)
        options = SocketOptions()
        options.connect_timeout_ms = int(CONNECT_SECONDS * 1000)
        self._connecting: dict[str, Any] = {
            "host_name": self._host,
            "port": self._port,
            "bootstrap": ClientBootstrap(loops, DefaultHostResolver(loops)),
            "socket_options": options,
            "tls_connection_options": tls,
        }
        self._headers = [
            ("host", url.netloc.rpartition("@")[2]),
            ("content-type", "application/x-amz-json-1.0"),
            ("user-agent", f"vbvr/{__version__} awscrt"),
        ]
        self._room = threading.BoundedSemaphore(connections)
        self._idle: deque[http.HttpClientConnection] = deque()
        self._failures = 0
        self._resting_until = 0.0

    @property
    def usable(self) -> bool:
        """Whether it is worth trying."""
        return self._failures < FAILURES_IN_A_ROW or time.monotonic() > self._resting_until

    def connect(self) -> None:
        """Open a first connection. Raises AwsCrtError or TimeoutError if that cannot be done in 5 seconds."""
        self._idle.append(http.HttpClientConnection.new(**self._connecting).result(CONNECT_SECONDS))

    def post_all(self, operation: str, bodies: Iterable[bytes]) -> list[bytes | None]:
        """Post each body to an operation; the answers, in order, None for each that is no good one.

        Bodies are taken as there is room for them. What has not answered in 10 seconds is given up, and where
        no room comes free in that time, all that is left.
        """
        sent: list[Exchange] = []
        volley = Volley()
        for body in bodies:
            exchange = Exchange(volley)
            sent.append(exchange)
            if self._has_room():
                volley.begin()
                self._begin(exchange, operation, body)
        volley.await_end(ANSWER_SECONDS)
        for exchange in sent:
            exchange.give_up()
        volley.await_end(_ENDING_SECONDS)
        return [exchange.answer for exchange in sent]

    def _has_room(self) -> bool:
        """Take room for a request, once there is some; False while nothing is to be tried."""
        if not self.usable:
            return False
        if not self._room.acquire(timeout=ANSWER_SECONDS):
            self._rest()
            return False
        if not self.usable:  # what has been waited for were failures
            self._room.release()
            return False
        return True

    def close(self) -> None:
        """End the connections."""
        while self._idle:
            self._idle.pop().close()

    def _begin(self, exchange: Exchange, operation: str, body: bytes) -> None:
        try:
            request = self._signed(operation, body)
            connection = self._open_connection()
            if connection is not None:
                self._request(exchange, request, connection)
                return
            opening = http.HttpClientConnection.new(**self._connecting)
        except (AwsCrtError, BotoCoreError, OSError, RuntimeError, ValueError):
            self._end(exchange, well=False)
        else:
            opening.add_done_callback(partial(self._request_on_new, exchange, request))

    def _open_connection(self) -> http.HttpClientConnection | None:
        """A connection that is there and idle: the one used last."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.is_open():
                return connection

    def _request_on_new(
        self, exchange: Exchange, request: http.HttpRequest, opening: Future[http.HttpClientConnection]
    ) -> None:
        try:
            self._request(exchange, request, opening.result())
        except (AwsCrtError, OSError, RuntimeError):
            self._end(exchange, well=False)

    def _request(
        self, exchange: Exchange, request: http.HttpRequest, connection: http.HttpClientConnection
    ) -> None:
        exchange.close = connection.close
        stream = connection.request(request, exchange.on_response, exchange.on_body)
        stream.activate()
        stream.completion_future.add_done_callback(partial(self._after, exchange, connection))

    def _after(
        self, exchange: Exchange, connection: http.HttpClientConnection, completed: Future[int]
    ) -> None:
        well = completed.exception() is None
        if well and connection.is_open():
            self._idle.append(connection)
        else:
            connection.close()
        self._end(exchange, well=well)

    def _end(self, exchange: Exchange, *, well: bool) -> None:
        self._failures = 0 if well else self._failures + 1
        if not well:
            self._resting_until = time.monotonic() + REST_SECONDS
        exchange.end(well=well)
        self._room.release()

    def _rest(self) -> None:
        """Nothing comes back: leave it to boto3 for a while."""
        self._failures = FAILURES_IN_A_ROW
        self._resting_until = time.monotonic() + REST_SECONDS

    def _signed(self, operation: str, body: bytes) -> http.HttpRequest:
        headers = [*self._headers, ("x-amz-target", operation), ("content-length", str(len(body)))]
        request = http.HttpRequest("POST", self._path, http.HttpHeaders(headers), io.BytesIO(body))
        signing = auth.AwsSigningConfig(
            algorithm=auth.AwsSigningAlgorithm.V4,
            signature_type=auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
            credentials_provider=self._provider(),
            region=self._endpoint.region,
            service=self._endpoint.service,
        )
        signed: http.HttpRequest = auth.aws_sign_request(request, signing).result(ANSWER_SECONDS)
        return signed

    def _provider(self) -> auth.AwsCredentialsProvider:
        """botocore's credentials, which it refreshes where they expire."""
        frozen = self._credentials.get_frozen_credentials()
        known, provider = self._known
        if provider is None or known != frozen:
            provider = auth.AwsCredentialsProvider.new_static(*frozen[:3])
            self._known = (frozen, provider)
        return provider

    def _tls(self) -> Any:
        trusted = Path(self._endpoint.ca_bundle).read_bytes()
        options = TlsContextOptions()
        options.override_default_trust_store(trusted)
        connection_options = ClientTlsContext(options).new_connection_options()
        connection_options.set_server_name(self._host)
        return connection_options
