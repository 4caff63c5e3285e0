"""A STOMP client for tests: frames as values, awaited one by one."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tornado.websocket import WebSocketClientConnection

from locshare_ext.stomp import Beat, Frame, FrameParser

__all__ = ["StompClient", "frame_bytes"]


def frame_bytes(command: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return a frame as a client of 1.2 sends it."""
    return Frame(command, tuple(headers.items()), body).encode(None if command == "CONNECT" else "1.2")


class StompClient:
    """Talks over an open WebSocket; knows nothing of what it should expect."""

    connected: Frame | None = None

    def __init__(self, socket: WebSocketClientConnection, *, binary: bool = True) -> None:
        self.socket = socket
        self.binary = binary
        self.beats = 0
        self._stream = socket.protocol.stream
        self.messages: list[bytes | str] = []
        self.skipped: list[Frame] = []  # came while an answer was waited for
        self._parser = FrameParser(version=None)

    def write(self, command: str, headers: dict[str, str], body: Any = b"") -> None:
        """Send a frame; a body that is no bytes as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        frame = frame_bytes(command, headers, data)
        self.socket.write_message(frame if self.binary else frame.decode(), binary=self.binary)

    async def frame(self, timeout: float = 10) -> Frame | None:
        """Return the next frame, None when the server has closed."""
        if self.skipped:
            return self.skipped.pop(0)
        return await self._receive(timeout)

    async def _receive(self, timeout: float = 10) -> Frame | None:
        while True:
            frame = self._parser.next_frame()
            if isinstance(frame, Frame):
                if frame.command == "CONNECTED":
                    self._parser.version = frame.get("version")
                return frame
            if isinstance(frame, Beat):
                self.beats += 1
                continue
            async with asyncio.timeout(timeout):
                message = await self.socket.read_message()
            if message is None:
                return None
            self.messages.append(message)
            self._parser.receive_data(message.encode() if isinstance(message, str) else message)

    async def ask(self, command: str, headers: dict[str, str], body: Any = b"") -> Frame:
        """Send a frame with a receipt and return the answer, RECEIPT or ERROR."""
        receipt = headers.setdefault("receipt", f"r-{id(headers)}")
        self.write(command, headers, body)
        while True:
            frame = await self._receive()
            assert frame is not None, "closed without an answer"
            if frame.command == "ERROR" or frame.get("receipt-id") == receipt:
                return frame
            self.skipped.append(frame)

    async def close(self) -> None:
        """Close the WebSocket and wait until it is."""
        self.socket.close()
        async with asyncio.timeout(10):
            while not self._stream.closed():  # a moment after the handshake
                await asyncio.sleep(0.001)

    async def closed(self) -> int | None:
        """Wait for the close handshake; returns its code."""
        assert await self.frame() is None
        return self.socket.close_code
