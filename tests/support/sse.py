"""A reader of server-sent events for tests: plain HTTP/1.1, events as values."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from typing import Any, NamedTuple

__all__ = ["Sse", "SseEvent"]


class SseEvent(NamedTuple):
    """One event: its type (`message` when it had none), id, and data as JSON."""

    type: str
    id: str | None
    data: Any


class Sse:
    """An open response.

    comments: how many came. last_id: the place to resume from; retry: ms until one should, as
    the stream says. is_whole: whether the body ended as it should.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.status = 0
        self.headers: dict[str, str] = {}
        self.comments = 0
        self.is_whole = False
        self.last_id: str | None = None
        self.retry: int | None = None
        self._text = ""

    @classmethod
    async def open(
        cls,
        port: int,
        path: str,
        headers: dict[str, str],
        version: str = "1.1",
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> Sse:
        """Send the request and read the head of the answer."""
        reader, writer = await asyncio.open_connection(host, port, limit=1 << 22, ssl=tls)
        sse = cls(reader, writer)
        lines = [f"GET {path} HTTP/{version}", f"Host: {host}:{port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode().split("\r\n")
        sse.status = int(head[0].split(" ")[1])
        sse.headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        return sse

    async def json(self) -> Any:
        """Return the body of an answer that is no stream."""
        return json.loads(await self.reader.readexactly(int(self.headers["content-length"])))

    async def event(self, timeout: float = 10) -> SseEvent | None:
        """Return the next event, None when the response has ended."""
        async with asyncio.timeout(timeout):
            while True:
                block, found, rest = self._text.partition("\n\n")
                if found:
                    self._text = rest
                    event = self._parsed(block)
                    if event is not None:
                        return event
                    continue
                data = await self._more()
                if not data:
                    return None
                self._text += data.decode()

    async def fixes(self, count: int) -> list[dict[str, Any]]:
        """Return the next fixes, `count` at least; events that are no arrays are left out."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            event = await self.event()
            assert event is not None, "the stream ended"
            if isinstance(event.data, list):
                found += event.data
        return found

    async def close(self) -> None:
        """Close the connection."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    async def _more(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return await self.reader.read(1 << 16)
        try:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            data = (await self.reader.readexactly(size + 2))[:-2]
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        self.is_whole = not size
        return data

    def _parsed(self, block: str) -> SseEvent | None:
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            if not name:
                self.comments += 1
            else:
                fields[name] = value.removeprefix(" ")
        self.last_id = fields.get("id", self.last_id)
        self.retry = int(fields["retry"]) if "retry" in fields else self.retry
        if "data" not in fields:
            return None
        return SseEvent(fields.get("event", "message"), fields.get("id"), json.loads(fields["data"]))
