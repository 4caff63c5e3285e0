"""What the parts of a STOMP connection know of each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from locshare_ext.broker.access import Principal
from locshare_ext.errors import LocShareError
from locshare_ext.server.limits import Limits

__all__ = ["Peer", "Taker", "Wire"]


class Taker(Protocol):
    """A subscription that is asked for its MESSAGEs when they can go out."""

    def take(self, most: int) -> bytes:
        """Return framed MESSAGEs, at most about `most` bytes; called once per loop turn."""

    @property
    def is_behind(self) -> bool:
        """Whether there is more to take already."""


class Peer(Protocol):
    """A session, as those see it that do what its client asks for."""

    limits: Limits
    address: str
    principal: Principal | None
    opcode: int

    @property
    def version(self) -> str:
        """The agreed version of STOMP."""

    @property
    def is_full(self) -> bool:
        """Whether so much is unsent that nothing more is to be added."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be answered."""

    @property
    def owed(self) -> int:
        """Bytes that wait for the end of this turn."""

    def accept(self, principal: Principal) -> None:
        """Answer CONNECT: CONNECTED, and what is allowed from now on."""

    def part(self, receipt: str | None) -> None:
        """Answer DISCONNECT, then close."""

    def receipt(self, receipt: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Send a RECEIPT."""

    def send_framed(self, data: bytes) -> None:
        """Send what stands in WebSocket messages already, at the end of this turn."""

    def woken(self, taker: Taker) -> None:
        """Ask a subscription for its MESSAGEs at the end of this turn, or when there is room."""

    def let_go(self, taker: Taker) -> None:
        """Ask a subscription no more."""

    def fail(self, error: LocShareError, receipt: str | None = None) -> None:
        """Send ERROR, then close; nothing that comes later is read."""

    def pause(self, seconds: float) -> None:
        """Do and read nothing more of this client for a time: what it sends waits at its side."""

    def on_room(self) -> None:
        """Go on with what waited for the store."""

    def stop(self, reason: str) -> None:
        """End the session from this side: ERROR, then close."""

    def broken(self, error: Exception) -> None:
        """End the connection after a bug of ours."""


class Wire(Protocol):
    """The WebSocket below a session."""

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""

    @property
    def reached(self) -> int:
        """Bytes that are known to have reached the client, ever."""

    def write(self, data: bytes) -> None:
        """Write framed messages; when not all can go, `Session.drained` is called later."""

    def pause(self) -> None:
        """Read no more until `resume`."""

    def resume(self) -> None:
        """Read again."""

    def ping(self) -> None:
        """Send a WebSocket ping."""

    def close(self, code: int, reason: str) -> None:
        """Begin the close handshake."""

    def abort(self) -> None:
        """Close TCP now."""
