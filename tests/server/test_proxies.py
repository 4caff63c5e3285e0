"""What is believed of a proxy: of known ones alone, and no more than they know."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tornado.httputil import HTTPHeaders

from locshare_ext.errors import InvalidInput
from locshare_ext.server.base import Handler
from locshare_ext.server.front import bound, make_application, make_front
from locshare_ext.server.proxies import Proxies
from locshare_ext.server.serve import make_site

TOKEN = "lsh_" + "x" * 43


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),  # the first anybody may have written
        ("127.0.0.1", "203.0.113.9, 10.0.0.7", "203.0.113.9"),  # a second proxy of ours
        ("127.0.0.1", "10.0.0.7", "10.0.0.7"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9, nonsense", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("127.0.0.1", '"[2001:db8::7]:4711"', "2001:db8::7"),
        ("127.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("203.0.113.1", "6.6.6.6", "203.0.113.1"),  # no proxy of ours
    ],
)
def test_whose_request_it_is(peer: str, forwarded: str, client: str) -> None:
    assert Proxies(["127.0.0.1", "10.0.0.0/8"]).client(peer, [forwarded]) == client


@pytest.mark.parametrize("text", ["localhost", "10.0.0.0/33", "", "a b"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="trusted proxy"):
        Proxies([text])


class Mirror(Handler):
    """Tells what a handler sees of who sends."""

    needs_principal = False

    async def get(self) -> None:
        request = self.request
        self.answer([request.remote_ip, request.protocol, request.host, sorted(request.headers)])


@pytest.fixture
async def ask(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """Ask a server that trusts the proxies of the test's parameter, over one connection."""
    site = make_site("memory", TOKEN, allowed_hosts=("share.example.org", "here"))
    application = make_application(site)
    application.add_handlers(".*", [("/mirror", Mirror, {"site": site})])
    front = make_front(application, site.limits, proxies=Proxies(request.param))
    sockets = bound("127.0.0.1", 0)
    front.add_sockets(sockets)
    reader, writer = await asyncio.open_connection(*sockets[0].getsockname())

    async def get(**headers: str) -> Any:
        lines = ["GET /mirror HTTP/1.1", f"Host: {headers.pop('Host', 'here')}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(10):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            fields = HTTPHeaders.parse(head.partition("\r\n")[2])
            return json.loads(await reader.readexactly(int(fields["Content-Length"])))

    yield get
    writer.close()
    await writer.wait_closed()
    front.stop()
    await site.close()
    await front.close_all_connections()


SAID = {
    "X_Forwarded_For": "203.0.113.9",
    "X_Forwarded_Proto": "https",
    "X_Forwarded_Host": "share.example.org",
}


@pytest.mark.parametrize("ask", [["127.0.0.1"]], indirect=True)
async def test_a_known_proxy_is_believed_for_one_request(ask: Any) -> None:
    assert (await ask(**SAID))[:3] == ["203.0.113.9", "https", "share.example.org"]
    assert (await ask())[:3] == ["127.0.0.1", "http", "here"]
    two = {"X_Forwarded_Proto": "https, http", "X_Forwarded_Host": "evil.example, share.example.org"}
    assert (await ask(**two))[:3] == ["127.0.0.1", "http", "share.example.org"]


@pytest.mark.parametrize("ask", [[], ["10.0.0.0/8"]], indirect=True)
async def test_anybody_else_is_not(ask: Any) -> None:
    address, protocol, host, headers = await ask(**SAID, X_Real_Ip="6.6.6.6", Forwarded="for=6.6.6.6")
    assert (address, protocol, host) == ("127.0.0.1", "http", "here")
    assert headers == ["Host"]


@pytest.mark.parametrize("ask", [["127.0.0.1"]], indirect=True)
async def test_a_host_that_is_not_ours_is_refused_whoever_says_it(ask: Any) -> None:
    told = await ask(X_Forwarded_Host="evil.example")
    assert told["error"]["code"] == "host_not_allowed"
