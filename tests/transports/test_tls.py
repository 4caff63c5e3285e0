"""Transports over TLS: what is trusted, what is not, and that nothing stays open."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from locshare_ext.errors import ServerUnreachable
from locshare_ext.server.serve import make_application, make_site
from locshare_ext.transports import Server, Transport, open_transport
from tests.support.cutter import Cutter
from tests.transports.bench import LIMIT, QUICK, Watch, fix, refused

TOKEN = "lsh_" + "x" * 43


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "server.pem")],
        capture_output=True,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl is missing")
    return folder / "server.pem"


@pytest.fixture
async def line(certificate: Path) -> AsyncIterator[Cutter]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    site = make_site("memory", TOKEN)
    await site.groups.obtain("hikers")
    server = HTTPServer(make_application(site), ssl_options=context)
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    async with Cutter(sockets[0].getsockname()[1]) as line:
        yield line
    server.stop()
    await site.close()
    await server.close_all_connections()


def opened(name: str, line: Cutter, ca_file: Path | None) -> Transport:
    server = Server(f"https://127.0.0.1:{line.port}/", TOKEN, None if ca_file is None else str(ca_file))
    return open_transport(name, server, group="hikers", interval=0.02, backoff=QUICK)


async def test_it_works_as_without(line: Cutter, certificate: Path, name: str):
    async with opened(name, line, certificate) as transport:
        watch = Watch(transport.follow())
        await watch.hello()
        await transport.publish(fix(1))
        assert await watch.take(1) == [1]
        if name != "polling":  # it asks all the time
            traffic = transport.traffic
            async with asyncio.timeout(LIMIT):
                while (line.sent, line.received) != (traffic.sent, traffic.received):
                    await asyncio.sleep(0.001)
        line.cut()
        await transport.publish(fix(2))
        assert await watch.take(2) == [1, 2]
        assert transport.traffic.connections == line.opened


async def test_a_stranger_is_not_trusted_and_not_tried_again(line: Cutter, name: str):
    async with opened(name, line, None) as transport:
        error = await refused(transport.follow())
        assert (type(error), error.code) == (ServerUnreachable, "tls_failed")
        with pytest.raises(ServerUnreachable, match="cannot be trusted"):
            await transport.publish(fix(1))
        assert line.opened == 2
