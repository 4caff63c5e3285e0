"""WebSocket as a server speaks it, RFC 6455: bytes in, payloads and control frames out; no I/O."""

from __future__ import annotations

import base64
import codecs
import hashlib
from typing import NamedTuple

__all__ = [
    "BINARY",
    "CLOSE",
    "PING",
    "PONG",
    "TEXT",
    "Fault",
    "FrameReader",
    "accept_key",
    "close_code",
    "close_frame",
    "message",
    "unmask_slowly",
]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10  # opcodes, 5.2

PROTOCOL_ERROR, NOT_UTF8 = 1002, 1007  # close codes, 7.4.1
_OPCODES = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NO_MASK = b"\0\0\0\0"
_MAX_CONTROL = 125  # bytes, 5.5


def unmask_slowly(mask: bytes, data: bytes) -> bytes:
    """Return `data` without its mask, 5.3."""
    size = len(data)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


try:
    from tornado.speedups import websocket_mask as _unmask
except ImportError:  # tornado is built without C where there is no compiler
    _unmask = unmask_slowly


class Fault(NamedTuple):
    """How a peer broke the protocol: the code and reason to close with."""

    code: int
    reason: str


class FrameReader:
    """Turn a client's bytes into payloads, however they are cut into reads and frames.

    `receive` returns `(opcode, payload)` in order: of data frames what has come of them,
    with the opcode of their message, so a large message comes in pieces and no bytes are
    kept; control frames whole. Text is checked as UTF-8 over the cuts.
    fault: set when the client broke the protocol; what it sent before was returned, what
    comes after is dropped.
    """

    __slots__ = ("_head", "_is_final", "_left", "_mask", "_opcode", "_text", "fault")

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self._head = b""  # the beginning of a frame, and of a control frame all that has come
        self._opcode = CONTINUATION  # of the message that is open, CONTINUATION when none is
        self._left = 0  # bytes of payload that the current data frame lacks
        self._mask = _NO_MASK  # turned to the next byte
        self._is_final = True
        self._text: codecs.IncrementalDecoder | None = None  # of a text message that came in pieces

    def receive(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return what `data` brings."""
        found: list[tuple[int, bytes]] = []
        if self.fault is not None:
            return found
        at = 0
        if self._head:
            data = self._head + data
            self._head = b""
        try:
            if self._left:
                at = self._go_on(data, 0, found)
            while at < len(data):
                after = self._read(data, at, found)
                if after == at:
                    self._head = data[at:]
                    break
                at = after
        except _Broken as broken:
            self.fault = broken.fault
        return found

    def _read(self, data: bytes, at: int, found: list[tuple[int, bytes]]) -> int:
        """Read the frame that begins at `at`; returns where it ends, `at` when more is needed."""
        size = len(data)
        if size - at >= 8 and data[at] in _WHOLE_MESSAGE and not self._opcode:
            # The usual case at once: a whole message that is all here
            length, start = data[at + 1] - 128, at + 6
            if length == 126:
                length, start = data[at + 2] << 8 | data[at + 3], at + 8
            if 0 <= length != 127 and (end := start + length) <= size:
                payload = data[start:end]
                mask = data[start - 4 : start]
                if mask != _NO_MASK:
                    payload = _unmask(mask, payload)
                opcode = data[at] & 15
                if opcode == TEXT and not payload.isascii():
                    _check_utf8(payload)
                found.append((opcode, payload))
                return end
        return self._read_other(data, at, found)

    def _read_other(self, data: bytes, at: int, found: list[tuple[int, bytes]]) -> int:
        """Read a control frame, a fragment, or the beginning of a message that is not here whole."""
        size = len(data)
        if size - at < 2:
            return at
        _check(data[at], data[at + 1])
        length, start = data[at + 1] & 127, at + 6
        if length >= 126:
            width = 2 if length == 126 else 8
            length, start = int.from_bytes(data[at + 2 : at + 2 + width], "big"), start + width
        if size < start:
            return at
        mask = data[start - 4 : start]
        if data[at] & 15 >= CLOSE:
            end = start + length
            if end > size:
                return at
            found.append((data[at] & 15, _plain(mask, data[start:end])))
            return end
        self._begin(data[at], length, mask)
        return self._go_on(data, start, found)

    def _begin(self, first: int, length: int, mask: bytes) -> None:
        """Begin a data frame whose payload comes in pieces, or that is one of several."""
        opcode = first & 15
        if opcode and self._opcode:
            raise _Broken("a message began inside another")
        if not opcode and not self._opcode:
            raise _Broken("a continuation came without a beginning")
        if length >= 1 << 63:
            raise _Broken("a frame's length has its highest bit set")
        self._opcode = opcode or self._opcode
        self._mask, self._left, self._is_final = mask, length, first >= 128

    def _go_on(self, data: bytes, at: int, found: list[tuple[int, bytes]]) -> int:
        """Take payload of the current data frame from `at` on; returns where it ends."""
        payload = _plain(self._mask, data[at : at + self._left])
        size = len(payload)
        turn = size % 4
        self._mask = self._mask[turn:] + self._mask[:turn]
        self._left -= size
        opcode = self._opcode
        is_end = self._is_final and not self._left
        if opcode == TEXT:
            if self._text is None:
                self._text = codecs.getincrementaldecoder("utf-8")()
            try:
                self._text.decode(payload, is_end)
            except UnicodeDecodeError:
                raise _Broken("text is not UTF-8", NOT_UTF8) from None
        if is_end:
            self._opcode, self._text = CONTINUATION, None
        if payload:
            found.append((opcode, payload))
        return at + size


class _Broken(Exception):
    def __init__(self, reason: str, code: int = PROTOCOL_ERROR) -> None:
        self.fault = Fault(code, reason)


_WHOLE_MESSAGE = frozenset({0x80 | TEXT, 0x80 | BINARY})  # first bytes


def _check(first: int, second: int) -> None:
    """Refuse what the first two bytes of a frame must not be (5.2, 5.5)."""
    opcode = first & 15
    if first & 0x70:
        raise _Broken("a reserved bit is set, but no extension was agreed")
    if opcode not in _OPCODES:
        raise _Broken(f"opcode {opcode} is unknown")
    if second < 128:
        raise _Broken("a client's frame must be masked")
    if opcode >= CLOSE:
        if second & 127 > _MAX_CONTROL:
            raise _Broken(f"a control frame is over {_MAX_CONTROL} bytes")
        if first < 128:
            raise _Broken("a control frame is fragmented")


def _plain(mask: bytes, data: bytes) -> bytes:
    return data if mask == _NO_MASK else _unmask(mask, data)


def _check_utf8(payload: bytes) -> None:
    try:
        payload.decode()
    except UnicodeDecodeError:
        raise _Broken("text is not UTF-8", NOT_UTF8) from None


def close_code(payload: bytes) -> int | None:
    """Return the code of a client's Close, None if it gave none; raises ValueError for a bad one."""
    if not payload:
        return None
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (
        (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code < 5000
    ):
        raise ValueError(f"close code {code} must not be sent")
    payload[2:].decode()  # a UnicodeDecodeError is a ValueError
    return code


def message(payload: bytes, opcode: int) -> bytes:
    """Return a server's frame: a whole message, or a control frame; nothing is masked."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, size))
    elif size < 1 << 16:
        head = bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big")
    return head + payload


def close_frame(code: int | None, reason: str = "") -> bytes:
    """Return a Close; a reason that is too long is cut (5.5: 125 bytes, two of them the code)."""
    if code is None:
        return message(b"", CLOSE)
    cut = reason.encode()[: _MAX_CONTROL - 2].decode(errors="ignore").encode()
    return message(code.to_bytes(2, "big") + cut, CLOSE)


def accept_key(key: str) -> str:
    """Return Sec-WebSocket-Accept for a client's Sec-WebSocket-Key (4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()
