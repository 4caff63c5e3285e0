"""Leaving HTTP behind: a request's connection becomes a WebSocket's or a stream's own."""

from __future__ import annotations

import contextlib
import socket

from tornado import iostream

from locshare_ext.server.base import Handler

__all__ = ["detached", "response_head"]

_UNHEARD = 3  # times `limits.stall`: a phone may be in a tunnel


def detached(handler: Handler) -> iostream.IOStream | None:
    """Take the connection of a request whose body was read; None when the client has left.

    HTTP writes and reads nothing more on it, and the handler need not be kept. What refuses
    has a status until then. Where the system can (Linux), it ends by itself when the client's
    system has acknowledged nothing for a while: who left without a word, as phones do that
    change networks, would else count against its invite for a quarter of an hour.
    """
    handler.site.underway.discard(handler)
    stream = handler.detach()
    if stream is None or stream.closed():
        return None
    stream.set_nodelay(True)
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None:
        ms = int(handler.site.limits.stall * _UNHEARD * 1000)
        with contextlib.suppress(OSError):  # a unix socket
            stream.socket.setsockopt(socket.IPPROTO_TCP, option, ms)
    return stream


def response_head(handler: Handler, status: str) -> bytes:
    """Return the head of an answer with a handler's headers; status: such as `200 OK`."""
    lines = [f"{name}: {value}\r\n" for name, value in handler._headers.get_all()]
    return f"HTTP/1.1 {status}\r\n{''.join(lines)}\r\n".encode("latin1")
