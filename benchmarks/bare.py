"""Servers without a protocol: what arrives from a publisher goes to every subscriber as it is.

A client that sends the message SUB is a subscriber and is answered OK. `write_message` is
how a tornado handler does it at first, with handlers for event streams and long polls beside
it; `send` is one thread that does nothing but `socket.send` of a frame to each, which is what
the kernel takes for one call a delivery.

    python -m benchmarks.bare write_message|send PORT
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import select
import socket
import sys
from collections.abc import Iterator

from tornado import web, websocket

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
READ = 1 << 18


class FanOut(websocket.WebSocketHandler):
    """The naive way in tornado."""

    subscribers: set[FanOut] = set()  # noqa: RUF012 -- of the class, on purpose

    def open(self, *_args: str, **_kwargs: str) -> None:
        self.set_nodelay(True)

    def on_message(self, message: str | bytes) -> None:
        if message == b"SUB":
            self.subscribers.add(self)
            self.write_message(b"OK", binary=True)
            return
        for subscriber in self.subscribers:
            subscriber.write_message(message, binary=True)
        tell(message if isinstance(message, bytes) else message.encode())

    def on_close(self) -> None:
        self.subscribers.discard(self)


class EventStream(web.RequestHandler):
    """The naive event stream: a request that does not end."""

    open_ones: set[EventStream] = set()  # noqa: RUF012 -- of the class, on purpose

    async def get(self) -> None:
        self.set_header("Content-Type", "text/event-stream")
        self._left = asyncio.Event()
        self.open_ones.add(self)
        await self.flush()
        await self._left.wait()

    def on_connection_close(self) -> None:
        self.open_ones.discard(self)
        self._left.set()


class LongPoll(web.RequestHandler):
    """The naive long poll, as tornado's chat demo waits."""

    waiting: set[asyncio.Future[bytes]] = set()  # noqa: RUF012 -- of the class, on purpose

    async def get(self) -> None:
        self._future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.waiting.add(self._future)
        self.write(await self._future)

    def on_connection_close(self) -> None:
        self.waiting.discard(self._future)
        self._future.cancel()


class Publish(web.RequestHandler):
    """Tells everybody what is posted."""

    def post(self) -> None:
        tell(self.request.body)


def tell(message: bytes) -> None:
    """Pass a message on to event streams and long polls."""
    for stream in EventStream.open_ones:
        stream.write(b"data: " + message + b"\n\n")
        stream.flush()
    waiting = list(LongPoll.waiting)
    LongPoll.waiting.clear()
    for future in waiting:
        future.set_result(message)


async def write_message(port: int) -> None:
    handlers = [("/ws", FanOut), ("/sse", EventStream), ("/poll", LongPoll), ("/publish", Publish)]
    web.Application(handlers).listen(port, "127.0.0.1")
    await asyncio.Event().wait()


class Peer:
    """A connection of the loop below."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.read = b""
        self.unsent = b""
        self.is_open = False  # whether the upgrade is done


class SendLoop:
    """One thread, one epoll, one `socket.send` a delivery."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=4096)
        self._epoll = select.epoll()
        self._peers: dict[int, Peer] = {}
        self._subscribers: dict[int, Peer] = {}
        self._epoll.register(self._listener, select.EPOLLIN)

    def run(self) -> None:
        listening = self._listener.fileno()
        while True:
            for fd, events in self._epoll.poll():
                if fd == listening:
                    self._accept()
                    continue
                if events & select.EPOLLOUT:
                    self._drain(fd)
                if events & ~select.EPOLLOUT:
                    self._receive(fd)

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._peers[sock.fileno()] = Peer(sock)
        self._epoll.register(sock, select.EPOLLIN)

    def _receive(self, fd: int) -> None:
        peer = self._peers[fd]
        try:
            data = peer.sock.recv(READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._epoll.unregister(fd)
            self._subscribers.pop(fd, None)
            self._peers.pop(fd).sock.close()
            return
        peer.read += data
        if not peer.is_open:
            self._upgrade(peer)
            return
        for message in _messages(peer):
            if message == b"SUB":
                self._subscribers[fd] = peer
                peer.sock.send(_frame(b"OK"))
            else:
                self._deliver(_frame(message))

    def _upgrade(self, peer: Peer) -> None:
        head, end, rest = peer.read.partition(b"\r\n\r\n")
        if not end:
            return
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
        accept = base64.b64encode(hashlib.sha1((key[1] if key else b"") + MAGIC).digest())
        lines = (b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade")
        peer.sock.send(b"\r\n".join((*lines, b"Sec-WebSocket-Accept: " + accept, b"", b"")))
        peer.read, peer.is_open = rest, True

    def _deliver(self, frame: bytes) -> None:
        for fd, peer in self._subscribers.items():
            if peer.unsent:
                peer.unsent += frame
                continue
            try:
                sent = peer.sock.send(frame)
            except BlockingIOError:
                sent = 0
            except OSError:
                continue  # its end is read from it
            if sent < len(frame):
                peer.unsent = frame[sent:]
                self._epoll.modify(fd, select.EPOLLIN | select.EPOLLOUT)

    def _drain(self, fd: int) -> None:
        peer = self._peers[fd]
        try:
            peer.unsent = peer.unsent[peer.sock.send(peer.unsent) :]
        except OSError:
            return
        if not peer.unsent:
            self._epoll.modify(fd, select.EPOLLIN)


def _frame(payload: bytes) -> bytes:
    """Return a server's binary frame."""
    size = len(payload)
    if size < 126:
        return bytes((0x82, size)) + payload
    return b"\x82\x7e" + size.to_bytes(2, "big") + payload


def _messages(peer: Peer) -> Iterator[bytes]:
    """Take the whole messages out of what was read; the generator masks with zeros only."""
    data, at = peer.read, 0
    while len(data) - at >= 6:
        size, head = data[at + 1] & 127, 6
        if size == 126:
            size, head = int.from_bytes(data[at + 2 : at + 4], "big"), 8
        if len(data) - at < head + size:
            break
        yield data[at + head : at + head + size]
        at += head + size
    peer.read = data[at:]


if __name__ == "__main__":
    if sys.argv[1] == "send":
        SendLoop(int(sys.argv[2])).run()
    else:
        asyncio.run(write_message(int(sys.argv[2])))
