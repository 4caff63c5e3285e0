"""A real Jupyter server per test, with the extension, on the loop of the test."""

from __future__ import annotations

import asyncio
import json
import urllib.parse
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_asyncio.plugin import _function_scoped_runner  # noqa: F401
from pytest_jupyter.jupyter_core import *  # noqa: F403
from pytest_jupyter.jupyter_server import *  # noqa: F403
from pytest_jupyter.pytest_tornasync import *  # noqa: F403
from tornado.httpclient import HTTPClientError, HTTPResponse

from locshare_ext.server.site import Site
from tests.support.stomp import StompClient


@pytest.fixture(autouse=True)
def jp_asyncio_loop(_function_scoped_runner: asyncio.Runner) -> Iterator[asyncio.AbstractEventLoop]:  # noqa: F811
    """The loop that pytest-asyncio runs the test on: the server must live on the same one."""
    loop = _function_scoped_runner.get_loop()
    asyncio.set_event_loop(loop)
    return loop


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "log.sqlite3"


@pytest.fixture
def jp_server_config(store_path: Path) -> dict[str, Any]:
    return {
        "ServerApp": {"jpserver_extensions": {"locshare_ext": True}},
        "LocShareApp": {"store": str(store_path)},
    }


@pytest.fixture
def site(jp_serverapp: Any) -> Site:
    return jp_serverapp.web_app.settings["locshare_ext"].site


@pytest.fixture
def fetch(jp_fetch: Callable[..., Any]) -> Callable[..., Any]:
    """Fetch below locshare/; returns the response, also of an error."""

    async def ask(path: str, method: str = "GET", body: Any = None, **options: Any) -> HTTPResponse:
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body)
        if body is None and method in ("POST", "PATCH", "PUT"):
            body = b""
        below, _, query = path.partition("?")
        parts = below.split("/") if below else ["/"]
        params = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        try:
            return await jp_fetch("locshare", *parts, method=method, body=body, params=params, **options)
        except HTTPClientError as error:
            if error.response is None:
                raise
            return error.response

    return ask


@pytest.fixture
def invite(fetch: Callable[..., Any]) -> Callable[..., Any]:
    """Make an invite as the host; returns what the answer says."""

    async def make(member: str | None = None, group: str = "hikers", **wish: Any) -> dict[str, Any]:
        if member is not None:
            wish["member"] = member
        answer = await fetch(f"api/groups/{group}/invites", "POST", wish)
        assert answer.code in (200, 201), answer.body
        return json.loads(answer.body)

    return make


@pytest.fixture
async def cookie(
    jp_fetch: Callable[..., Any], jp_base_url: str, jp_serverapp: Any
) -> tuple[dict[str, str], str]:
    """The headers of a browser that has logged in, and its XSRF token."""
    page = await jp_fetch("login", headers={"Authorization": ""})
    jar = {}

    def keep(response: HTTPResponse) -> None:
        for line in response.headers.get_list("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            jar[name] = value

    keep(page)
    body = f"_xsrf={jar['_xsrf']}&password={jp_serverapp.identity_provider.token}"
    headers = {"Authorization": "", "Cookie": f"_xsrf={jar['_xsrf']}"}
    try:
        await jp_fetch("login", method="POST", body=body, follow_redirects=False, headers=headers)
    except HTTPClientError as redirect:
        keep(redirect.response)
    cookies = "; ".join(f"{name}={value}" for name, value in jar.items())
    return {"Authorization": "", "Cookie": cookies}, jar["_xsrf"]


@pytest.fixture
async def stomp(jp_ws_fetch: Callable[..., Any]) -> AsyncIterator[Callable[..., Any]]:
    """Open STOMP connections to the server; closed at the end."""
    clients: list[StompClient] = []

    async def connect(
        headers: dict[str, str] | None = None, connect: dict[str, str] | None = None, binary: bool = True
    ) -> StompClient:
        socket = await jp_ws_fetch("locshare", "stomp", headers=headers)
        client = StompClient(socket, binary=binary)
        clients.append(client)
        if connect is not False:
            client.write("CONNECT", {"accept-version": "1.2", "host": "x", **(connect or {})})
            client.connected = await client.frame()
        return client

    yield connect
    for client in clients:
        await client.close()


@pytest.fixture(autouse=True)
def _quiet_jupyter() -> Iterator[None]:
    with warnings.catch_warnings():
        # of Jupyter itself, when pytest-jupyter starts it
        warnings.filterwarnings("ignore", message=".*(event_loop_policy|preferred_dir|zmq).*")
        yield
