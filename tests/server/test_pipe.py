"""The bytes of a connection after HTTP, by a bare socket and by tornado's stream (as with TLS)."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Iterator

import pytest
from tornado.iostream import IOStream

from locshare_ext.server.pipe import Pipe, SocketPipe, StreamPipe, open_pipe

KINDS = [SocketPipe, StreamPipe]


class Owner:
    """Notes what a pipe calls."""

    def __init__(self) -> None:
        self.data = b""
        self.reads = 0
        self.drains = 0
        self.losses = 0
        self.changed = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.reads += 1
        self.changed.set()

    def drained(self) -> None:
        self.drains += 1
        self.changed.set()

    def lost(self) -> None:
        self.losses += 1
        self.changed.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_so():
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
def sockets() -> Iterator[tuple[IOStream, socket.socket]]:
    """A stream of ours and the peer's socket, connected by TCP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 << 10)
    peer.setblocking(False)
    stream = IOStream(ours)
    yield stream, peer
    peer.close()
    ours.close()
    stream.close()


async def receive(peer: socket.socket, size: int) -> bytes:
    loop, got = asyncio.get_running_loop(), b""
    async with asyncio.timeout(10):
        while len(got) < size:
            data = await loop.sock_recv(peer, 1 << 20)
            if not data:
                break
            got += data
    return got


async def test_tls_stays_with_tornado_and_the_rest_does_not(sockets) -> None:
    class Other(IOStream):
        pass

    stream, peer = sockets
    assert isinstance(open_pipe(stream), SocketPipe)
    assert isinstance(open_pipe(Other(peer)), StreamPipe)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_read_ahead_is_not_lost(sockets, kind) -> None:
    stream, peer = sockets
    peer.send(b"GET\r\n\r\nfirst")
    await stream.read_until(b"\r\n\r\n")
    owner, pipe = Owner(), kind(stream)
    pipe.start(owner)
    await owner.until(lambda: owner.data == b"first")
    peer.send(b" second")
    await owner.until(lambda: owner.data == b"first second")
    pipe.write(b"answer")
    assert await receive(peer, 6) == b"answer"
    assert (pipe.unsent, pipe.sent) == (0, 6)
    pipe.close()
    await owner.until(lambda: owner.losses == 1)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_the_kernel_does_not_take_follows_in_order(sockets, kind) -> None:
    stream, peer = sockets
    owner, pipe = Owner(), kind(stream)
    pipe.start(owner)
    parts = [bytes([65 + number]) * 60_000 for number in range(10)]
    for part in parts:
        pipe.write(part)
    total = sum(map(len, parts))
    assert pipe.unsent > 0
    assert pipe.sent + pipe.unsent == total
    assert await receive(peer, total) == b"".join(parts)
    await owner.until(lambda: owner.drains >= 1)
    assert (pipe.unsent, pipe.sent) == (0, total)
    pipe.write(b"more")
    assert await receive(peer, 4) == b"more"
    pipe.close()
    await owner.until(lambda: owner.losses == 1)


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_taken_while_paused(sockets, kind) -> None:
    stream, peer = sockets
    owner, pipe = Owner(), kind(stream)
    pipe.start(owner)
    peer.send(b"a")
    await owner.until(lambda: owner.data == b"a")
    pipe.pause()
    peer.send(b"b")
    pipe.write(b"still written")
    assert await receive(peer, 13) == b"still written"
    for _ in range(5):
        await asyncio.sleep(0)
    assert owner.data == b"a"
    pipe.resume()
    await owner.until(lambda: owner.data == b"ab")
    pipe.close()
    await owner.until(lambda: owner.losses == 1)


async def test_after_finish_all_goes_out_and_the_peer_is_still_read(sockets) -> None:
    stream, peer = sockets
    owner, pipe = Owner(), SocketPipe(stream)
    pipe.start(owner)
    pipe.write(b"x" * 400_000)
    pipe.finish()
    assert len(await receive(peer, 400_001)) == 400_000  # then its end
    peer.send(b"last words")
    await owner.until(lambda: owner.data == b"last words")
    peer.close()
    await owner.until(lambda: owner.losses == 1)


async def test_a_stream_is_closed_after_finish(sockets) -> None:
    stream, peer = sockets
    owner, pipe = Owner(), StreamPipe(stream)
    pipe.start(owner)
    pipe.write(b"x" * 400_000)
    pipe.finish()
    assert len(await receive(peer, 400_001)) == 400_000
    await owner.until(lambda: owner.losses == 1)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_end_is_told_once_and_never_inside_a_call(sockets, kind) -> None:
    stream, _ = sockets
    owner, pipe = Owner(), kind(stream)
    pipe.start(owner)
    pipe.close()
    assert owner.losses == 0
    pipe.close()
    pipe.write(b"nobody")
    pipe.pause()
    pipe.resume()
    await owner.until(lambda: owner.losses == 1)
    await asyncio.sleep(0)
    assert owner.losses == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_peer_that_resets_ends_it(sockets, kind) -> None:
    stream, peer = sockets
    owner, pipe = Owner(), kind(stream)
    pipe.start(owner)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()
    for _ in range(3):
        pipe.write(b"x" * 100)
    await owner.until(lambda: owner.losses == 1)


async def test_a_stream_that_has_ended_is_lost_at_once(sockets) -> None:
    stream, _ = sockets
    stream.close()
    owner = Owner()
    pipe: Pipe = SocketPipe(stream)
    pipe.start(owner)
    await owner.until(lambda: owner.losses == 1)


def test_tornado_still_counts_what_it_writes(sockets) -> None:
    """The counters are not of its public interface."""
    stream, _ = sockets
    assert stream._total_write_index == stream._total_write_done_index == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="others do not tell what was acknowledged")
@pytest.mark.parametrize("kind", KINDS)
async def test_what_has_reached_the_peer_grows_as_it_reads(sockets, kind) -> None:
    stream, peer = sockets
    owner, pipe = Owner(), kind(stream)
    pipe.start(owner)
    pipe.write(b"x" * 5_000_000)
    async with asyncio.timeout(10):
        while True:  # until the peer's buffer is full
            before = pipe.reached
            await asyncio.sleep(0.1)
            if pipe.reached == before:
                break
    assert before < pipe.sent < 5_000_000
    got = await receive(peer, 1_000_000)
    async with asyncio.timeout(10):
        while pipe.reached == before:
            await asyncio.sleep(0.01)
    await receive(peer, 5_000_000 - len(got))
    async with asyncio.timeout(10):
        while pipe.reached < 5_000_000:
            await asyncio.sleep(0.01)
    pipe.close()
    assert pipe.reached <= pipe.sent
    await owner.until(lambda: owner.losses == 1)
