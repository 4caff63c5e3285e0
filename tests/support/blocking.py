"""A proxy in front of a server that blocks what the proxies of some companies do."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.support.listening import turns, unlisten

__all__ = ["BlockingProxy", "Rules"]

LIMIT = 30.0  # s that starting and stopping may take
_HELD = b"HTTP/1.1 %d Blocked\r\nContent-Type: text/html\r\nContent-Length: 22\r\nConnection: close\r\n\r\n"
_PAGE = b"<h1>Not allowed</h1>\r\n"


@dataclass
class Rules:
    """What the proxy does; may be changed while it runs.

    upgrade: `pass`; a status to answer it with; `strip` the headers that ask for it; `swallow`
    what comes after 101; `silent` from the client's second WebSocket frame on, as if it was
    looked into (the first is CONNECT); `hang` without any answer.
    cut_upgraded, cut_events: s after which a WebSocket, or a stream of events, is cut.
    events: `pass`; `hold` the answer back until it ends; a status.
    trails: `pass`; a status to answer bulk reads with.
    slow: s after which an answer that has not begun is given up with 504.
    tunnels: whether CONNECT is allowed, to who uses this as a proxy of the environment.
    """

    upgrade: Literal["pass", "strip", "swallow", "silent", "hang"] | int = "pass"
    cut_upgraded: float | None = None
    events: Literal["pass", "hold"] | int = "pass"
    cut_events: float | None = None
    trails: Literal["pass"] | int = "pass"
    slow: float | None = None
    is_down: bool = False
    tunnels: bool = False
    seen: list[str] = field(default_factory=list)  # requests, as method and path

    def of(self, target: str) -> str | int:
        """Return the rule for what is asked for by plain HTTP."""
        return self.events if "/events" in target else self.trails if "/trails" in target else "pass"


class BlockingProxy:
    """Listens on a free port and passes on to another, on a thread and loop of its own.

    Each connection carries one request: what is kept alive would only hide what is blocked.
    """

    def __init__(self, port: int) -> None:
        self.rules = Rules()
        self.port = 0
        self._to = port
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._upgraded: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="blocking-proxy", daemon=True)

    def __enter__(self) -> BlockingProxy:
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT)
        self._loop.close()

    @property
    def url(self) -> str:
        """The base URL of what it passes on to, through it."""
        return f"http://127.0.0.1:{self.port}/"

    def count(self, part: str) -> int:
        """Return how many requests so far had this in their first line."""
        return sum(part in line for line in self.rules.seen)

    def cut(self) -> None:
        """Cut every WebSocket that is open now."""
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in list(self._upgraded)])

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT)

    async def _stop(self) -> None:
        await unlisten(self._server)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()
        await turns()  # sockets are closed in a later one
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await turns()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin a task that is known from now on, as is what it writes to."""
        self._writers.add(writer)
        self._tasks.add(self._loop.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await self._pass(reader, writer, await reader.readuntil(b"\r\n\r\n"))
        finally:
            self._tasks.discard(task)
            self._upgraded.discard(task)
            writer.transport.abort() if task.cancelling() else writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        rules = self.rules
        line, headers = _parsed(head)
        method, target, _ = line.split(" ")
        rules.seen.append(f"{method} {target}")
        if method == "CONNECT":
            await self._connect(reader, writer)
            return
        if target.startswith("http://"):  # as a proxy of the environment is asked
            target = "/" + target.split("/", 3)[3]
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        is_upgrade = headers.get("upgrade", "").lower() == "websocket"
        if is_upgrade and rules.upgrade == "hang":
            await asyncio.Event().wait()
        blocked = rules.upgrade if is_upgrade else rules.of(target)
        if isinstance(blocked, int):
            await _answer(writer, blocked)
            return
        try:
            if rules.is_down:
                raise ConnectionRefusedError
            there, out = await self._open()
        except OSError:
            await _answer(writer, 502)
            return
        try:
            is_tunnel = is_upgrade and rules.upgrade != "strip"
            out.write(_head(method, target, headers, is_tunnel) + body)
            if is_tunnel:
                await self._tunnel(reader, writer, there, out)
            else:
                await self._answer(target, writer, there)
        finally:
            out.transport.abort()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        there, out = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers.add(out)
        return there, out

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.rules.tunnels:
            await _answer(writer, 403)
            return
        there, out = await self._open()
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            await _both_ways(reader, writer, there, out)
        finally:
            out.transport.abort()

    async def _tunnel(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        out: asyncio.StreamWriter,
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._upgraded.add(task)
        rules = self.rules
        writer.write(await there.readuntil(b"\r\n\r\n"))
        if rules.upgrade == "swallow":
            await reader.read()
            return
        async with asyncio.timeout(rules.cut_upgraded):
            if rules.upgrade == "silent":
                out.write(await reader.read(65536))
                await reader.read()
                return
            await _both_ways(reader, writer, there, out)

    async def _answer(self, target: str, writer: asyncio.StreamWriter, there: asyncio.StreamReader) -> None:
        rules = self.rules
        if "/events" in target and rules.events == "hold":
            writer.write(await there.read())
            return
        try:
            async with asyncio.timeout(rules.slow):
                first = await there.read(65536)
        except TimeoutError:
            await _answer(writer, 504)
            return
        writer.write(first)
        async with asyncio.timeout(rules.cut_events if "/events" in target else None):
            await _copy(there, writer)


def _parsed(head: bytes) -> tuple[str, dict[str, str]]:
    line, *rest = head.decode("latin1").split("\r\n")
    pairs = (one.partition(":") for one in rest if one)
    return line, {name.strip().lower(): value.strip() for name, _, value in pairs}


def _head(method: str, target: str, headers: dict[str, str], is_tunnel: bool) -> bytes:
    left_out = ("proxy-connection",) if is_tunnel else ("connection", "upgrade", "proxy-connection")
    lines = [f"{name}: {value}" for name, value in headers.items() if name not in left_out]
    if not is_tunnel:
        lines.append("connection: close")
    return "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""]).encode("latin1")


async def _both_ways(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    there: asyncio.StreamReader,
    out: asyncio.StreamWriter,
) -> None:
    ways = [asyncio.ensure_future(_copy(reader, out)), asyncio.ensure_future(_copy(there, writer))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def _answer(writer: asyncio.StreamWriter, status: int) -> None:
    writer.write(_HELD % status + _PAGE)
    await writer.drain()
