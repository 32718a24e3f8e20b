"""A loopback git server at a distance: HTTP in front of git's own upload-pack, as many forges have it."""

from __future__ import annotations

import http.server
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

SERVICE = "git-upload-pack"
FOUND_OUT = b"001e# service=git-upload-pack\n0000"


class Server(http.server.ThreadingHTTPServer):
    """Serves the repositories below `root`; each answer leaves `latency` seconds after its request came."""

    daemon_threads = True
    request_queue_size = 128  # five, the default, lets a connection wait a second when many come at once

    def __init__(self, root: Path, latency: float) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root = root
        self.latency = latency


class Handler(http.server.BaseHTTPRequestHandler):
    """The two requests of git's smart protocol, over connections that are kept."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """What the server can do and, before version 2 of the protocol, what it has."""
        content = self._upload_pack("--http-backend-info-refs")
        plain = not self.headers.get("Git-Protocol")
        self._answer("advertisement", FOUND_OUT + content if plain else content)

    def do_POST(self) -> None:
        """A question and its answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer("result", self._upload_pack(body=body))

    def _upload_pack(self, *options: str, body: bytes = b"") -> bytes:
        time.sleep(self.server.latency)
        path = urlsplit(self.path).path.removesuffix("/info/refs").removesuffix(f"/{SERVICE}")
        command = ["git", "upload-pack", "--stateless-rpc", *options, str(self.server.root / path.strip("/"))]
        environment = {"PATH": "/usr/bin:/bin", "GIT_PROTOCOL": self.headers.get("Git-Protocol", "")}
        return subprocess.run(command, input=body, env=environment, check=True, stdout=subprocess.PIPE).stdout

    def _answer(self, kind: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"application/x-{SERVICE}-{kind}")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """A benchmark is no place for a line a request."""


if __name__ == "__main__":
    with Server(Path(sys.argv[1]), float(sys.argv[2])) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
