"""A proxy that makes a wire slow and unreliable: it delays answers, resets connections, cuts answers off.

    python slow_wire.py PORT TARGET_PORT [--delay-ms 20] [--reset-every N] [--cut-every N] [--cut-after BYTES]

It passes bytes and knows nothing of HTTP, so that it carries thousands of requests a second on a part of a
core. Every answer comes `delay` later than it did, whole or in pieces. Of the answers over all connections,
each `reset-every`-th ends in a reset, each `cut-every`-th after so many bytes with a plain close. What begins
after the client has sent something counts as an answer.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import cast

PATIENCE_SECONDS = 20.0
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing resets


@dataclass(frozen=True)
class Wire:
    """What is done to answers; 0 for never. `delay` in seconds, `cut_after` in bytes."""

    target: tuple[str, int]
    delay: float = 0.0
    reset_every: int = 0
    cut_every: int = 0
    cut_after: int = 100
    answers: Iterator[int] = field(default_factory=lambda: count(1))


class Client(asyncio.Protocol):
    """The connection of a client, and through it the one to the server."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._server: asyncio.Transport | None = None
        self._early: list[bytes] = []
        self.fate = ""
        self.answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        loop = asyncio.get_running_loop()
        self._connecting = loop.create_task(
            loop.create_connection(lambda: Server(self, self._wire), *self._wire.target)
        )

    def connected(self, server: asyncio.Transport) -> None:
        """The server is there: give it what came early."""
        self._server = server
        server.writelines(self._early)
        self._early = []

    def data_received(self, data: bytes) -> None:
        self.answering = False
        if self._server:
            self._server.write(data)
        else:
            self._early.append(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._server:
            self._server.close()
        else:
            self._connecting.cancel()

    def begin_answer(self) -> None:
        """Decide what becomes of the next answer."""
        self.answering = True
        number = next(self._wire.answers)
        if self._wire.reset_every and number % self._wire.reset_every == 0:
            self.fate = "reset"
        elif self._wire.cut_every and number % self._wire.cut_every == 0:
            self.fate = "cut"

    def write(self, data: bytes) -> None:
        """Pass on a piece of an answer, or end the connection in its place."""
        if self.transport.is_closing():
            return
        if self.fate == "reset":
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
        elif self.fate == "cut":
            self.transport.write(data[: self._wire.cut_after])
            self.transport.close()
        else:
            self.transport.write(data)


class Server(asyncio.Protocol):
    """The connection to the server, for one client."""

    def __init__(self, client: Client, wire: Wire) -> None:
        self._client = client
        self._delay = wire.delay
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._client.connected(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        if not self._client.answering:
            self._client.begin_answer()
        if self._delay:
            self._loop.call_later(self._delay, self._client.write, data)
        else:
            self._client.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._loop.call_later(self._delay, self._client.transport.close)


@contextmanager
def slow_wire(target_port: int, *, delay_ms: float = 0.0, **faults: int) -> Iterator[str]:
    """Such a proxy in a process of its own, before a server of this machine: its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    options = [f"--{name.replace('_', '-')}={value}" for name, value in faults.items()]
    command = [sys.executable, __file__, str(port), str(target_port), f"--delay-ms={delay_ms}", *options]
    process = subprocess.Popen(command)
    try:
        await_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def await_port(port: int) -> None:
    """Wait until something listens there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nothing listens at port {port}")


async def serve(port: int, wire: Wire) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Client(wire), "127.0.0.1", port, backlog=1024)
    gc.disable()
    await server.serve_forever()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("target_port", type=int)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    for name, default in (("reset-every", 0), ("cut-every", 0), ("cut-after", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    target = ("127.0.0.1", given.target_port)
    wire = Wire(target, given.delay_ms / 1000, given.reset_every, given.cut_every, given.cut_after)
    asyncio.run(serve(given.port, wire))


if __name__ == "__main__":
    main()
