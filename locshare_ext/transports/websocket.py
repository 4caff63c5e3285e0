"""A plain WebSocket: arrays of fixes and objects both ways, one group for each connection."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import ClassVar

import aiohttp
import msgspec

from locshare_ext.errors import AccessDenied, LocShareError, ServerUnreachable
from locshare_ext.transports.base import Line
from locshare_ext.transports.bodies import (
    error_of_object,
    is_after,
    last_cursor,
    object_of,
    read_event,
    read_object,
    read_published,
)
from locshare_ext.transports.duplex import Duplex, DuplexTransport
from locshare_ext.transports.items import Fixes, Item, Published, Wish

__all__ = ["WebSocket"]

_NORMAL, _ABNORMAL = 1000, 1006  # close codes, RFC 6455 7.4.1


class WebSocket(DuplexTransport["_Channel"]):
    """Messages of JSON; what is to be watched is said when the connection is made.

    So a new `follow` takes a new connection; one that only publishes drops what comes.
    """

    name: ClassVar[str] = "websocket"

    async def _watch(self, wish: Wish, after: str) -> Line:
        async with self._opening:
            await self._renewed(None)
            channel = self._channel = await self._connect(wish, after)
        channel.watch(after, wants_events=wish.events)
        return _Line(channel, after)

    async def _publish(self, body: bytes) -> Published:
        async with self._opening:
            channel = self._channel
            if channel is None or not channel.is_open:
                await self._renewed(None)
                channel = self._channel = await self._connect(Wish(), "now")
        return await channel.publish(body)

    async def _connect(self, wish: Wish, after: str) -> _Channel:
        socket = await self._http.websocket(self._http.url("ws"), wish.options(after))
        if self.settings.as_browser and self.server.token:
            await socket.send_bytes(msgspec.json.encode({"token": self.server.token}))
        return _Channel(socket, self.server.url)


class _Line:
    """The watch of one connection, which ends with it."""

    def __init__(self, channel: _Channel, after: str) -> None:
        self.place = after
        self._channel = channel

    async def next(self) -> Sequence[Item]:
        """Return what has come."""
        items = await self._channel.take()
        self.place = items[-1].cursor or self.place
        return items

    async def close(self) -> None:
        """Close the connection: there is no other way to say that nothing more is wanted."""
        await self._channel.close()


class _Channel(Duplex):
    def __init__(self, socket: aiohttp.ClientWebSocketResponse, peer: str) -> None:
        super().__init__(socket, peer)
        self._place = "now"  # of all that came
        self._wants_events = False
        self._answers: deque[asyncio.Future[Published]] = deque()  # they come in order
        self._told: LocShareError | None = None  # the last message, if it was an error

    def watch(self, after: str, *, wants_events: bool) -> None:
        """Give out what comes; called before anything was read."""
        self._place, self._wants_events = after, wants_events
        self._listen(True)

    async def publish(self, body: bytes) -> Published:
        """Send a body and wait for its answer."""
        answer: asyncio.Future[Published] = self._loop.create_future()
        self._answers.append(answer)
        try:
            await self._send(body)
        except LocShareError:
            self._answers.remove(answer)
            raise
        return await self._answered(answer)

    def _receive(self, data: bytes) -> None:
        self._told = None
        if data.startswith(b"["):
            self._give(self._fixes(data), len(data))
            return
        said = object_of(data)
        kind = said.get("type")
        if kind == "stored":
            if self._answers and not (answer := self._answers.popleft()).done():
                answer.set_result(read_published(said))
        elif kind == "error":
            self._told = error_of_object(said)
            if self._answers and not (answer := self._answers.popleft()).done():
                answer.set_exception(self._told)
        elif kind == "event":
            event = read_event(data) if self._wants_events else None
            if event is not None:
                self._place = event.cursor or self._place
                self._give(event, len(data))
        elif kind == "hello" and said.get("watch") is False and self._is_watched:
            raise AccessDenied("the credential may publish to this group, not watch it", code="role_missing")
        elif (item := read_object(said, self._place)) is not None:
            self._place = item.cursor or self._place
            self._give(item, len(data))

    def _fixes(self, data: bytes) -> Fixes:
        cursor = last_cursor(data)
        if cursor is None:  # volatile
            return Fixes(data, self._place)
        if not is_after(cursor, self._place):
            return Fixes(data, self._place, is_snapshot=True)
        self._place = cursor
        return Fixes(data, cursor)

    def _closed(self, code: int | None, reason: str) -> LocShareError:
        # an error that ends the connection is followed by a Close with the beginning of its words
        told = self._told
        if told is not None and code not in (None, _NORMAL, _ABNORMAL) and told.message.startswith(reason):
            return told
        said = "has ended" if code is None else f"was closed with {code} {reason}".rstrip()
        return ServerUnreachable(f"the connection to {self._peer} {said}")

    def _fail(self, error: LocShareError) -> None:
        for answer in self._answers:
            if not answer.done():
                answer.set_exception(error)
        self._answers.clear()
