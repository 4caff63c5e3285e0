"""An invite opens nothing of Jupyter's own: every route of a real server, by every way to carry it."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from tornado.httpclient import HTTPRequest, HTTPResponse
from tornado.simple_httpclient import HTTPStreamClosedError

from tests.support.paths import routes_of

METHODS = ("GET", "POST", "DELETE")
# what Jupyter shows to anybody: its log-in, its own files, and its version
OPEN = ("login", "logout", "static/", "custom/", "kernelspecs/", "nbextensions/", "favicon.ico", "robots.txt")
OPEN_EXACTLY = ("", "api", "api/")


def carried(token: str) -> list[tuple[str, dict[str, str]]]:
    """Every way that an invite can come: what is added to the path, and headers."""
    password = base64.b64encode(f"x:{token}".encode()).decode()
    return [
        ("", {"X-Locshare-Token": token}),
        ("", {"Authorization": f"token {token}"}),
        ("", {"Authorization": f"Bearer {token}"}),
        ("", {"Authorization": f"Basic {password}"}),
        (f"?token={token}", {}),
        ("", {"Cookie": f"username-localhost={token}; locshare={token}"}),
    ]


@pytest.fixture
def ask(http_server_client: Any) -> Any:
    async def ask(path: str, method: str, headers: dict[str, str]) -> HTTPResponse:
        options = {"headers": headers, "follow_redirects": False, "allow_nonstandard_methods": True}
        try:
            return await http_server_client.fetch(path, method=method, raise_error=False, **options)
        except HTTPStreamClosedError:  # how Jupyter answers where one of its files is missing
            return HTTPResponse(HTTPRequest(path), 599)

    return ask


async def test_no_route_of_jupyter_takes_an_invite(ask, invite, jp_web_app, jp_base_url):
    token = (await invite("ann", roles="publish watch manage"))["token"]
    paths = sorted({path for _, path in routes_of(jp_web_app) if path.startswith(jp_base_url)})
    tried = set()
    for path in paths:
        name = path.removeprefix(jp_base_url)
        if name.startswith("locshare"):
            continue
        for method in METHODS:
            without = (await ask(path, method, {})).code
            for query, headers in carried(token)[: None if method == "GET" else 3]:
                answer = await ask(path + query, method, headers)
                assert answer.code == without, (method, path, headers)  # it makes no difference at all
                assert not re.search(r'username[^=]*="?[^";]', answer.headers.get("Set-Cookie", ""))
            if without < 300:
                assert name.startswith(OPEN) or name in OPEN_EXACTLY, (method, path, without)
        tried.add(name.partition("/")[0] if not name.startswith("api/") else name.split("/")[1])
    assert {"contents", "kernels", "sessions", "terminals", "files", "login"} <= tried
    assert len(paths) > 35


async def test_with_jupyter_s_own_token_they_are_open(ask, jp_web_app, jp_base_url, jp_auth_header):
    """The walk can tell: what is closed above is open to who belongs there."""
    for name in ("api/contents", "api/kernels", "api/sessions", "api/status", "api/me"):
        assert (await ask(f"{jp_base_url}{name}", "GET", dict(jp_auth_header))).code == 200
