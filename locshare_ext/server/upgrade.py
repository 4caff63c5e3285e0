"""From an HTTP request to a WebSocket: the server's side of the opening handshake."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from tornado import iostream

from locshare_ext.errors import InvalidInput
from locshare_ext.server.base import Handler
from locshare_ext.server.channel import Channel
from locshare_ext.server.leaving import detached, response_head
from locshare_ext.server.pipe import Pipe, open_pipe
from locshare_ext.server.websocket import accept_key

__all__ = ["SocketHandler", "check_upgrade", "upgrade", "upgraded_pipe"]


class SocketHandler(Handler):
    """What opens WebSockets: a GET without a body; one that comes is read, dropped and refused."""

    action = "execute"
    needs_principal = False
    has_head = False

    def _check_body(self) -> None:
        headers = self.request.headers
        if "Transfer-Encoding" in headers or headers.get("Content-Length", "0").strip("0"):
            raise InvalidInput(
                "the request that opens a WebSocket has no body", code="body_not_expected", field="body"
            )


def check_upgrade(handler: Handler) -> None:
    """Raise InvalidInput unless the request asks for a WebSocket (RFC 6455 4.2.1), of any version."""
    headers = handler.request.headers
    if headers.get("Upgrade", "").lower() != "websocket":
        raise InvalidInput("this address speaks WebSocket only", code="websocket_expected", field="upgrade")
    if "upgrade" not in [option.strip().lower() for option in headers.get("Connection", "").split(",")]:
        raise InvalidInput("Connection does not say Upgrade", code="websocket_expected", field="connection")
    try:
        key = base64.b64decode(headers.get("Sec-WebSocket-Key", ""), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 16:
        raise InvalidInput(
            "Sec-WebSocket-Key is not 16 bytes in base64",
            code="websocket_expected",
            field="sec-websocket-key",
        )


async def upgrade(handler: Handler, subprotocols: Sequence[str]) -> Channel | None:
    """Answer the handshake; returns the WebSocket, None when the client has left or was refused.

    See `upgraded_pipe`.
    """
    pipe = await upgraded_pipe(handler, subprotocols)
    return None if pipe is None else Channel(pipe)


async def upgraded_pipe(handler: Handler, subprotocols: Sequence[str]) -> Pipe | None:
    """Answer the handshake; returns what is below the WebSocket, None as `upgrade`.

    subprotocols: ours, the best first; the first that the client offers too is agreed. No
    extension ever is: fixes are small, compression bombs are not. The caller has checked who
    comes, and `check_upgrade`. The handler is of no use afterwards, and need not be kept.
    """
    headers = handler.request.headers
    if headers.get("Sec-WebSocket-Version", "").strip() != "13":
        handler.set_header("Sec-WebSocket-Version", "13")
        handler.set_status(426)
        handler.finish({"error": {"code": "websocket_version", "message": "expected WebSocket version 13"}})
        return None
    offered = [name.strip() for name in headers.get("Sec-WebSocket-Protocol", "").split(",")]
    agreed = next((name for name in subprotocols if name in offered), None)
    handler.clear_header("Content-Type")
    handler.set_header("Upgrade", "websocket")
    handler.set_header("Connection", "Upgrade")
    handler.set_header("Sec-WebSocket-Accept", accept_key(headers["Sec-WebSocket-Key"].strip()))
    if agreed is not None:
        handler.set_header("Sec-WebSocket-Protocol", agreed)
    stream = detached(handler)
    if stream is None:
        return None
    try:
        await stream.write(response_head(handler, "101 Switching Protocols"))
    except iostream.StreamClosedError:
        return None
    return open_pipe(stream)
