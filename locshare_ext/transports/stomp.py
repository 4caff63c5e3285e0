"""STOMP over a WebSocket: any number of groups, receipts, acknowledgements; here one group."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from typing import ClassVar

import aiohttp

from locshare_ext.errors import LocShareError, ServerUnreachable
from locshare_ext.model.credentials import PREFIXES
from locshare_ext.stomp import Due, Frame, FrameParser, HeartBeat, Limits
from locshare_ext.transports.address import Server
from locshare_ext.transports.base import Line, Settings
from locshare_ext.transports.bodies import read_event
from locshare_ext.transports.duplex import Duplex, DuplexTransport
from locshare_ext.transports.http import CONNECT, LARGEST
from locshare_ext.transports.items import Fixes, Hello, Item, Published, Wish
from locshare_ext.transports.refusals import error_of_frame

__all__ = ["Stomp"]

_VERSION = "1.2"
_BEATS = 10_000  # ms, both ways
_LIMITS = Limits(frame=LARGEST)


class Stomp(DuplexTransport["_Channel"]):
    """SUBSCRIBE and SEND; fixes and events come on topics of their own."""

    name: ClassVar[str] = "stomp"
    events_apart: ClassVar[bool] = True

    def __init__(self, server: Server, group: str, settings: Settings) -> None:
        super().__init__(server, group, settings)
        self._wish: Wish | None = None
        self._events_place: str | None = None  # of the events of `_wish`

    async def _watch(self, wish: Wish, after: str) -> Line:
        if wish is not self._wish:
            self._wish, self._events_place = wish, None
        channel = await self._open_channel()
        topic = f"/topic/group.{self.group}"
        hello = await channel.watch(topic, wish.options(after))
        if wish.events:
            options = {"after": self._events_place or hello.cursor}
            if wish.members is not None:
                options["members"] = wish.members
            await channel.watch_events(f"{topic}.events", options)
        return _Line(self, channel, after)

    async def _publish(self, body: bytes) -> Published:
        channel = await self._open_channel()
        return await channel.publish(f"/topic/group.{self.group}", body)

    async def _open_channel(self) -> _Channel:
        async with self._opening:
            if self._channel is not None and self._channel.is_open:
                return self._channel
            await self._renewed(None)
            socket = await self._http.websocket(self.server.http_url("stomp"), {}, ("v12.stomp",))
            channel = self._channel = _Channel(socket, self.server.url)
            await channel.connect(self.server)
            return channel


class _Line:
    def __init__(self, transport: Stomp, channel: _Channel, after: str) -> None:
        self.place = after
        self._transport = transport
        self._channel = channel

    async def next(self) -> Sequence[Item]:
        """Return what has come."""
        items = await self._channel.take()
        for item in items:
            if isinstance(item, Hello | Fixes):
                self.place = item.cursor
            else:
                self._transport._events_place = item.cursor
        return items

    async def close(self) -> None:
        """Unsubscribe; the connection is kept for publishing."""
        await self._channel.unwatch()


class _Channel(Duplex):
    """One STOMP connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, peer: str) -> None:
        super().__init__(socket, peer)
        self._parser = FrameParser(_LIMITS)
        self._numbers = itertools.count(1)
        self._receipts: dict[str, asyncio.Future[Frame]] = {}
        self._connected: asyncio.Future[Frame] = self._loop.create_future()
        self._beats = HeartBeat(None, None, 0.0)
        self._beating: asyncio.Task[None] | None = None
        self._fixes: str | None = None  # names of the subscriptions
        self._events: str | None = None
        self._hello: str | None = None  # the receipt of `_fixes`
        self._place = ""

    async def connect(self, server: Server) -> None:
        """Send CONNECT and wait for CONNECTED; raises what the server answers instead."""
        headers = [("accept-version", _VERSION), ("host", server.host), ("heart-beat", f"{_BEATS},{_BEATS}")]
        if server.token and server.token.startswith(PREFIXES):  # Jupyter's own goes with the upgrade
            headers.append(("passcode", server.token))
        await self._send(Frame("CONNECT", tuple(headers)).encode(None))
        try:
            async with asyncio.timeout(CONNECT):
                await self._answered(self._connected)
        except TimeoutError:
            error = ServerUnreachable(f"{self._peer} sent no CONNECTED within {CONNECT:g} s")
            self._ended(error)
            raise error from None
        self._beating = self._loop.create_task(self._beat())

    async def watch(self, topic: str, options: Mapping[str, str]) -> Hello:
        """Subscribe to fixes; what was watched before is dropped. Its hello is the first item."""
        await self.unwatch()
        self._fixes = f"fixes-{next(self._numbers)}"
        self._hello = f"hello-{next(self._numbers)}"
        self._listen(True)
        receipt = await self._subscribe(topic, self._fixes, self._hello, options)
        return _hello_of(receipt)

    async def watch_events(self, topic: str, options: Mapping[str, str]) -> None:
        """Subscribe to events."""
        self._events = f"events-{next(self._numbers)}"
        await self._subscribe(topic, self._events, f"events-{next(self._numbers)}", options)

    async def unwatch(self) -> None:
        """Watch no more; twice is no error."""
        names = [name for name in (self._fixes, self._events) if name is not None]
        self._fixes = self._events = None
        self._listen(False)
        for name in names:
            if self.error is None:
                try:
                    await self._send(Frame("UNSUBSCRIBE", (("id", name),)).encode(_VERSION))
                except LocShareError:
                    return

    async def publish(self, topic: str, body: bytes) -> Published:
        """Send a body and wait for its receipt."""
        receipt = f"send-{next(self._numbers)}"
        headers = (("destination", topic), ("content-type", "application/json"), ("receipt", receipt))
        answer = await self._ask(receipt, Frame("SEND", headers, body))
        said = dict(answer.headers)
        return Published(
            int(said.get("stored", 0)),
            int(said.get("duplicates", 0)),
            int(said.get("set-aside", 0)),
            said.get("cursor"),
        )

    async def _subscribe(self, topic: str, name: str, receipt: str, options: Mapping[str, str]) -> Frame:
        headers = (("destination", topic), ("id", name), ("receipt", receipt), *options.items())
        return await self._ask(receipt, Frame("SUBSCRIBE", headers))

    async def _ask(self, receipt: str, frame: Frame) -> Frame:
        answer = self._receipts[receipt] = self._loop.create_future()
        try:
            await self._send(frame.encode(_VERSION))
            return await self._answered(answer)
        finally:
            self._receipts.pop(receipt, None)

    # -- what comes

    def _receive(self, data: bytes) -> None:
        self._beats.heard(self._loop.time())
        self._parser.receive_data(data)
        while (frame := self._parser.next_frame()) is not None:
            if isinstance(frame, Frame):
                self._frame(frame)

    def _frame(self, frame: Frame) -> None:
        said = dict(frame.headers[::-1])
        if frame.command == "MESSAGE":
            self._message(said, frame.body)
        elif frame.command == "RECEIPT":
            receipt = said.get("receipt-id", "")
            if receipt == self._hello:
                hello = _hello_of(frame)
                self._place = hello.cursor
                self._give(hello, len(frame.body))
            if (answer := self._receipts.get(receipt)) is not None and not answer.done():
                answer.set_result(frame)
        elif frame.command == "CONNECTED":
            self._parser.version = _VERSION
            self._agree(said.get("heart-beat", "0,0"))
            if not self._connected.done():
                self._connected.set_result(frame)
        elif frame.command == "ERROR":
            raise self._refused(frame, said)

    def _message(self, said: Mapping[str, str], body: bytes) -> None:
        name, place = said.get("subscription"), said.get("message-id", "")
        if name == self._fixes:
            is_snapshot = "snapshot" in said
            if not is_snapshot and not place.startswith("v-"):  # v: volatile
                self._place = place
            self._give(Fixes(body, self._place, is_snapshot), len(body))
        elif name == self._events:
            event = read_event(body)
            if event is not None:
                self._give(event, len(body))

    def _refused(self, frame: Frame, said: Mapping[str, str]) -> LocShareError:
        """Return what an ERROR means for the connection; who caused it is told what was wrong."""
        error = error_of_frame(said, is_accepted=self._connected.done(), body=frame.body)
        receipt = said.get("receipt-id", "")
        answer = self._receipts.get(receipt)
        if answer is not None and not answer.done():
            answer.set_exception(error)
            if receipt.startswith("send-"):
                return ServerUnreachable("the connection has ended, as what was published was refused")
        return error

    def _closed(self, code: int | None, reason: str) -> LocShareError:
        said = "has ended" if code is None else f"was closed with {code} {reason}".rstrip()
        return ServerUnreachable(f"the connection to {self._peer} {said}")

    def _fail(self, error: LocShareError) -> None:
        for answer in (self._connected, *self._receipts.values()):
            if not answer.done():
                answer.set_exception(error)

    # -- heart-beats

    def _agree(self, beats: str) -> None:
        sends, wants = (int(part) for part in beats.split(","))
        self._beats = HeartBeat(
            max(_BEATS, wants) / 1000 if wants else None,
            max(_BEATS, sends) / 1000 if sends else None,
            self._loop.time(),
        )

    async def _beat(self) -> None:
        while self.error is None and (deadline := self._beats.next_deadline()) is not None:
            await asyncio.sleep(deadline - self._loop.time())
            due = self._beats.on_time(self._loop.time())
            if due is Due.TIMEOUT:
                self._ended(ServerUnreachable(f"{self._peer} was silent for three heart-beats"))
            elif due is Due.BEAT:
                try:
                    await self._send(b"\n")
                except LocShareError:
                    return  # its reader sees the end too

    def _stop(self) -> None:
        if self._beating is not None:
            self._beating.cancel()


def _hello_of(receipt: Frame) -> Hello:
    cursor = receipt.get("cursor")
    if cursor is None:
        raise ServerUnreachable(
            "the server's RECEIPT has no cursor; its version of locshare_ext may be another one",
            code="protocol_mismatch",
        )
    return Hello(cursor, receipt.get("gap") == "true")
