"""Who asks and does not take the answer, or leaves in the midst of it."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import socket
from typing import Any

import pytest

TIME = 1_763_806_275_123
FIXES = "api/groups/hikers/fixes"
BATCHES = 20


@pytest.fixture
async def asked(jp_serverapp, http_server_client, jp_base_url, fetch):
    """Ask for something of a group with 10 MB of fixes; returns the socket, which reads little at a time."""
    for batch in range(BATCHES):
        body = [
            {
                "member": "ann",
                "time": TIME + batch * 1000 + n,
                "lat": 1,
                "lon": 2,
                "extra": {"text": "x" * 400},
            }
            for n in range(1000)
        ]
        assert (await fetch(FIXES, "POST", body)).code == 200
    port = http_server_client.get_http_port()
    sockets: list[socket.socket] = []

    async def ask(path: str, times: int = 1) -> socket.socket:
        one = socket.socket()
        sockets.append(one)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(one, ("127.0.0.1", port))
        head = (
            f"GET {jp_base_url}locshare/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: token {jp_serverapp.identity_provider.token}\r\n\r\n"
        )
        await loop.sock_sendall(one, head.encode() * times)
        await loop.sock_recv(one, 100)
        return one

    yield ask
    for one in sockets:
        one.close()


async def all_gone(http_server: Any) -> None:
    async with asyncio.timeout(20):
        while http_server._connections:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("path", "times"),
    [
        (FIXES, BATCHES),
        ("api/groups/hikers/trails?format=csv", 1),
    ],
)
async def test_an_answer_that_nobody_reads_is_cut(asked, http_server, site, path, times):
    site.limits = dataclasses.replace(site.limits, stall=0.3)
    await asked(path, times)
    await all_gone(http_server)


async def test_who_reads_slowly_gets_all_of_it(asked, http_server, site):
    site.limits = dataclasses.replace(site.limits, stall=0.3)
    one = await asked("api/groups/hikers/trails?format=csv")
    loop = asyncio.get_running_loop()
    size = 0
    async with asyncio.timeout(60):
        while size < BATCHES * 1000 * 400:
            data = await loop.sock_recv(one, 256 << 10)
            assert data, size
            size += len(data)
            await asyncio.sleep(0.001)


async def test_who_leaves_in_the_midst_is_no_error_of_ours(asked, http_server, caplog):
    one = await asked("api/groups/hikers/trails?format=csv")
    one.close()
    await all_gone(http_server)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
