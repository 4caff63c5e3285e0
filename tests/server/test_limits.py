"""What one peer may use: bodies, connections, unsent bytes."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import re
import socket
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from locshare_ext.server.websocket import BINARY, message
from tests.support.stomp import frame_bytes

TIME = 1_763_806_275_123
GROUP = "/topic/group.hikers"


def fix(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"time": TIME + number * 1000, "lat": 37.5665, "lon": 126.978, "member": "ann", **fields}


class Raw:
    """A plain connection, to see what a proxy would."""

    def __init__(self, port: int, base: str, token: str) -> None:
        self.port, self.base, self.token = port, base, token

    async def __aenter__(self) -> Raw:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):  # the server may have cut it
            await self.writer.wait_closed()

    async def ask(
        self, method: str, path: str, body: bytes = b"", token: str | None = None, **headers: str
    ) -> tuple[int, dict[str, Any], bytes]:
        token = self.token if token is None else token
        lines = [f"{method} {self.base}locshare/{path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"Authorization: token {token}"]
        if "Transfer_Encoding" not in headers:
            lines += [f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        for start in range(0, len(body), 65_536):
            self.writer.write(body[start : start + 65_536])
            await self.writer.drain()
        return await self.answer()

    async def answer(self) -> tuple[int, dict[str, Any], bytes]:
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)).decode()
        status = int(head.split(" ")[1])
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await self.reader.readexactly(int(fields.get("content-length", 0)))
        return status, fields, body


@pytest.fixture
def raw(jp_serverapp, http_server_client, jp_base_url):
    port = http_server_client.get_http_port()
    return lambda: Raw(port, jp_base_url, jp_serverapp.identity_provider.token)


@pytest.mark.parametrize("token", [None, "wrong"])
async def test_a_refused_body_is_read_so_that_the_connection_lives(raw, token):
    async with raw() as connection:
        for _ in range(3):
            status, _, body = await connection.ask(
                "POST", "api/groups/hikers/fixes", b"x" * (3 << 20), token=token
            )
            assert status == (413 if token is None else 401)
            assert json.loads(body)["error"]
            assert (await connection.ask("GET", "api/health"))[0] == 200


async def test_a_chunked_body_is_limited_too(raw):
    async with raw() as connection:
        piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        chunks = piece * 40 + b"0\r\n\r\n"
        status, _, _ = await connection.ask(
            "POST", "api/groups/hikers/fixes", chunks, Transfer_Encoding="chunked"
        )
        assert status == 413
        assert (await connection.ask("GET", "api/health"))[0] == 200


async def test_an_endless_body_is_cut(raw):
    async with raw() as connection:
        endless = (b"10000\r\n" + b"x" * 65_536 + b"\r\n") * 66
        # the answer may be lost in the reset, as we go on writing
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            status, headers, _ = await connection.ask(
                "POST", "api/groups/hikers/fixes", endless, Transfer_Encoding="chunked"
            )
            assert status == 413
            assert headers["connection"] == "close"
    async with raw() as connection:
        assert (await connection.ask("GET", "api/health"))[0] == 200


async def test_a_body_far_too_large_is_refused_by_its_length(raw):
    async with raw() as connection:
        status, _, _ = await connection.ask(
            "POST", "api/groups/hikers/fixes", b"", Content_Length=str(10 << 30)
        )
        assert status in (413, 400)


async def test_a_slow_body_is_cut(raw, site):
    site.limits = dataclasses.replace(site.limits, body_timeout=0.05)
    async with raw() as connection:
        connection.writer.write(
            f"POST {connection.base}locshare/api/groups/hikers/fixes HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: token {connection.token}\r\nContent-Length: 100\r\n\r\n[".encode()
        )
        assert await asyncio.wait_for(connection.reader.read(), 10) == b""


async def test_import_of_a_stranger_is_not_read_to_its_end(raw):
    async with raw() as connection:
        status, _, _ = await connection.ask(
            "POST", "api/recordings?name=x", b"x" * (3 << 20), token="wrong",
            Content_Type="application/vnd.apache.arrow.stream",
        )  # fmt: skip
        assert status == 401
        assert (await connection.ask("GET", "api/health"))[0] == 200


async def test_connections_are_limited(stomp, jp_ws_fetch, site):
    site.limits = dataclasses.replace(site.limits, connections=2)
    await stomp(), await stomp()
    with pytest.raises(HTTPClientError) as refused:
        await jp_ws_fetch("locshare", "stomp")
    assert refused.value.code == 503
    assert json.loads(refused.value.response.body)["error"]["code"] == "too_many_connections"


async def test_connections_without_credential_are_limited_by_address(stomp, jp_ws_fetch, site):
    site.limits = dataclasses.replace(site.limits, unproved=2)
    nobody = {"Authorization": ""}
    for _ in range(2):
        await stomp(headers=dict(nobody), connect=False)
    with pytest.raises(HTTPClientError) as refused:
        await jp_ws_fetch("locshare", "stomp", headers=dict(nobody))
    assert refused.value.code == 503
    await stomp()  # who shows one at once may


async def test_a_wrong_passcode_is_refused(stomp):
    client = await stomp(connect={"login": "guest", "passcode": "guest"})
    assert client.connected.command == "ERROR"
    assert await client.closed() == 1008


async def test_groups_and_members_are_limited(fetch, site):
    site.groups.options = dataclasses.replace(site.groups.options, groups=2, members=2)
    for group in ("a", "b"):
        assert (await fetch(f"api/groups/{group}/fixes", "POST", fix())).code == 200
    assert (await fetch("api/groups/c/fixes", "POST", fix())).code == 409
    body = [fix(member=name) for name in ("bob", "cat")]
    answer = json.loads((await fetch("api/groups/a/fixes", "POST", body)).body)
    assert answer["stored"] == 1
    assert answer["set_aside"][0]["error"]["code"] == "too_many_members"


async def test_groups_that_nobody_uses_make_room(stomp, site):
    site.groups.options = dataclasses.replace(site.groups.options, groups=3)
    client = await stomp()
    for number in range(10):
        await client.ask("SUBSCRIBE", {"id": "0", "destination": f"/topic/group.g{number}"})
        await client.ask("UNSUBSCRIBE", {"id": "0"})
    assert site.groups.count == 3


# -- readers that do not read


class Deaf:
    """A subscriber whose socket is never read."""

    def __init__(self, port: int, base: str, token: str) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.head = (
            f"GET {base}locshare/stomp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
            f"Sec-WebSocket-Version: 13\r\nAuthorization: token {token}\r\n\r\n"
        ).encode()

    async def subscribe(self, destination: str) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.socket, self.head)
        for command, headers in (
            ("CONNECT", {"accept-version": "1.2", "host": "x"}),
            ("SUBSCRIBE", {"id": "0", "destination": destination, "receipt": "hello"}),
        ):
            frame = message(frame_bytes(command, headers), BINARY)
            size = 2 if len(frame) < 128 else 4
            masked = bytes((frame[0], frame[1] | 0x80)) + frame[2:size] + b"\0\0\0\0" + frame[size:]
            await loop.sock_sendall(self.socket, masked)
        got = b""
        while b"receipt-id:hello" not in got:
            got += await loop.sock_recv(self.socket, 1024)


@pytest.fixture
def deaf(jp_serverapp, http_server_client, jp_base_url):
    found: list[Deaf] = []

    def make() -> Deaf:
        port = http_server_client.get_http_port()
        found.append(Deaf(port, jp_base_url, jp_serverapp.identity_provider.token))
        return found[-1]

    yield make
    for one in found:
        one.socket.close()


async def publish(sender: Any, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        body = [fix(number * 1000 + i, extra={"x": "y" * 500}) for i in range(300)]
        answer = await sender.ask("SEND", {"destination": GROUP}, body)
        assert answer.get("stored") == "300", answer


async def test_a_deaf_reader_costs_little_and_is_closed(stomp, deaf, site):
    site.limits = dataclasses.replace(site.limits, stall=0.3)
    await deaf().subscribe(GROUP)
    [session] = site.sessions
    sender, watcher = await stomp(), await stomp()
    await watcher.ask("SUBSCRIBE", {"id": "0", "destination": GROUP, "batch": "1"})

    async def watch() -> None:
        seen = 0
        while seen < 60 * 300:
            seen += len(json.loads((await watcher.frame()).body))

    watching = asyncio.ensure_future(watch())
    await publish(sender, 60)  # 13 MB, more than any socket's buffer
    await watching
    assert session._wire.unsent < site.limits.unsent + site.limits.turn * 2
    async with asyncio.timeout(20):
        while session in site.sessions:
            await asyncio.sleep(0.02)
    assert site.groups.get("hikers").log.readers == 1


async def test_who_reads_again_is_served_on(stomp, deaf, site):
    reader = deaf()
    await reader.subscribe(GROUP)
    sender = await stomp()
    await publish(sender, 30)
    got, loop = 0, asyncio.get_running_loop()
    tail = b""
    while got < 30 * 300:
        data = tail + await asyncio.wait_for(loop.sock_recv(reader.socket, 1 << 20), 10)
        got += data.count(b"MESSAGE\n")
        tail = data[-7:] if not data.endswith(b"MESSAGE\n") else b""
    assert got == 30 * 300


async def flood_free_topic(stomp, deaf, site):
    """Send 12 MB to who reads nothing; returns the reader and its session."""
    reader = deaf()
    await reader.subscribe("/topic/loud")
    [session] = site.sessions
    sender = await stomp()
    for number in range(200):
        body = b"%03d" % number + b"x" * 60_000
        answer = await sender.ask("SEND", {"destination": "/topic/loud"}, body)
        assert answer.command == "RECEIPT"
    assert session._wire.unsent < 2 * site.limits.unsent
    await sender.ask("SEND", {"destination": "/topic/loud"}, b"end")
    return reader


async def read_until(reader, end):
    loop, got = asyncio.get_running_loop(), b""
    while end not in got:
        got += (await asyncio.wait_for(loop.sock_recv(reader.socket, 1 << 20), 10)).replace(b"x", b"")
    return got


async def test_free_topics_wait_for_a_slow_reader(stomp, deaf, site):
    reader = await flood_free_topic(stomp, deaf, site)
    got = await read_until(reader, b"\n\nend")
    assert re.findall(rb"\n\n(\d{3})\0", got) == [b"%03d" % number for number in range(200)]
    assert b"dropped:" not in got


async def test_free_topics_drop_for_who_is_too_far_behind_and_say_so(stomp, deaf, site):
    site.limits = dataclasses.replace(site.limits, behind=1 << 20)
    reader = await flood_free_topic(stomp, deaf, site)
    got = await read_until(reader, b"\n\nend")
    kept = re.findall(rb"\n\n(\d{3})\0", got)
    [dropped] = re.findall(rb"\ndropped:(\d+)\n", got)
    assert kept == [b"%03d" % number for number in range(len(kept))]
    assert int(dropped) == 200 - len(kept) > 0


async def test_who_does_not_read_leaves_a_queue_to_others(stomp, deaf, site):
    await deaf().subscribe("/queue/loud")
    [session] = site.sessions
    sender, other = await stomp(), await stomp()
    for _ in range(150):
        answer = await sender.ask("SEND", {"destination": "/queue/loud"}, b"x" * 100_000)
        assert answer.command == "RECEIPT"
    assert session._wire.unsent < 2 * site.limits.unsent
    await other.ask("SUBSCRIBE", {"id": "0", "destination": "/queue/loud"})
    await sender.ask("SEND", {"destination": "/queue/loud"}, b"end")
    got = 0
    while (await other.frame()).body != b"end":
        got += 1
    assert got > 20


async def test_pings_keep_connections_alive_by_one_timer(stomp, site, monkeypatch):
    monkeypatch.setattr(type(site), "_ping_later", lambda self: None)
    client = await stomp()
    [session] = site.sessions
    heard = asyncio.Event()
    monkeypatch.setattr(session._connection, "heard", lambda now: heard.set())
    site._ping()
    async with asyncio.timeout(5):
        waiting = asyncio.ensure_future(client.socket.read_message())
        await heard.wait()  # the pong of the client
        waiting.cancel()


async def test_closed_handlers_are_let_go_of(stomp, site):
    import gc
    import weakref

    client = await stomp()
    [session] = site.sessions
    handler = weakref.ref(session._wire)
    del session
    await client.close()
    async with asyncio.timeout(5):
        while handler() is not None:
            await asyncio.sleep(0.02)
            gc.collect()
