"""STOMP over TLS: the one way on which tornado's stream carries the WebSocket."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tornado.httpclient import HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.websocket import websocket_connect

from locshare_ext.server.pipe import StreamPipe
from locshare_ext.server.serve import make_application, make_site
from locshare_ext.server.site import Site
from tests.server.stomp.helpers import fix, subscribe, take
from tests.support.stomp import StompClient

TOKEN = "lsh_" + "x" * 43


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate of its own."""
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
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
