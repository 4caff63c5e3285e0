"""Requests that become WebSockets: what they may not bring, and how errors close them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from locshare_ext import errors
from locshare_ext.server.closing import closing_code

UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
)


@pytest.fixture
async def begin(jp_serverapp, http_server_client, jp_base_url, fetch):
    """Begin a request that asks for a WebSocket, with more headers."""
    await fetch("api/groups", "POST", {"title": "hikers"})
    port = http_server_client.get_http_port()
    writers = []

    async def send(path: str, headers: str, token: str | None = None) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        token = jp_serverapp.identity_provider.token if token is None else token
        writer.write(
            f"GET {jp_base_url}locshare/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: token {token}\r\n{UPGRADE}{headers}\r\n".encode()
        )
        return reader, writer

    yield send
    for writer in writers:
        writer.close()


async def status(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode().lower()
    size = int((head.partition("content-length: ")[2] or "0").partition("\r\n")[0])
    return int(head.split(" ")[1]), await reader.readexactly(size)


PATHS = ("stomp", "api/groups/hikers/ws")


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_is_read_dropped_and_refused(begin, path, site):
    reader, writer = await begin(path, "Content-Length: 100000\r\n")
    writer.write(b"x" * 100_000)
    code, body = await status(reader)
    assert code == 400
    assert b"body_not_expected" in body
    reader, writer = await begin(path, "Transfer-Encoding: chunked\r\n")
    writer.write(b"4\r\nabcd\r\n0\r\n\r\n")
    assert (await status(reader))[0] == 400
    reader, writer = await begin(path, "Content-Length: 0\r\n")
    assert (await status(reader))[0] == 101
    assert len(site.sessions) == 1


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", [None, "wrong"])
async def test_a_body_without_end_is_not_kept(begin, path, token, site):
    """Nobody fills the server's memory with it, by whatever credential."""
    reader, _ = await begin(path, "Content-Length: 400000000\r\n", token)
    code, body = await status(reader)
    assert code == 400
    assert b"body_not_expected" in body
    async with asyncio.timeout(10):
        while await reader.read(1 << 16):
            pass  # the server has closed
    assert not site.sessions


async def test_a_stream_is_not_kept_waiting_by_a_body_nor_keeps_it(begin, site):
    """A GET with a body is odd, but no fault; it is read and dropped, up to a limit."""
    reader, writer = await begin("api/groups/hikers/events", "Content-Length: 100000\r\n")
    writer.write(b"x" * 100_000)
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 200 ")
    assert b"event: hello" in await asyncio.wait_for(reader.readuntil(b"}\n\n"), 10)
    reader, _ = await begin("api/groups/hikers/events", "Content-Length: 400000000\r\n")
    assert (await status(reader))[0] == 413
    assert len(site.responses) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Unavailable("x", code="stream_closed"), 1001),
        (errors.InvalidInput("x"), 1002),
        (errors.InvalidCursor("x"), 1002),
        (errors.FrameError("x"), 1002),
        (errors.NotAuthenticated("x"), 1008),
        (errors.AccessDenied("x"), 1008),
        (errors.NotFound("x"), 1008),
        (errors.Conflict("x"), 1008),
        (errors.Gone("x"), 1008),
        (errors.TooFast("x"), 1008),
        (errors.TooLarge("x"), 1009),
        (errors.FrameTooLarge("x"), 1009),
        (errors.LocShareError("x"), 1011),
        (errors.StoreError("x"), 1013),
        (errors.Unavailable("x"), 1013),
    ],
)
def test_closing_codes(error, code):
    assert closing_code(error) == code
