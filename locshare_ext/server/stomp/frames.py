"""STOMP frames inside WebSocket messages, ready to be written to a socket."""

from __future__ import annotations

from collections.abc import Iterable

from locshare_ext.server.websocket import BINARY, TEXT, message

__all__ = ["framed", "in_messages"]

_FULL = 32 << 10  # bytes of frames put into one message; some clients refuse more than 64 KiB


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


def framed(frame: bytes, opcode: int) -> bytes:
    """Return a MESSAGE in a WebSocket message: a binary one if the body is no text."""
    return message(frame, BINARY if opcode == BINARY else _opcode(frame))


def _opcode(frame: bytes) -> int:
    if frame.isascii():
        return TEXT
    try:
        frame.decode()
    except UnicodeDecodeError:
        return BINARY
    return TEXT
