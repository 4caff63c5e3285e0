"""An open WebSocket over TCP: control frames, the end, and what its owner gets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from tornado.iostream import IOStream

from locshare_ext.server.channel import Channel
from locshare_ext.server.pipe import open_pipe
from locshare_ext.server.websocket import BINARY, CLOSE, PING, PONG, TEXT
from tests.server.test_websocket import client_frame


class Owner:
    """Notes what a channel calls."""

    def __init__(self) -> None:
        self.got: list[tuple[int, bytes]] = []
        self.signs = 0
        self.is_gone = asyncio.Event()
        self.is_drained = asyncio.Event()

    def receive(self, data: bytes, opcode: int) -> None:
        self.got.append((opcode, data))

    def heard(self) -> None:
        self.signs += 1

    def drained(self) -> None:
        self.is_drained.set()

    def gone(self) -> None:
        assert not self.is_gone.is_set()
        self.is_gone.set()


class Line:
    """A channel with its owner, and the client's socket."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = socket.create_connection(listener.getsockname())
            ours, _ = listener.accept()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 << 10)
        self.client.setblocking(False)
        self.owner = Owner()
        self.channel = Channel(open_pipe(IOStream(ours)))
        self.channel.start(self.owner)

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.client, data)

    async def read(self, size: int = 1 << 30) -> bytes:
        """Return the next `size` bytes, fewer at the end."""
        got = b""
        async with asyncio.timeout(10):
            while len(got) < size:
                data = await asyncio.get_running_loop().sock_recv(self.client, min(1 << 20, size - len(got)))
                if not data:
                    break
                got += data
        return got


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    one = Line()
    yield one
    one.channel.abort()
    one.client.close()
    async with asyncio.timeout(10):
        await one.owner.is_gone.wait()


async def test_payloads_of_one_read_come_joined_by_their_opcode(line: Line) -> None:
    await line.send(
        client_frame(b"a", TEXT)
        + client_frame(b"b", TEXT)
        + client_frame(b"", PING)
        + client_frame(b"c", BINARY)
    )
    assert await line.read(2) == b"\x8a\x00"
    assert line.owner.got == [(TEXT, b"ab"), (BINARY, b"c")]
    assert line.owner.signs == 1


async def test_of_pings_while_output_waits_the_last_is_answered(line: Line) -> None:
    payload = b"x" * 1_000_000
    line.channel.write(payload)
    assert line.channel.unsent
    for name in (b"one", b"two", b"three"):
        await line.send(client_frame(name, PING))
    async with asyncio.timeout(10):
        while line.owner.signs < 3:
            await asyncio.sleep(0.001)
    assert await line.read(len(payload)) == payload
    assert await line.read(7) == b"\x8a\x05three"
    assert line.owner.is_drained.is_set()


async def test_a_client_that_closes_is_answered_and_tcp_ends_at_once(line: Line) -> None:
    await line.send(client_frame(b"last") + client_frame(b"\x0f\xa0bye", CLOSE) + client_frame(b"late"))
    assert await line.read() == b"\x88\x02\x0f\xa0"
    await line.owner.is_gone.wait()
    assert line.owner.got == [(BINARY, b"last")]


@pytest.mark.parametrize(("payload", "answer"), [(b"", b"\x88\x00"), (b"\x03\xed", b"\x88\x02\x03\xea")])
async def test_a_close_without_or_with_a_bad_code(line: Line, payload: bytes, answer: bytes) -> None:
    await line.send(client_frame(payload, CLOSE))
    assert await line.read() == answer


async def test_our_close_waits_for_its_answer_and_gives_nothing_out(line: Line) -> None:
    line.channel.pause()
    line.channel.close(1001, "stopping")
    assert await line.read(12) == b"\x88\x0a\x03\xe9stopping"
    line.channel.close(1000)  # once is enough
    line.channel.pause()  # the answer must be read
    line.channel.ping()
    await line.send(client_frame(b"unwanted") + client_frame(b"\x03\xe9", CLOSE))
    assert await line.read() == b""
    await line.owner.is_gone.wait()
    assert line.owner.got == []


async def test_who_does_not_answer_our_close_is_left(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locshare_ext.server.channel._LAST_WORDS", 0.05)
    line.channel.close(1001)
    assert await line.read() == b"\x88\x02\x03\xe9"
    await line.owner.is_gone.wait()


async def test_who_breaks_the_protocol_is_told_and_left(line: Line) -> None:
    await line.send(client_frame(b"good") + b"\x82\x03abc" + b"x" * 1000)
    got = await line.read()
    assert got[:4] == bytes((0x88, len(got) - 2)) + b"\x03\xea"
    assert got[4:] == b"a client's frame must be masked"
    assert line.owner.got == [(BINARY, b"good")]
    line.client.close()
    await line.owner.is_gone.wait()


async def test_a_large_close_goes_out_behind_what_waits(line: Line) -> None:
    line.channel.write(b"x" * 400_000)
    await line.send(client_frame(b"\x03\xe8", CLOSE))
    got = await line.read()
    assert got[-4:] == b"\x88\x02\x03\xe8"
    assert len(got) == 400_004


async def test_pongs_are_signs_of_life(line: Line) -> None:
    line.channel.ping()
    assert await line.read(2) == b"\x89\x00"
    await line.send(client_frame(b"", PONG) + client_frame(b"x"))
    async with asyncio.timeout(10):
        while not line.owner.got:
            await asyncio.sleep(0.001)
    assert line.owner.signs == 1
