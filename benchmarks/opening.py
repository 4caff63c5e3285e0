"""Connections to a server under load, many at a time: upgrade, CONNECT, SUBSCRIBE, each confirmed."""

from __future__ import annotations

import select
import socket
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from benchmarks.websocket import send_frame, stomp_frame, upgrade_request

__all__ = ["Peer", "Target", "open_all"]

AT_ONCE = 64  # handshakes under way
LIMIT = 30.0  # s without any progress
LITTLE = 4096  # bytes of the receive buffer of who never reads, so that it is soon full


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server listens, and how it is spoken to.

    dialect: "bare" servers take SUB and send on what they are sent. has_receipts: whether a
    SUBSCRIBE is confirmed; where not, a second CONNECT after it is answered. watch: the URL of
    an event stream (http) or plain WebSocket (ws) that subscribers read instead.
    """

    pid: int
    url: str
    dialect: Literal["stomp", "bare"] = "stomp"
    destination: str = "/topic/bench"
    token: str = ""
    login: str = ""
    passcode: str = ""
    has_receipts: bool = True
    watch: str = ""


class Peer:
    """A socket whose handshake is done, and what came through it."""

    __slots__ = ("counts", "keys", "sock", "tail", "times", "unsent")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.tail = b""  # what a key may have begun in
        self.unsent = bytearray()
        self.keys = bytearray()  # all that were received, 16 characters each
        self.counts = array("q")  # how many a read brought, and
        self.times = array("q")  # when that was, ns


class _Opening:
    """A handshake under way: what is waited for, and what comes after it."""

    def __init__(self, target: Target, sock: socket.socket, *, subscribe: bool) -> None:
        self.sock = sock
        self._steps = _steps(target, subscribe=subscribe)
        self._marker, self._read = b"", b""
        self.advance()

    def advance(self) -> bool:
        """Send what comes next; returns False when there is nothing more to do."""
        step = next(self._steps, None)
        if step is None:
            return False
        sent, self._marker = step
        self.sock.sendall(sent)
        return True

    def receive(self) -> bool:
        """Take what came; returns False when the handshake is done."""
        data = self.sock.recv(65536)
        self._read += data
        if not data or b"ERROR\n" in self._read:
            raise RuntimeError(f"waited for {self._marker!r}, got {self._read[:400]!r}")
        _, found, rest = self._read.partition(self._marker)
        if not found:
            return True
        self._read = rest
        return self.advance()


def _steps(target: Target, *, subscribe: bool) -> Iterator[tuple[bytes, bytes]]:
    """Yield what to send and what must then come, in order."""
    if subscribe and target.watch:
        yield from _watching(target)
        return
    yield upgrade_request(target.url, target.token), b" 101 "
    if target.dialect == "bare":
        if subscribe:
            yield send_frame(b"SUB"), b"OK"
        return
    hello = [("accept-version", "1.1,1.2"), ("host", "/"), ("heart-beat", "0,0")]
    if target.login:
        hello += [("login", target.login), ("passcode", target.passcode)]
    yield send_frame(stomp_frame("CONNECT", hello)), b"CONNECTED\n"
    if not subscribe:
        return
    wanted = [("id", "0"), ("destination", target.destination), ("ack", "auto")]
    if target.has_receipts:
        yield send_frame(stomp_frame("SUBSCRIBE", [*wanted, ("receipt", "s")])), b"receipt-id:s"
        return
    again = send_frame(stomp_frame("CONNECT", hello))
    yield send_frame(stomp_frame("SUBSCRIBE", wanted)) + again, b"CONNECTED\n"


def _watching(target: Target) -> Iterator[tuple[bytes, bytes]]:
    greeting = b"\r\n\r\n" if target.dialect == "bare" else b'"protocol":'
    if target.watch.startswith("ws:"):
        yield upgrade_request(target.watch, target.token), greeting
        return
    parts = urlsplit(target.watch)
    lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}"]
    if target.token:
        lines.append(f"X-Locshare-Token: {target.token}")
    yield "\r\n".join([*lines, "", ""]).encode(), greeting


def open_all(
    target: Target, count: int, *, subscribe: bool, stalled: bool = False
) -> tuple[list[Peer], float]:
    """Open connections; returns them, and how many were made per second.

    stalled: they are not going to read, and have little room for what they do not read.
    """
    epoll = select.epoll()
    openings: dict[int, _Opening] = {}
    done: list[Peer] = []
    begin = time.perf_counter()
    while len(done) < count:
        while len(openings) < min(AT_ONCE, count - len(done)):
            opening = _Opening(target, _connect(target.url, stalled), subscribe=subscribe)
            openings[opening.sock.fileno()] = opening
            epoll.register(opening.sock, select.EPOLLIN)
        ready = epoll.poll(LIMIT)
        if not ready:
            raise RuntimeError(f"{len(openings)} handshakes got no answer within {LIMIT:.0f} s")
        for fd, _ in ready:
            opening = openings[fd]
            if opening.receive():
                continue
            epoll.unregister(fd)
            del openings[fd]
            opening.sock.setblocking(False)
            done.append(Peer(opening.sock))
    epoll.close()
    return done, count / max(1e-9, time.perf_counter() - begin)


def _connect(url: str, stalled: bool) -> socket.socket:
    parts = urlsplit(url)
    sock = socket.socket()
    if stalled:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
    sock.settimeout(LIMIT)
    sock.connect((parts.hostname, parts.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
