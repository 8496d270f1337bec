"""A network that fails: it stands before a real server and spoils what a rule says.

Each request is answered on a connection of its own, so that a fault concerns that request alone.
"""

from __future__ import annotations

import random
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

_BLOCK = 64 * 1024
_ERROR = (
    "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {size}\r\n"
    "Connection: close\r\n\r\n"
)
_STATUS = {
    "503": ("503 Slow Down", "SlowDown"),
    "403": ("403 Forbidden", "AccessDenied"),
    "404": ("404 Not Found", "NoSuchKey"),
}
FAULTS = (*_STATUS, "reset", "cut", "hang", "slow", "garble", "break", "lose")
"""What can be done to a request:

- 503, 403, 404: the server's own words for it
- reset, cut: half of the answer comes, then the connection is reset or closed
- hang: no answer comes
- slow: the answer comes a few bytes at a time
- garble: one byte of the answer's body is another
- break: the connection is reset when half of the request's body has come
- lose: the server does what it was asked, its answer never comes
"""


@dataclass
class Rule:
    """What happens to which requests.

    Attributes:
        fault: One of `FAULTS`.
        method: The request's method; empty for any.
        path: Regular expression found in the request's path.
        times: To how many requests it happens; None for all.
    """

    fault: str
    method: str = ""
    path: str = ""
    times: int | None = None
    met: int = 0

    def meets(self, method: str, path: str) -> bool:
        """Whether it happens to this request, which is then counted."""
        if self.method not in ("", method) or not re.search(self.path, path):
            return False
        if self.times is not None and self.met >= self.times:
            return False
        self.met += 1
        return True


@dataclass
class Proxy:
    """The network before a server on this machine.

    Attributes:
        upstream: The server's port.
        rules: What happens to requests now.
        requests: Method, path and fault of every request.
    """

    upstream: int
    rules: list[Rule] = field(default_factory=list)
    requests: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock, self._random = threading.Lock(), random.Random(7)
        self._ended = threading.Event()
        self._listener: socket.socket | None = None
        self.port = 0
        self.up()

    def up(self) -> None:
        """Listens, on the same port as before."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.port, self._listener = listener.getsockname()[1], listener
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def down(self) -> None:
        """Refuses connections."""
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def stop(self) -> None:
        """Ends it."""
        self._ended.set()
        self.down()

    def spoil(self, *rules: Rule) -> None:
        """Says what happens from now on."""
        self.rules = list(rules)

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        try:
            with client:
                self._exchange(client)
        except OSError:
            return  # the client went away

    def _exchange(self, client: socket.socket) -> None:
        head, rest = _head(client)
        if not head:
            return
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        fault = self._fault(method, path)
        if fault in _STATUS:
            _body(client, head, rest)
            client.sendall(_refusal(*_STATUS[fault], method))
            return
        if fault == "break":
            _reset(client)
            return
        body = _body(client, head, rest)
        if fault == "hang":
            self._ended.wait(60)
            return
        answer = self._forwarded(head, body)
        if fault == "lose":
            _reset(client)
        else:
            self._tell(client, answer, fault)

    def _fault(self, method: str, path: str) -> str:
        with self._lock:
            fault = next((r.fault for r in self.rules if r.meets(method, path)), "")
            self.requests.append((method, path, fault))
        return fault

    def _forwarded(self, head: bytes, body: bytes) -> bytes:
        lines = [
            line
            for line in head.split(b"\r\n")
            if not line.lower().startswith((b"connection:", b"expect:"))
        ]
        with socket.create_connection(("127.0.0.1", self.upstream)) as server:
            server.sendall(b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n" + body)
            return b"".join(iter(lambda: server.recv(_BLOCK), b""))

    def _tell(self, client: socket.socket, answer: bytes, fault: str) -> None:
        start = answer.find(b"\r\n\r\n") + 4
        middle = start + (len(answer) - start) // 2
        if fault == "garble" and len(answer) > start:
            place = self._random.randrange(start, len(answer))
            answer = answer[:place] + bytes([answer[place] ^ 0x15]) + answer[place + 1 :]
        if fault in ("reset", "cut"):
            client.sendall(answer[:middle])
            if fault == "reset":
                _reset(client)
        elif fault == "slow":
            for place in range(0, len(answer), 512):
                client.sendall(answer[place : place + 512])
                time.sleep(0.02)
        else:
            client.sendall(answer)


def _head(client: socket.socket) -> tuple[bytes, bytes]:
    found = b""
    while b"\r\n\r\n" not in found:
        block = client.recv(_BLOCK)
        if not block:
            return b"", b""
        found += block
    head, _, rest = found.partition(b"\r\n\r\n")
    return head, rest


def _body(client: socket.socket, head: bytes, rest: bytes) -> bytes:
    """The request's body, as it came: chunks stay chunks."""
    said = {
        name.strip().lower(): value.strip().lower()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
    }
    if said.get(b"expect") == b"100-continue":
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if said.get(b"transfer-encoding") == b"chunked":
        while not rest.endswith(b"0\r\n\r\n"):
            rest += client.recv(_BLOCK)
        return rest
    while len(rest) < int(said.get(b"content-length", b"0")):
        block = client.recv(_BLOCK)
        if not block:
            return rest
        rest += block
    return rest


def _refusal(status: str, code: str, method: str) -> bytes:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
    head = _ERROR.format(status=status, size=len(body))
    return (head if method == "HEAD" else head + body).encode()


def _reset(client: socket.socket) -> None:
    """Closes a connection so that the other side is told of it as of an accident."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
