"""WS locshare/stomp: the WebSocket below a STOMP session."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from tornado import iostream, websocket

from locshare_ext.errors import InvalidInput, Unavailable
from locshare_ext.server.base import Handler
from locshare_ext.server.frames import BINARY, TEXT

if TYPE_CHECKING:
    from locshare_ext.server.stomp.session import Session

__all__ = ["StompSocket"]

SUBPROTOCOLS = ("v12.stomp", "v11.stomp", "v10.stomp")
_BEFORE_CONNECT = 64 << 10  # bytes; a STOMP frame over 8 KiB gets an ERROR, a flood this


class StompSocket(Handler, websocket.WebSocketHandler):
    """Carries STOMP frames; who comes without an identity must CONNECT with a passcode."""

    _stream_request_body = False  # a GET without a body; tornado's upgrade expects that
    action = "execute"
    needs_principal = False
    has_head = False

    session: Session | None = None

    async def get(self, *args: str, **kwargs: str) -> None:
        """Upgrade, unless there are too many connections."""
        site = self.site
        if self.request.headers.get("Upgrade", "").lower() != "websocket":
            raise InvalidInput(
                "this address speaks WebSocket only", code="websocket_expected", field="upgrade"
            )
        if len(site.sessions) >= site.limits.connections:
            raise Unavailable(
                f"there are {site.limits.connections} connections already", code="too_many_connections"
            )
        if self.current_principal is None:
            address = self.request.remote_ip or ""
            unproved = sum(1 for one in site.sessions if not one.is_proved and one.address == address)
            if unproved >= site.limits.unproved:
                raise Unavailable(
                    f"{unproved} connections of this address have shown no credential yet",
                    code="too_many_connections",
                )
        await super().get(*args, **kwargs)

    # -- tornado's side

    @property
    def ping_interval(self) -> float | None:
        """Zero: the site's timer sends the pings."""
        return 0

    @property
    def max_message_size(self) -> int:
        """What one message may have; frames have their own limit, which is answered."""
        return _BEFORE_CONNECT

    def get_compression_options(self) -> dict[str, Any] | None:
        """Nothing is compressed: fixes are small, bombs are not."""
        return None

    def check_origin(self, origin: str) -> bool:
        """Say yes: `authenticate` has refused foreign origins already."""
        return True

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Return the newest version that the client offers."""
        return next((name for name in SUBPROTOCOLS if name in subprotocols), None)

    def open(self, *args: str, **kwargs: str) -> None:
        """Begin the session."""
        from locshare_ext.server.stomp.session import Session  # STOMP is loaded by who first speaks it

        self.set_nodelay(True)
        # not _stream: that name is tornado's
        self._out: Any = self.ws_connection.stream  # type: ignore[union-attr]  # open() has one
        self.session = Session(self.site, self, self.current_principal, self.request.remote_ip or "")

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Hand a message to the session."""
        if self.session is None:
            return None
        if isinstance(message, str):
            return self.session.receive(message.encode(), TEXT)
        return self.session.receive(message, BINARY)

    def on_pong(self, data: bytes) -> None:
        """Count a pong as a sign of life: hidden browser tabs beat late."""
        if self.session is not None:
            self.session.heard()

    def on_close(self) -> None:
        """Let the session leave everything."""
        session, self.session = self.session, None
        if session is not None:
            session.gone()

    # -- the session's side (`Wire`)

    # The stream's counters are the only way to see how much of a large write has gone out;
    # its futures tell only when all of it has.
    @property
    def sent(self) -> int:
        """Bytes that the kernel has taken, ever."""
        return int(self._out._total_write_done_index)

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""
        stream = self._out
        return int(stream._total_write_index - stream._total_write_done_index)

    def write_framed(self, data: bytes) -> None:
        """Write messages that are framed already, in one system call if the kernel takes them."""
        if self.ws_connection is None or self.ws_connection.is_closing():
            return
        try:
            future = self._out.write(data)
        except iostream.StreamClosedError:
            return
        if not future.done():
            future.add_done_callback(self._on_written)

    def allow_frames(self, most: int) -> None:
        """Take larger messages from now on, in bytes."""
        params = getattr(self.ws_connection, "params", None)
        if params is not None:
            params.max_message_size = most

    def ping_peer(self) -> None:
        """Send a WebSocket ping."""
        if self.ws_connection is not None and not self.ws_connection.is_closing():
            self.ping(b"")

    def close_peer(self, code: int, reason: str) -> None:
        """Begin the close handshake; tornado closes TCP when it is done, or after 5 s."""
        # RFC 6455 5.5: a control frame has 125 bytes, two of them the code
        self.close(code, reason.encode()[:123].decode(errors="ignore"))

    def abort(self) -> None:
        """Close TCP now."""
        self._out.close()

    def _on_written(self, future: Any) -> None:
        if not future.cancelled() and future.exception() is None and self.session is not None:
            self.session.drained()
