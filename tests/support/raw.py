"""A STOMP client that shows everything: bytes, opcodes, control frames, and the end of TCP.

It shares no code with the server, and refuses whatever a careful client could stumble over.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import os
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = [
    "BINARY",
    "CLOSE",
    "PING",
    "PONG",
    "TEXT",
    "Message",
    "RawSocket",
    "RawStomp",
    "Received",
    "encode",
]

CONTINUE, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
PATIENCE = 15.0  # s for anything that the server owes
SERVER_COMMANDS = ("CONNECTED", "MESSAGE", "RECEIPT", "ERROR")
_ESCAPES = {
    "1.1": {"\\": "\\\\", "\n": "\\n", ":": "\\c"},
    "1.2": {"\\": "\\\\", "\n": "\\n", ":": "\\c", "\r": "\\r"},
}
_numbers = itertools.count(1)

HeaderInput = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Message:
    """One WebSocket message or control frame."""

    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int:
        """The code of a close frame, 1005 for none (RFC 6455 7.1.5)."""
        return int.from_bytes(self.payload[:2], "big") if self.payload else 1005


@dataclass(frozen=True, slots=True)
class Received:
    """A frame from the server; headers without escapes, in order."""

    command: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    opcode: int

    def __getitem__(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.headers)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class RawSocket:
    """A WebSocket on a blocking socket, without any help."""

    def __init__(
        self,
        port: int,
        *,
        subprotocols: Iterable[str] = (),
        path: str = "/locshare/stomp",
        headers: Mapping[str, str | None] | None = None,
        patience: float | None = PATIENCE,
    ) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), patience)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()
        self.pings = 0
        key = base64.b64encode(os.urandom(16)).decode()
        request: dict[str, str | None] = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
            **({"Sec-WebSocket-Protocol": ", ".join(subprotocols)} if subprotocols else {}),
            **(headers or {}),
        }
        lines = [
            f"GET {path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in request.items() if value is not None),
        ]
        self.write("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer[:] = rest
        status, *answer = head.decode().split("\r\n")
        self.status = int(status.split()[1])
        self.answer = {name.lower(): value for name, value in (line.split(": ", 1) for line in answer)}
        if self.status == 101:
            assert self.answer["sec-websocket-accept"] == _accept(key)
            assert self.answer["upgrade"].lower() == "websocket"
            assert self.answer["connection"].lower() == "upgrade"

    @property
    def subprotocol(self) -> str | None:
        """What the server chose."""
        return self.answer.get("sec-websocket-protocol")

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def send(self, payload: bytes, opcode: int = BINARY, *, fin: bool = True, masked: bool = True) -> None:
        """Send one WebSocket frame."""
        head = bytes((fin << 7 | opcode,))
        size, bit = len(payload), masked << 7
        if size < 126:
            head += bytes((bit | size,))
        elif size < 1 << 16:
            head += bytes((bit | 126,)) + size.to_bytes(2, "big")
        else:
            head += bytes((bit | 127,)) + size.to_bytes(8, "big")
        if masked:
            key = os.urandom(4)
            repeated = (key * (size // 4 + 1))[:size]
            mixed = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
            payload = mixed.to_bytes(size, "big")
            head += key
        self.write(head + payload)

    def receive(self) -> Message | None:
        """Return the next message or control frame; pings are answered; None at the end of TCP."""
        while True:
            if (message := self._receive_any()) is None:
                return None
            if message.opcode != PING:
                return message
            self.pings += 1
            self.send(message.payload, PONG)

    def _receive_any(self) -> Message | None:
        try:
            first, second = self._take(2)
            assert first & 0x70 == 0, "reserved bits are set, and no extension was agreed"
            assert second & 0x80 == 0, "a server must not mask"
            assert first & 0x80, "this server sends its messages whole"
            size = second & 0x7F
            if size == 126:
                size = int.from_bytes(self._take(2), "big")
            elif size == 127:
                size = int.from_bytes(self._take(8), "big")
            message = Message(first & 0x0F, self._take(size))
        except (EOFError, ConnectionResetError):
            return None
        if message.opcode in (TEXT, CLOSE):  # RFC 6455 5.6 and 5.5.1
            message.payload[0 if message.opcode == TEXT else 2 :].decode()
        assert message.opcode < CLOSE or size <= 125, "a control frame is too long"
        return message

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _fill(self) -> None:
        if not (data := self._socket.recv(1 << 16)):
            raise EOFError
        self._buffer += data

    def wait_for_close(self) -> int:
        """Take the close frame, answer it, wait for the end of TCP; returns the code."""
        message = self.receive()
        assert message is not None, "TCP ended without a close handshake"
        assert message.opcode == CLOSE, message
        self.send(message.payload[:2], CLOSE)
        assert self.receive() is None, "TCP goes on after the close handshake"
        return message.close_code

    def shutdown(self) -> None:
        """End TCP, and whoever waits for something to come; twice is no error."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End TCP at once."""
        self._socket.close()


def _accept(key: str) -> str:
    digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False)
    return base64.b64encode(digest.digest()).decode()


