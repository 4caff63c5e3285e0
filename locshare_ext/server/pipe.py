"""The bytes of one connection that HTTP has been left behind on, both ways."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections import deque
from typing import Any, Protocol

from tornado import iostream
from tornado.ioloop import IOLoop

__all__ = ["Pipe", "PipeOwner", "SocketPipe", "StreamPipe", "open_pipe"]

try:
    import fcntl
    import termios

    _OUTQ: int | None = termios.TIOCOUTQ
except ImportError:  # Windows
    _OUTQ = None

_CHUNK = 64 << 10  # bytes read at a time
_READ, _WRITE = IOLoop.READ, IOLoop.WRITE


class PipeOwner(Protocol):
    """Who uses a pipe; all calls come on its loop."""

    def data_received(self, data: bytes) -> None:
        """Take what has come, once per readiness of the socket."""

    def drained(self) -> None:
        """All that was unsent has gone out."""

    def lost(self) -> None:
        """The connection has ended, by whichever side; called once, never inside a call of ours."""


class Pipe(Protocol):
    """An open connection."""

    @property
    def unsent(self) -> int:
        """Bytes that the kernel has not taken yet."""

    @property
    def sent(self) -> int:
        """Bytes that it has taken, ever."""

    @property
    def reached(self) -> int:
        """Bytes that the peer's system has acknowledged, where ours tells; else `sent`."""

    def start(self, owner: PipeOwner) -> None:
        """Begin to read; called once."""

    def write(self, data: bytes) -> None:
        """Send, at once what the kernel takes; the rest is kept, without a bound."""

    def pause(self) -> None:
        """Read no more until `resume`."""

    def resume(self) -> None:
        """Read again."""

    def finish(self) -> None:
        """Send what is unsent, then end our direction; what still comes is read."""

    def close(self) -> None:
        """Close TCP now; what is unsent is lost."""


def open_pipe(stream: iostream.IOStream) -> Pipe:
    """Return the pipe over a stream that was detached from HTTP, with nothing unwritten in it.

    A plain socket is taken out of its stream: each write and read of a stream costs a future
    and each idle one some KiB. TLS stays with tornado.
    """
    if type(stream) is iostream.IOStream:
        return SocketPipe(stream)
    return StreamPipe(stream)


class SocketPipe:
    """Reads and writes a socket that it has taken from a tornado stream."""

    __slots__ = ("_early", "_events", "_finishes", "_loop", "_owner", "_queue", "_socket", "sent", "unsent")

    def __init__(self, stream: iostream.IOStream) -> None:
        self.sent = 0
        self.unsent = 0
        self._owner: PipeOwner | None = None
        self._queue: deque[memoryview] | None = None  # made when the kernel first takes less than all
        self._finishes = False
        self._loop = IOLoop.current()
        self._events = 0
        self._socket = stream.socket
        self._early = _buffered(stream)
        if self._early is not None:
            self._loop.remove_handler(self._socket)

    @property
    def reached(self) -> int:
        """Bytes that the peer's system has acknowledged, where ours tells; else `sent`."""
        return self.sent - _unacknowledged(self._socket)

    def start(self, owner: PipeOwner) -> None:
        """Begin to read; called once."""
        early, self._early = self._early, None
        if early is None:  # the stream has closed its socket
            self._loop.add_callback(owner.lost)
            return
        self._owner = owner
        self._watch(_READ)
        if early:
            owner.data_received(early)

    def write(self, data: bytes) -> None:
        """Send, at once what the kernel takes; the rest is kept, without a bound."""
        if self._owner is None:
            return
        sent = 0
        if not self.unsent:
            try:
                sent = self._socket.send(data)
            except BlockingIOError:
                pass
            except OSError:
                self.close()
                return
            self.sent += sent
            if sent == len(data):
                return
            self._watch(self._events | _WRITE)
        if self._queue is None:
            self._queue = deque()
        # a view: the bytes are shared with all who get the same
        self._queue.append(memoryview(data)[sent:])
        self.unsent += len(data) - sent

    def pause(self) -> None:
        """Read no more until `resume`."""
        self._watch(self._events & ~_READ)

    def resume(self) -> None:
        """Read again."""
        self._watch(self._events | _READ)

    def finish(self) -> None:
        """Send what is unsent, then end our direction; what still comes is read."""
        self._finishes = True
        if not self.unsent:
            self._shut()

    def close(self) -> None:
        """Close TCP now; what is unsent is lost."""
        owner, self._owner = self._owner, None
        if owner is None:
            return
        self._watch(0)
        self._socket.close()
        self._queue, self.unsent = None, 0
        self._loop.add_callback(owner.lost)

    def _watch(self, events: int) -> None:
        if events == self._events or (events and self._owner is None):
            return
        if not self._events:
            self._loop.add_handler(self._socket, self._ready, events)
        elif events:
            self._loop.update_handler(self._socket, events)
        else:
            self._loop.remove_handler(self._socket)
        self._events = events

    def _ready(self, _: object, events: int) -> None:
        if events & _WRITE:
            self._send_on()
        if events & _READ and self._owner is not None:
            try:
                data = self._socket.recv(_CHUNK)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if data:
                self._owner.data_received(data)
            else:
                self.close()

    def _send_on(self) -> None:
        queue = self._queue
        while queue:
            data = queue[0]
            try:
                sent = self._socket.send(data)
            except BlockingIOError:
                return
            except OSError:
                self.close()
                return
            self.sent += sent
            self.unsent -= sent
            if sent < len(data):
                queue[0] = data[sent:]
                return
            queue.popleft()
        self._watch(self._events & ~_WRITE)
        if self._finishes:
            self._shut()
        if self._owner is not None:
            self._owner.drained()

    def _shut(self) -> None:
        if self._owner is not None:
            try:
                self._socket.shutdown(1)
            except OSError:
                self.close()


