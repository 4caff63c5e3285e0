"""Leaving HTTP behind: a request's connection becomes a WebSocket's or a stream's own."""

from __future__ import annotations

from tornado import iostream, web

__all__ = ["detached", "response_head"]


def detached(handler: web.RequestHandler) -> iostream.IOStream | None:
    """Take the connection of a request whose body was read; None when the client has left.

    HTTP writes and reads nothing more on it, and the handler need not be kept. What refuses
    has a status until then.
    """
    stream = handler.detach()
    if stream is None or stream.closed():
        return None
    stream.set_nodelay(True)
    return stream


def response_head(handler: web.RequestHandler, status: str) -> bytes:
    """Return the head of an answer with a handler's headers; status: such as `200 OK`."""
    lines = [f"{name}: {value}\r\n" for name, value in handler._headers.get_all()]
    return f"HTTP/1.1 {status}\r\n{''.join(lines)}\r\n".encode("latin1")
