"""One WebSocket that carries a watch and what is published at the same time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

import aiohttp
from aiohttp import WSMsgType

from locshare_ext.errors import LocShareError, ServerUnreachable
from locshare_ext.transports.address import Server
from locshare_ext.transports.base import Overrun, Settings, Transport
from locshare_ext.transports.http import SILENCE
from locshare_ext.transports.items import Item

__all__ = ["Duplex", "DuplexTransport"]

_HELD = 256 << 10  # bytes of items that wait to be taken

Answer = TypeVar("Answer")
log = logging.getLogger("locshare_ext.transports")


class Duplex(ABC):
    """An open WebSocket, read by a task of its own: answers are told apart from what is watched.

    What is watched waits for who takes it, up to `_HELD` bytes; then the socket is left alone and
    the server waits. Only while an answer is awaited is it read on: what is watched then is
    dropped, and `take` says so by Overrun, after which it is asked for again at its place.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, peer: str) -> None:
        self.error: LocShareError | None = None  # what has ended it
        self._socket = socket
        self._peer = peer
        self._loop = asyncio.get_running_loop()
        self._items: deque[Item] = deque()
        self._held = 0  # bytes of them
        self._is_watched = False
        self._is_overrun = False
        self._news = asyncio.Event()  # for who takes: items, or the end
        self._room = asyncio.Event()  # for who reads
        self._idle = asyncio.Event()  # no answer is awaited
        self._idle.set()
        self._awaited = 0
        self._task = self._loop.create_task(self._read())

    @property
    def is_open(self) -> bool:
        """Whether more can be sent."""
        return self.error is None and not self._socket.closed

    async def take(self) -> Sequence[Item]:
        """Wait for items, and return all that are here; raises what has ended it, or Overrun."""
        while not self._items:
            if self._is_overrun:
                raise Overrun
            if self.error is not None:
                raise self.error
            self._news.clear()
            await self._news.wait()
        items = list(self._items)
        self._items.clear()
        self._held = 0
        self._room.set()
        return items

    async def close(self) -> None:
        """Say goodbye, and close, once no answer is awaited; twice is no error."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SILENCE):
                while self._awaited and self.error is None:
                    self._idle.clear()
                    self._room.set()
                    await self._idle.wait()
        await self.abort()

    async def abort(self) -> None:
        """Close now; who awaits an answer is told that there will be none."""
        self._ended(ServerUnreachable("the connection was closed from this side"))
        self._stop()
        self._task.cancel()
        await asyncio.wait([self._task])
        with contextlib.suppress(aiohttp.ClientError, OSError):
            await self._socket.close()

    # -- for a kind of it

    def _listen(self, is_watched: bool) -> None:
        """Keep what is watched from now on, or drop it."""
        self._is_watched, self._is_overrun = is_watched, False
        self._items.clear()
        self._held = 0
        self._room.set()

    def _give(self, item: Item, size: int) -> None:
        """Pass on an item of so many bytes."""
        if not self._is_watched or self._is_overrun:
            return
        if self._held > _HELD:  # read on for the sake of an answer
            self._is_overrun = True
            return
        self._items.append(item)
        self._held += size
        self._news.set()

    async def _send(self, data: bytes) -> None:
        """Send a message; raises ServerUnreachable, or what has ended the connection."""
        if self.error is not None:
            raise self.error
        try:
            await self._socket.send_bytes(data)
        except (aiohttp.ClientError, OSError):
            raise ServerUnreachable(f"the connection to {self._peer} has ended") from None

    async def _answered(self, answer: asyncio.Future[Answer]) -> Answer:
        """Wait for an answer; what is watched is read on meanwhile, taken or not."""
        self._awaited += 1
        self._room.set()
        try:
            return await answer
        finally:
            self._awaited -= 1
            if not self._awaited:
                self._idle.set()

    def _stop(self) -> None:  # noqa: B027 -- for those who run something
        """End what runs besides."""

    @abstractmethod
    def _receive(self, data: bytes) -> None:
        """Take one message; may raise LocShareError to end the connection."""

    @abstractmethod
    def _closed(self, code: int | None, reason: str) -> LocShareError:
        """Return why the peer closed."""

    @abstractmethod
    def _fail(self, error: LocShareError) -> None:
        """Tell all who await an answer that none will come."""

    # -- inside

    async def _read(self) -> None:
        try:
            while True:
                if self._held > _HELD and not self._awaited:
                    self._room.clear()
                    await self._room.wait()
                    continue
                message = await self._socket.receive()
                if message.type is WSMsgType.TEXT:
                    self._receive(message.data.encode())
                elif message.type is WSMsgType.BINARY:
                    self._receive(message.data)
                else:
                    self._ended(self._reason(message))
                    return
        except LocShareError as error:
            self._ended(error)
        except TimeoutError:
            self._ended(ServerUnreachable(f"nothing came from {self._peer} for {SILENCE:g} s"))
        except (aiohttp.ClientError, OSError) as error:
            self._ended(ServerUnreachable(f"the connection to {self._peer} has ended: {error}"))
        except Exception as error:  # the task's top: a bug of ours must not leave who waits waiting
            log.exception("reading from %s failed", self._peer)
            self._ended(LocShareError(f"reading failed: {type(error).__name__}"))

    def _reason(self, message: aiohttp.WSMessage) -> LocShareError:
        code = message.data if message.type is WSMsgType.CLOSE else None
        return self._closed(code, str(message.extra or "") if code is not None else "")

    def _ended(self, error: LocShareError) -> None:
        if self.error is None:
            self.error = error
            self._fail(error)
        self._news.set()
        self._idle.set()


Channel = TypeVar("Channel", bound=Duplex)


class DuplexTransport(Transport, Generic[Channel]):
    """A transport that watches and publishes over one connection."""

    def __init__(self, server: Server, group: str, settings: Settings) -> None:
        super().__init__(server, group, settings)
        self._channel: Channel | None = None
        self._opening = asyncio.Lock()

    async def _renewed(self, channel: Channel | None) -> None:
        """Let go of the connection there was, and take a new one."""
        before, self._channel = self._channel, channel
        if before is not None:
            await before.close()

    async def _close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.abort()
