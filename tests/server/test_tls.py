"""Every transport over TLS: the one way on which tornado's stream carries WebSockets and event streams."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.websocket import websocket_connect

from locshare_ext.broker.access import Principal
from locshare_ext.server.pipe import StreamPipe
from locshare_ext.server.serve import make_application, make_site
from locshare_ext.server.site import Site
from tests.server.stomp.helpers import fix, subscribe, take
from tests.support.sse import Sse
from tests.support.stomp import StompClient

TOKEN = "lsh_" + "x" * 43


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate of its own."""
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "server.pem")],
        capture_output=True,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl is missing")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "key.pem")
    return context


@pytest.fixture
async def served(certificate: ssl.SSLContext) -> AsyncIterator[tuple[Site, str]]:
    """A site with its address."""
    site = make_site("memory", TOKEN)
    sock, port = bind_unused_port()
    server = HTTPServer(make_application(site), ssl_options=certificate)
    server.add_sockets([sock])
    yield site, f"wss://127.0.0.1:{port}/locshare/stomp"
    server.stop()
    await site.close()
    await server.close_all_connections()


async def connect(url: str) -> StompClient:
    request = HTTPRequest(url, validate_cert=False, headers={"X-Locshare-Token": TOKEN})
    client = StompClient(await websocket_connect(request))
    client.write("CONNECT", {"accept-version": "1.2", "host": "x"})
    client.connected = await client.frame()
    return client


async def test_fixes_travel_over_tls(served: tuple[Site, str]) -> None:
    site, url = served
    sender, watcher = await connect(url), await connect(url)
    assert {type(session._wire._pipe) for session in site.sessions} == {StreamPipe}
    await subscribe(watcher, ack="auto")
    # more than one TLS record, one read and one socket buffer hold
    for start in range(0, 6000, 500):
        body = [fix(start + n, extra={"pad": "x" * 400}) for n in range(500)]
        answer = await sender.ask("SEND", {"destination": "/topic/group.hikers"}, body)
        assert answer.get("stored") == "500"
    times = [json.loads(frame.body)["time"] for frame in await take(watcher, 6000)]
    assert times == sorted(set(times))
    answer = await sender.ask("SEND", {"destination": "/topic/group.hikers"}, {"lat": 1})
    assert answer.command == "ERROR"
    assert await sender.closed() == 1002
    await watcher.close()
    await sender.close()
    async with asyncio.timeout(10):
        while site.sessions:
            await asyncio.sleep(0.001)


@pytest.fixture
def trusting(certificate: ssl.SSLContext, tmp_path: Path) -> ssl.SSLContext:
    """A client's TLS that takes this certificate and no other."""
    return ssl.create_default_context(cafile=tmp_path / "server.pem")


@pytest.fixture
async def https(served: tuple[Site, str], trusting: ssl.SSLContext) -> AsyncIterator[Any]:
    """Ask below the group `hikers`; returns the status, the headers and the JSON of the answer."""
    port = int(served[1].split(":")[2].partition("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)

    async def ask(path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        data = b"" if body is None else json.dumps(body).encode()
        lines = [f"{'GET' if body is None else 'POST'} /locshare/api/groups{path} HTTP/1.1"]
        lines += [f"Host: 127.0.0.1:{port}", f"X-Locshare-Token: {TOKEN}", f"Content-Length: {len(data)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + data)
        async with asyncio.timeout(10):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            told = await reader.readexactly(int(fields.get("content-length", "0")))
        return int(head[0].split(" ")[1]), fields, json.loads(told) if told else None

    await ask("", {"title": "hikers"})
    yield ask
    writer.close()
    await writer.wait_closed()


def times(found: list[dict[str, Any]]) -> list[int]:
    return [one["time"] for one in found]


async def test_polls_over_tls(served: tuple[Site, str], https: Any) -> None:
    site, _ = served
    await https("/hikers/fixes", [fix(n) for n in range(1000)])
    status, headers, page = await https("/hikers/fixes")
    assert (status, len(page["fixes"])) == (200, 1000)
    status, _, nothing = await https("/hikers/fixes", If_None_Match=headers["etag"])
    assert (status, nothing) == (304, None)  # on the same connection
    waiting = asyncio.ensure_future(https("/hikers/fixes?wait=30&after=" + page["cursor"]))
    async with asyncio.timeout(10):
        while not site.responses:
            await asyncio.sleep(0.001)
    host = Principal("host", "host")
    await site.groups.publish(host, "hikers", json.dumps(fix(1000)).encode())
    assert times((await waiting)[2]["fixes"]) == [fix(1000)["time"]]


async def test_an_event_stream_over_tls(
    served: tuple[Site, str], https: Any, trusting: ssl.SSLContext
) -> None:
    site, url = served
    port = int(url.split(":")[2].partition("/")[0])
    path = "/locshare/api/groups/hikers/events?after=start"
    stream = await Sse.open(port, path, {"X-Locshare-Token": TOKEN}, tls=trusting)
    event = await stream.event()
    assert event is not None
    assert event.type == "hello"
    for start in range(0, 6000, 1000):  # more than one record, one read and one socket buffer hold
        await https("/hikers/fixes", [fix(start + n, extra={"pad": "x" * 400}) for n in range(1000)])
    assert times(await stream.fixes(6000)) == times([fix(n) for n in range(6000)])
    site.responses.stop("the test is over")
    last = await stream.event()
    assert last is not None
    assert last.data["error"]["message"] == "the test is over"
    assert await stream.event() is None
    assert stream.is_whole
    await stream.close()
    async with asyncio.timeout(10):
        while site.responses:
            await asyncio.sleep(0.001)


async def test_a_plain_websocket_over_tls(
    served: tuple[Site, str], https: Any, trusting: ssl.SSLContext
) -> None:
    site, url = served
    address = url.replace("/stomp", "/api/groups/hikers/ws?after=start")
    socket = await websocket_connect(HTTPRequest(address, ssl_options=trusting))

    async def told() -> Any:
        async with asyncio.timeout(10):
            found = await socket.read_message()
        return None if found is None else json.loads(found)

    await socket.write_message(json.dumps({"token": TOKEN}))
    assert (await told())["type"] == "hello"
    sent = [fix(n, extra={"pad": "x" * 400}) for n in range(1000)]
    await socket.write_message(json.dumps(sent))
    seen: list[dict[str, Any]] = []
    while len(seen) < 1000:
        found = await told()
        seen += found if isinstance(found, list) else []
    assert times(seen) == times(sent)
    (session,) = site.sessions
    session.stop("the test is over")
    while isinstance(found := await told(), list) or found["type"] == "stored":
        pass
    assert found["error"]["message"] == "the test is over"
    assert await told() is None
    assert socket.close_code == 1001
    socket.close()
    async with asyncio.timeout(10):
        while site.sessions:
            await asyncio.sleep(0.001)
