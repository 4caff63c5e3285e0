"""A TCP proxy that passes on, counts, cuts, and can answer in its server's place."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque

from tests.support.listening import unlisten

__all__ = ["Cutter"]


class Cutter:
    """Listens on `port`, passes on to `target` of this machine.

    sent, received: bytes that clients have sent and were given. opened: connections. canned:
    answers given to the next connections instead. is_down: every connection is cut at once.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.sent = self.received = self.opened = 0
        self.canned: deque[bytes] = deque()
        self.is_down = False
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Cutter:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        await unlisten(self._server)
        self.cut()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._server.wait_closed()

    def cut(self) -> None:
        """End every connection that is open, without a farewell."""
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.opened += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if self.is_down:
                writer.transport.abort()
            elif self.canned:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(self.canned.popleft())
                await writer.drain()
            else:
                await self._pass_on(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self.target)
        ends = {writer, to_server}
        self._open |= ends
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, to_server, is_up=True))
                group.create_task(self._pump(from_server, writer, is_up=False))
        finally:
            self._open -= ends
            to_server.close()
            with contextlib.suppress(OSError):
                await to_server.wait_closed()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if is_up:
                    self.sent += len(data)
                else:
                    self.received += len(data)
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()
