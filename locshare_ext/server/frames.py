"""STOMP frames inside WebSocket messages, ready to be written to a socket."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["BINARY", "TEXT", "in_messages", "message"]

TEXT, BINARY = 1, 2  # opcodes, RFC 6455 5.2

_FULL = 32 << 10  # bytes of frames put into one message; some clients refuse more than 64 KiB


def message(payload: bytes, opcode: int) -> bytes:
    """Return a server's WebSocket message in one unmasked frame."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, size))
    elif size < 1 << 16:
        head = bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big")
    return head + payload


def in_messages(frames: Iterable[bytes], opcode: int) -> bytes:
    """Return STOMP frames in as few messages as fit `_FULL`, one after the other."""
    out: list[bytes] = []
    waiting: list[bytes] = []
    size = 0
    for frame in frames:
        if waiting and size + len(frame) > _FULL:
            out.append(message(b"".join(waiting), opcode))
            waiting, size = [], 0
        waiting.append(frame)
        size += len(frame)
    if waiting:
        out.append(message(b"".join(waiting), opcode))
    return out[0] if len(out) == 1 else b"".join(out)
