"""The process of watchers who follow several groups each.

Over plain WebSockets and event streams that takes a connection for each group; a STOMP connection
carries all of them. Told by `locshare_ext.comparison.manygroups`, by lines.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from locshare_ext.comparison.keys import keys_in, make_fix
from locshare_ext.comparison.told import obey
from locshare_ext.errors import LocShareError, ServerUnreachable
from locshare_ext.stomp import Frame, FrameParser
from locshare_ext.transports import Fixes, Hello, Traffic, Transport, open_transport
from locshare_ext.transports.address import parse_link
from locshare_ext.transports.http import Http

__all__: list[str] = []

AT_ONCE = 20  # watchers that are opening
PATIENCE = 10.0  # s


class Watcher(Protocol):
    """Follows some groups; notes what comes of them."""

    @property
    def connections(self) -> int:
        """How many it has opened."""

    async def open(self, links: Sequence[str]) -> None:
        """Follow the groups of these links, from now on."""

    async def close(self) -> None:
        """End all."""


class Board:
    """What all watchers together have been given, and when."""

    def __init__(self) -> None:
        self.seen = 0
        self.run = -1
        self.slowest = 0  # ns
        self.moved = asyncio.Event()
        self.error: LocShareError | None = None

    def take(self, body: bytes) -> None:
        """Note the fixes of a body."""
        for _, sent in keys_in(body, self.run):
            self.seen += 1
            self.slowest = max(self.slowest, time.monotonic_ns() - sent)
        self.moved.set()

    async def guard(self, work: Awaitable[None]) -> None:
        """Do some work; an error that ends it is noted."""
        try:
            await work
        except LocShareError as error:
            self.error = self.error or error
            self.moved.set()


class OnePerGroup:
    """A transport that follows one group: one of it for each."""

    def __init__(self, transport: str, board: Board) -> None:
        self._name, self._board = transport, board
        self._opened: list[Transport] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def connections(self) -> int:
        return sum(opened.traffic.connections for opened in self._opened)

    async def open(self, links: Sequence[str]) -> None:
        for link in links:
            opened = open_transport(self._name, link, reconnect=False)
            self._opened.append(opened)
            following = opened.follow(after="now")
            while not isinstance(await anext(following), Hello):
                pass
            self._tasks.append(asyncio.create_task(self._board.guard(self._read(following))))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for opened in self._opened:
            await opened.aclose()

    async def _read(self, following: Any) -> None:
        async for item in following:
            if isinstance(item, Fixes):
                self._board.take(item.body)


class AllOverOne:
    """A STOMP connection with a subscription for each group."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._traffic = Traffic()
        self._parser = FrameParser()
        self._http: Http | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def connections(self) -> int:
        return self._traffic.connections

    async def open(self, links: Sequence[str]) -> None:
        groups = [parse_link(link) for link in links]
        server = groups[0][0]
        self._http = Http(server, str(groups[0][1]), self._traffic)
        socket = await self._http.websocket(server.http_url("stomp"), {}, ("v12.stomp",))
        hello = (("accept-version", "1.2"), ("host", server.host), ("passcode", server.token or ""))
        await socket.send_bytes(Frame("CONNECT", hello).encode(None))
        await self._read(socket, "CONNECTED", 1)
        self._parser.version = "1.2"
        for number, (_, group) in enumerate(groups):
            wanted = (("id", str(number)), ("destination", f"/topic/group.{group}"), ("receipt", "s"))
            await socket.send_bytes(Frame("SUBSCRIBE", wanted).encode("1.2"))
        await self._read(socket, "RECEIPT", len(groups))
        self._task = asyncio.create_task(self._board.guard(self._read(socket, "ERROR", 1)))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    async def _read(self, socket: Any, until: str, count: int) -> None:
        """Take what comes until so many frames of a command have come."""
        while count:
            data = (await socket.receive()).data
            if not isinstance(data, bytes | str):  # what closes a connection has a number, or nothing
                raise ServerUnreachable("the server has ended the STOMP connection")
            self._parser.receive_data(data.encode() if isinstance(data, str) else data)
            while (frame := self._parser.next_frame()) is not None:
                if isinstance(frame, Frame):
                    count -= frame.command == until
                    if frame.command == "ERROR":
                        raise ServerUnreachable(f"the server said {frame.get('message')}")
                    if frame.command == "MESSAGE":
                        self._board.take(frame.body)


class Members:
    """All watchers, and one who publishes."""

    def __init__(self) -> None:
        self._board = Board()
        self._watchers: list[Watcher] = []

    async def publish_first(self, links: Sequence[str]) -> dict[str, Any]:
        """Make the groups by a first fix in each."""
        return await self._publish(links, 0)

    async def open(self, transport: str, links: Sequence[str], count: int) -> dict[str, Any]:
        """Let watchers follow all of the groups."""
        gate = asyncio.Semaphore(AT_ONCE)
        self._watchers = [
            AllOverOne(self._board) if transport == "stomp" else OnePerGroup(transport, self._board)
            for _ in range(count)
        ]

        async def open_one(watcher: Watcher) -> None:
            async with gate:
                await watcher.open(links)

        await asyncio.gather(*map(open_one, self._watchers))
        return {"connections": sum(watcher.connections for watcher in self._watchers)}

    async def deliver(self, links: Sequence[str]) -> dict[str, Any]:
        """Publish a fix in each group, and wait until every watcher has all of them."""
        board, wanted = self._board, len(links) * len(self._watchers)
        board.run, board.seen, board.slowest = 1, 0, 0
        await self._publish(links, 1)
        async with asyncio.timeout(PATIENCE):
            while board.seen < wanted and board.error is None:
                board.moved.clear()
                await board.moved.wait()
        if board.error is not None:
            raise board.error
        return {"deliveries": board.seen, "slowest": board.slowest / 1e6}

    async def close(self) -> dict[str, Any]:
        """End all watchers."""
        await asyncio.gather(*(watcher.close() for watcher in self._watchers))
        self._watchers.clear()
        return {}

    async def _publish(self, links: Sequence[str], run: int) -> dict[str, Any]:
        for number, link in enumerate(links):
            async with open_transport("polling", link, reconnect=False) as publisher:
                await publisher.publish(make_fix(run, number))
        return {}


async def _main() -> None:
    members = Members()
    commands = ("publish_first", "open", "deliver", "close")
    await obey({name: getattr(members, name) for name in commands})
    await members.close()


if __name__ == "__main__":
    asyncio.run(_main())