class StreamPipe:
    """Reads and writes by tornado's stream: what TLS needs."""

    def __init__(self, stream: iostream.IOStream) -> None:
        self._stream: Any = stream
        self._owner: PipeOwner | None = None
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._finishes = False
        self._task: asyncio.Task[None] | None = None

    # The stream's counters are the only way to see how much of a large write has gone out;
    # its futures tell only when all of it has.
    @property
    def sent(self) -> int:
        """Bytes that the kernel has taken, ever."""
        return int(self._stream._total_write_done_index)

    @property
    def unsent(self) -> int:
        """Bytes that it has not taken yet."""
        return int(self._stream._total_write_index) - self.sent

    @property
    def reached(self) -> int:
        """Bytes that the peer's system has acknowledged, where ours tells; else `sent`. TLS adds some."""
        return self.sent - _unacknowledged(self._stream.socket)

    def start(self, owner: PipeOwner) -> None:
        """Begin to read; called once."""
        self._owner = owner
        self._task = asyncio.get_running_loop().create_task(self._read(owner))

    def write(self, data: bytes) -> None:
        """Send, at once what the kernel takes; the rest is kept, without a bound."""
        try:
            future = self._stream.write(data)
        except iostream.StreamClosedError:
            return
        if not future.done():
            future.add_done_callback(self._written)

    def pause(self) -> None:
        """Read no more until `resume`."""
        self._may_read.clear()

    def resume(self) -> None:
        """Read again."""
        self._may_read.set()

    def finish(self) -> None:
        """Send what is unsent, then close: TLS over a stream has no half of it."""
        self._finishes = True
        if not self.unsent:
            self.close()

    def close(self) -> None:
        """Close TCP now; what is unsent is lost."""
        self._stream.close()
        self._may_read.set()

    def _written(self, future: asyncio.Future[None]) -> None:
        if future.cancelled() or future.exception() is not None or self.unsent:
            return
        if self._finishes:
            self.close()
        elif self._owner is not None:
            self._owner.drained()

    async def _read(self, owner: PipeOwner) -> None:
        try:
            while True:
                data = await self._stream.read_bytes(_CHUNK, partial=True)
                await self._may_read.wait()
                owner.data_received(data)
                await self._may_read.wait()
        except iostream.StreamClosedError:
            pass
        finally:
            self._owner = None
            owner.lost()


def _unacknowledged(sock: socket.socket | None) -> int:
    """Return how many bytes the kernel has taken and the peer's has not, 0 where that is not told."""
    if _OUTQ is None or sock is None:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(sock, _OUTQ, b"\0\0\0\0"), sys.byteorder)
    except (OSError, ValueError):  # closed, or no such count of sockets
        return 0


def _buffered(stream: iostream.IOStream) -> bytes | None:
    """Return what a stream has read ahead, None if it is closed; it must not be used afterwards."""
    try:
        future = stream.read_bytes(1 << 30, partial=True)  # done at once when there is something
    except iostream.StreamClosedError:
        return None
    if stream.closed():
        return None
    return future.result() if future.done() else b""  # type: ignore[attr-defined]  # it is a Future
