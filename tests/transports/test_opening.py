"""How a transport is asked for, and what is loaded by then."""

from __future__ import annotations

import subprocess
import sys

import pytest

from locshare_ext import transports
from locshare_ext.errors import InvalidInput
from locshare_ext.transports import TRANSPORTS, Server, open_transport

LINK = "https://host.example/base/locshare/#t=lsi_a_b&g=3%ED%95%99%EB%85%84"


def test_a_link_says_it_all(name: str):
    transport = open_transport(name, LINK)
    assert (transport.name, transport.group) == (name, "3학년")
    assert transport.server == Server("https://host.example/base/", "lsi_a_b", origin="the link")
    assert "lsi_" not in repr(transport)


def test_what_is_given_beats_the_link():
    transport = open_transport("sse", LINK, group="Other Group", token="mine")
    assert (transport.group, transport.server.token) == ("other-group", "mine")
    server = Server("http://host.example/", "x")
    assert open_transport("sse", server, group="g").server == server


@pytest.mark.parametrize(
    ("arguments", "options", "field"),
    [
        (("carrier pigeon", LINK), {}, "name"),
        (("sse", "https://host.example/"), {}, "group"),
        (("sse", "ftp://host.example/#g=g"), {}, "link"),
        (("polling", LINK), {"interval": 0}, "interval"),
        (("polling", LINK), {"interval": float("nan")}, "interval"),
        (("long polling", LINK), {"wait": 31}, "wait"),
    ],
)
def test_what_cannot_be_is_named(arguments: tuple[str, str], options: dict[str, float], field: str):
    with pytest.raises(InvalidInput) as caught:
        open_transport(*arguments, **options)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_proxies_of_the_environment_are_used_but_not_for_this_machine(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://me:p%40ss@proxy.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://other.example:80")
    monkeypatch.setenv("NO_PROXY", "direct.example")

    def proxy_of(link: str) -> tuple[object, object, object]:
        http = open_transport("sse", link)._http
        return http._proxy, http._proxy_headers, http._plain_proxy_headers

    secret = {"Proxy-Authorization": "Basic bWU6cEBzcw=="}
    # with TLS only the request for a tunnel may show it, not those that go through
    assert proxy_of(LINK) == ("http://proxy.example:3128", secret, {})
    assert proxy_of("http://host.example/#g=g")[0] == "http://other.example:80"
    assert proxy_of("https://direct.example/#g=g")[0] is None
    assert proxy_of("https://127.0.0.1:1/#g=g")[0] is None
    assert proxy_of("https://localhost:1/#g=g")[0] is None


def test_every_public_name_is_there():
    for name in transports.__all__:
        assert getattr(transports, name) is not None
    with pytest.raises(AttributeError):
        transports.nonsense  # noqa: B018


def test_nothing_of_http_is_loaded_before_it_is_needed():
    code = (
        "import sys, locshare_ext.transports as t, locshare_ext.client.discovery\n"
        "assert 'aiohttp' not in sys.modules\n"
        "t.open_transport('sse', 'http://h/#g=g')\n"
        "assert 'aiohttp' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_transports_are_there_in_their_order():
    assert TRANSPORTS == ("polling", "long polling", "sse", "websocket", "stomp")
