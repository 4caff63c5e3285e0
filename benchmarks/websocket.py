"""A WebSocket and STOMP client that costs little, to load servers with."""

from __future__ import annotations

import base64
import os
import select
import socket
import time
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

__all__ = ["Load", "connect", "send_frame", "stomp_frame"]


def send_frame(payload: bytes, opcode: int = 2) -> bytes:
    """Return a client's WebSocket frame; its mask is zero, so the payload stays as it is."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65536:
        head = bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0xFF)) + size.to_bytes(8, "big")
    return head + b"\0\0\0\0" + payload


def stomp_frame(command: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"") -> bytes:
    lines = [command, *(f"{name}:{value}" for name, value in headers)]
    return "\n".join(lines).encode() + b"\n\n" + body + b"\0"


def connect(url: str, *, token: str = "", timeout: float = 20) -> socket.socket:
    """Return a socket on which the WebSocket handshake is done."""
    parts = urlsplit(url)
    sock = socket.create_connection((parts.hostname, parts.port), timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    lines = [
        f"GET {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode(),
    ]
    if token:
        lines.append(f"X-Locshare-Token: {token}")
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = wait_for(sock, b"\r\n\r\n")
    if not answer.startswith(b"HTTP/1.1 101"):
        raise RuntimeError(f"no upgrade: {answer[:200]!r}")
    return sock


def wait_for(sock: socket.socket, marker: bytes) -> bytes:
    """Read until `marker` has come; returns what was read."""
    data = b""
    while marker not in data:
        got = sock.recv(65536)
        if not got or b"ERROR\n" in data:
            raise RuntimeError(f"waited for {marker!r}, got {data[:400]!r}")
        data += got
    return data


class Load:
    """Subscribers that count a marker in what they receive, and one publisher.

    publish(n): the bytes of message number n; each must hold `marker` once.
    """

    def __init__(
        self,
        subscribers: list[socket.socket],
        publisher: socket.socket,
        marker: bytes,
        publish: Callable[[int], bytes],
    ) -> None:
        self.subscribers = subscribers
        self.publisher = publisher
        self.marker = marker
        self.publish = publish
        self.delivered = 0
        self.published = 0
        self._unsent = b""
        self._tails: dict[int, bytes] = {}

    def saturate(self, seconds: float, window: int) -> float:
        """Keep `window` messages under way for `seconds`; returns deliveries/s."""
        poll, sockets = select.epoll(), {}
        for sock in (*self.subscribers, self.publisher):
            sock.setblocking(False)
            sockets[sock.fileno()] = sock
            poll.register(sock.fileno(), select.EPOLLIN)
        count, buffer = len(self.subscribers), bytearray(1 << 20)
        begin = time.perf_counter()
        while (now := time.perf_counter()) < begin + seconds:
            room = window - (self.published - self.delivered // count)
            self._send(max(0, room))
            for fd, _ in poll.poll(0.001):
                self._receive(sockets[fd], buffer)
        poll.close()
        return self.delivered / (now - begin)

    def _send(self, room: int) -> None:
        frames = [self.publish(self.published + n) for n in range(room)] if not self._unsent else []
        self.published += len(frames)
        self._unsent += b"".join(frames)
        try:
            self._unsent = self._unsent[self.publisher.send(self._unsent) :] if self._unsent else b""
        except BlockingIOError:
            return

    def _receive(self, sock: socket.socket, buffer: bytearray) -> None:
        try:
            size = sock.recv_into(buffer)
        except BlockingIOError:
            return
        if sock is self.publisher:
            return
        if not size:
            raise RuntimeError("the server closed a subscriber")
        keep = len(self.marker) - 1
        data = self._tails.get(sock.fileno(), b"") + bytes(buffer[:size])
        self.delivered += data.count(self.marker)
        self._tails[sock.fileno()] = data[-keep:]
