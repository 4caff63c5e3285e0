"""As much of a WebSocket and STOMP client as it takes to load servers."""

from __future__ import annotations

import base64
import os
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

__all__ = ["connect", "send_frame", "stomp_frame", "upgrade_request", "wait_for"]


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


def upgrade_request(url: str, token: str = "") -> bytes:
    """Return the request that begins a WebSocket; token: the host's, of a server of ours."""
    parts = urlsplit(url)
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
    return "\r\n".join([*lines, "", ""]).encode()


def connect(url: str, *, token: str = "", timeout: float = 20) -> socket.socket:
    """Return a socket on which the WebSocket handshake is done."""
    parts = urlsplit(url)
    sock = socket.create_connection((parts.hostname, parts.port), timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(upgrade_request(url, token))
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
