"""An open WebSocket of a server: payloads to whoever serves it, control frames answered here."""

from __future__ import annotations

import asyncio
from typing import Protocol

from locshare_ext.server.pipe import Pipe
from locshare_ext.server.websocket import (
    CLOSE,
    PING,
    PONG,
    PROTOCOL_ERROR,
    FrameReader,
    close_code,
    close_frame,
    message,
)

__all__ = ["Channel", "ChannelOwner"]

_LAST_WORDS = 5.0  # s that the peer has to answer a Close, and to take what is unsent


class ChannelOwner(Protocol):
    """Who serves a WebSocket; all calls come on its loop."""

    def receive(self, data: bytes, opcode: int) -> None:
        """Take the payloads that one read brought, joined as long as their opcode is the same."""

    def heard(self) -> None:
        """A sign of life came that is no data."""

    def drained(self) -> None:
        """All that was unsent has gone out."""

    def gone(self) -> None:
        """The connection has ended, by whichever side; called once."""


class Channel:
    """One WebSocket after its handshake. Pings and Close are answered; its owner sends the rest.

    Payloads are given out as they come, so no message is ever held and none is too large.
    Of pings that come while output is unsent only the last is answered (RFC 6455 5.5.3).
    """

    __slots__ = ("__weakref__", "_deadline", "_is_closing", "_owner", "_ping", "_pipe", "_reader", "write")

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._reader = FrameReader()
        self._owner: ChannelOwner | None = None
        self._is_closing = False  # a Close was sent: nothing may follow it
        self._ping: bytes | None = None  # to be answered when there is room
        self._deadline: asyncio.TimerHandle | None = None
        self.write = pipe.write  # framed messages; not after `close`

    def start(self, owner: ChannelOwner) -> None:
        """Begin to read."""
        self._owner = owner
        self._pipe.start(self)

    @property
    def reached(self) -> int:
        """Bytes that are known to have reached the peer, ever."""
        return self._pipe.reached

    @property
    def unsent(self) -> int:
        """Bytes that it has not taken yet."""
        return self._pipe.unsent

    def pause(self) -> None:
        """Read no more until `resume`."""
        if not self._is_closing:
            self._pipe.pause()

    def resume(self) -> None:
        """Read again."""
        self._pipe.resume()

    def ping(self) -> None:
        """Send a ping."""
        if not self._is_closing:
            self._pipe.write(message(b"", PING))

    def close(self, code: int | None, reason: str = "") -> None:
        """Send Close; TCP is closed when the peer has answered, or has not for 5 s."""
        if self._is_closing:
            return
        self._is_closing = True
        self._pipe.write(close_frame(code, reason))
        self._pipe.resume()  # the answer may lie behind what is not wanted any more
        self._deadline = asyncio.get_running_loop().call_later(_LAST_WORDS, self._pipe.close)

    def abort(self) -> None:
        """Close TCP now."""
        self._pipe.close()

    # -- what the pipe calls

    def data_received(self, data: bytes) -> None:
        """Take what one read brought."""
        owner = self._owner
        if owner is None:
            return
        payloads: list[bytes] = []
        kind = 0  # of these payloads
        for opcode, payload in self._reader.receive(data):
            if opcode < CLOSE:
                if opcode != kind:
                    self._give(owner, payloads, kind)
                    payloads, kind = [], opcode
                payloads.append(payload)
            elif opcode == CLOSE:
                self._give(owner, payloads, kind)
                self._closed_by_peer(payload)
                return
            else:
                owner.heard()
                if opcode == PING:
                    self._pong(payload)
        self._give(owner, payloads, kind)
        fault = self._reader.fault
        if fault is not None and not self._is_closing:
            self.close(fault.code, fault.reason)
            self._pipe.finish()

    def drained(self) -> None:
        """All that was unsent has gone out."""
        if self._ping is not None:
            self._pong(self._ping)
        if self._owner is not None and not self._is_closing:
            self._owner.drained()

    def lost(self) -> None:
        """TCP has ended."""
        if self._deadline is not None:
            self._deadline.cancel()
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.gone()

    # -- inside

    def _give(self, owner: ChannelOwner, payloads: list[bytes], opcode: int) -> None:
        if payloads and not self._is_closing:
            owner.receive(payloads[0] if len(payloads) == 1 else b"".join(payloads), opcode)

    def _pong(self, payload: bytes) -> None:
        if self._is_closing:
            return
        if self._pipe.unsent:
            self._ping = payload
            return
        self._ping = None
        self._pipe.write(message(payload, PONG))

    def _closed_by_peer(self, payload: bytes) -> None:
        if self._is_closing:  # the answer to ours
            self._pipe.close()
            return
        try:
            code = close_code(payload)
        except ValueError:
            code = PROTOCOL_ERROR
        self.close(code)
        if self._pipe.unsent:
            self._pipe.finish()
        else:
            self._pipe.close()