def encode(command: str, headers: HeaderInput = (), body: bytes = b"", version: str | None = None) -> bytes:
    """Return a client's frame; escaped as `version` asks for, without content-length."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    table = str.maketrans(_ESCAPES.get(version or "", {}))
    lines = "".join(f"{name.translate(table)}:{value.translate(table)}\n" for name, value in pairs)
    return f"{command}\n{lines}\n".encode() + body + b"\0"


def decode(data: bytes, opcode: int, version: str | None) -> list[Received]:
    """Return the frames of one message; a careful client's rules are asserted."""
    frames = []
    while data:
        head, blank, rest = data.partition(b"\n\n")
        assert blank, f"no end of the headers, or a frame in two messages: {data[:200]!r}"
        command, *lines = head.decode().split("\n")
        assert command in SERVER_COMMANDS, f"{command!r} is no command of a server"
        headers = tuple(_header(line, command, version) for line in lines)
        names = [name for name, _ in headers]
        assert len(set(names)) == len(names), f"repeated headers: {names}"
        length = next((value for name, value in headers if name == "content-length"), None)
        if length is None:
            body, nul, data = rest.partition(b"\0")
            assert nul, "no NUL at the end"
            assert not body, "a body without content-length"
        else:
            assert re.fullmatch(r"\d+", length), length
            body, nul, data = (
                rest[: int(length)],
                rest[int(length) : int(length) + 1],
                rest[int(length) + 1 :],
            )
            assert nul == b"\0", f"content-length {length} is wrong: {rest!r}"
        assert not body or command in ("MESSAGE", "ERROR"), f"{command} has a body"
        assert not body or "content-type" in names or command == "MESSAGE", "an ERROR without a content-type"
        frames.append(Received(command, headers, body, opcode))
    return frames


def _header(line: str, command: str, version: str | None) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    assert colon, f"{line!r} is no header"
    assert name, f"{line!r} is no header"
    assert "\r" not in line or version == "1.1", f"a CR in {line!r}"
    if command == "CONNECTED" or version not in _ESCAPES:
        return name, value
    assert ":" not in value, f"{line!r} has a colon that is not escaped"
    plain = {escape: letter for letter, escape in _ESCAPES[version].items()}
    return tuple(re.sub(r"\\.?", lambda found: plain[found[0]], part) for part in (name, value))  # type: ignore[return-value]


@dataclass
class RawStomp:
    """STOMP on a RawSocket: frames out and in, one after the other."""

    socket: RawSocket
    opcode: int = BINARY
    version: str | None = None
    beats: int = 0
    connected: Received | None = None
    _waiting: list[Received] = field(default_factory=list)

    def write(self, data: bytes) -> None:
        """Send bytes as one WebSocket message."""
        self.socket.send(data, self.opcode)

    def send(self, command: str, headers: HeaderInput = (), body: bytes = b"") -> None:
        """Send one frame."""
        self.write(encode(command, headers, body, None if command in ("CONNECT", "STOMP") else self.version))

    def next(self) -> Received | None:
        """Return the next frame, None at a close frame (answered) or the end of TCP."""
        while not self._waiting:
            message = self.socket.receive()
            if message is None:
                return None
            if message.opcode == CLOSE:
                self.socket.send(message.payload[:2], CLOSE)
                return None
            if message.opcode == PONG:
                continue
            if message.payload == b"\n":
                self.beats += 1
                continue
            self._waiting = decode(message.payload, message.opcode, self.version)
        return self._waiting.pop(0)

    def expect(self, command: str) -> Received:
        """Return the next frame, which must be a `command`."""
        frame = self.next()
        assert frame is not None, f"closed, expected {command}"
        assert frame.command == command, frame
        return frame

    def connect(self, version: str = "1.2", **headers: str) -> Received:
        """Send CONNECT and return what is answered; `_` in names stands for `-`."""
        given = {"accept-version": version, "host": "conformance"} if version != "1.0" else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        self.send("CONNECT", given)
        frame = self.next()
        assert frame is not None, "closed before CONNECTED"
        if frame.command == "CONNECTED":
            self.connected, self.version = frame, version
        return frame

    def ask(self, command: str, headers: HeaderInput = (), body: bytes = b"") -> Received:
        """Send a frame with a receipt; returns its RECEIPT, which must come next, or the ERROR."""
        receipt = f"ask-{next(_numbers)}"
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        self.send(command, [*pairs, ("receipt", receipt)], body)
        answer = self.next()
        assert answer is not None, f"{command} was not answered"
        assert answer["receipt-id"] == receipt, answer
        return answer

    def done(self, command: str, headers: HeaderInput = (), body: bytes = b"") -> Received:
        """As `ask`, and it must be a RECEIPT."""
        answer = self.ask(command, headers, body)
        assert answer.command == "RECEIPT", answer
        return answer

    def sync(self) -> list[Received]:
        """Return all frames that come before the answer to one more SEND: what came, and what did not."""
        receipt = f"sync-{next(_numbers)}"
        self.send("SEND", {"destination": "/topic/void", "receipt": receipt})
        came = []
        while (frame := self.next()) is not None and frame["receipt-id"] != receipt:
            came.append(frame)
        assert frame is not None, f"closed after {came}"
        assert frame.command == "RECEIPT", frame
        return came

    def fail(self) -> Received:
        """Return the ERROR that must come next, after which all must end: handshake, then TCP."""
        error = self.expect("ERROR")
        assert not self._waiting, "frames after ERROR"
        self.socket.wait_for_close()
        return error
