"""An SQS that only takes messages, fast: what is left of a send is then the sender's.

    python stub_sqs.py PORT

It answers SendMessageBatch as SQS does, with an id and an MD5 for each entry, keeps nothing, and counts: how
many messages and how many different bodies there were is at `GET /`. It takes more than 20,000 messages a
second on one core.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import sys
from itertools import count
from typing import cast

IDS = count(1)
SEEN: set[int] = set()
TAKEN = 0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n"


def take(request: bytes) -> bytes:
    """The answer to a SendMessageBatch."""
    global TAKEN  # noqa: PLW0603 - the count is the process's
    taken = []
    for entry in json.loads(request)["Entries"]:
        body = entry["MessageBody"].encode()
        SEEN.add(hash(body))
        digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
        taken.append(f'{{"Id":"{entry["Id"]}","MessageId":"{next(IDS):036d}","MD5OfMessageBody":"{digest}"}}')
    TAKEN += len(taken)
    return ('{"Successful":[' + ",".join(taken) + '],"Failed":[]}').encode()


class Connection(asyncio.Protocol):
    """One HTTP connection, kept alive."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            start = head.find(b"content-length:")
            length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
            after = end + 4 + length
            if len(self._buffer) < after:
                return
            body, self._buffer = self._buffer[end + 4 : after], self._buffer[after:]
            answer = take(body) if body else json.dumps({"taken": TAKEN, "different": len(SEEN)}).encode()
            self._transport.write(HEAD % len(answer) + answer)


async def serve(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=1024)
    gc.disable()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
