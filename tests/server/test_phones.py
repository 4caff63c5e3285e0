"""The participants' listener: what it opens, what it does not, and how it ends."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.websocket import websocket_connect

from locshare_ext.server.base import NothingHere
from locshare_ext.server.routes import ROUTES
from locshare_ext.server.site import Site
from tests.support.paths import routes_of
from tests.support.sse import Sse
from tests.support.stomp import StompClient

TIME = 1_763_806_275_123
HERE = {"host": "127.0.0.1", "port": 0}
GROUP = "/topic/group.hikers"
METHODS = ("GET", "POST", "DELETE", "OPTIONS")


def fix(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"time": TIME + number * 1000, "lat": 37.5665, "lon": 126.978, **fields}


@pytest.fixture
async def opened(fetch: Callable[..., Any], site: Site) -> int:
    """Open the listener; gives its port."""
    answer = await fetch("api/phones", "POST", HERE)
    assert answer.code == 201, answer.body
    return port_of(site)


def port_of(site: Site) -> int:
    return int(re.search(r":(\d+)/", site.reach.listener or "")[1])  # type: ignore[index]


async def ask(port: int, path: str, method: str = "GET", body: Any = None, **options: Any) -> HTTPResponse:
    """Ask the listener as a phone does; returns the answer, also of an error."""
    data = None if body is None else json.dumps(body)
    request = HTTPRequest(
        f"http://127.0.0.1:{port}{path}",
        method,
        body=data,
        allow_nonstandard_methods=True,
        follow_redirects=False,
        **options,
    )
    return await AsyncHTTPClient().fetch(request, raise_error=False)


async def test_it_opens_nothing_of_jupyter(opened, jp_web_app, jp_base_url, invite, jp_serverapp):
    paths = {path for _, path in routes_of(jp_web_app) if "/locshare" not in path}
    for name in ("api/contents", "api/kernels", "api/terminals", "files", "login"):
        assert any(path.startswith(f"{jp_base_url}{name}") for path in paths), name
    assert len(paths) > 40
    paths |= {path.replace(jp_base_url, "/", 1) for path in paths} | {"/", "/lab", "/files/log.sqlite3"}
    token = (await invite("ann", roles="publish watch manage"))["token"]
    jupyter = jp_serverapp.identity_provider.token
    for path in sorted(f"/{path.lstrip('/')}" for path in paths):
        for method in METHODS:
            for headers in ({"X-Locshare-Token": token}, {"Authorization": f"token {jupyter}"}):
                answer = await ask(opened, path, method, headers=headers)
                assert answer.code in ((204,) if method == "OPTIONS" else (404, 401)), (method, path)
                assert "Set-Cookie" not in answer.headers


async def test_it_has_the_participants_routes_and_no_others(opened, invite, fetch):
    token = (await invite("ann", roles="publish watch manage"))["token"]
    apart = {"/locshare/api/groups", "/locshare/api/openapi.json", "/locshare/api/phones"}
    seen = set()
    for pattern, handler in ROUTES:
        if handler is NothingHere:
            continue
        path = pattern.removesuffix("?").replace(r"\.", ".").replace("groups/([^/]+)", "groups/hikers")
        path = re.sub(r"\(.*\)\??", "x", path)
        path += "?format=json" if path.endswith("hikers/events") else ""  # a stream would not end
        answer = await ask(opened, path, headers={"X-Locshare-Token": token})
        if handler.for_participants and handler.is_page and answer.code == 200:
            seen.add(path)  # a page for people, not of JSON
            continue
        is_there = answer.code != 404 or json.loads(answer.body)["error"]["code"] != "not_found"
        if path.startswith(
            ("/locshare/share/", "/locshare/host/", "/locshare/in/")
        ):  # no such file, no such app
            assert handler.for_participants, path
        elif handler.for_participants:
            assert is_there, (path, answer.body)
            seen.add(path)
        else:
            assert not is_there, path
    assert not seen & apart
    assert {"/locshare/stomp", "/locshare/api/groups/hikers/fixes", "/locshare/api/me"} <= seen
    assert not [path for path in seen if "recordings" in path or "replays" in path or "set-aside" in path]


async def test_only_invites_are_taken(opened, invite, site, jp_serverapp):
    secrets = [secret.decode() for secret, _ in site.credentials._principals]
    assert secrets
    for secret in secrets:  # the kernels', which may do everything elsewhere
        answer = await ask(opened, "/locshare/api/health", headers={"X-Locshare-Token": secret})
        assert json.loads(answer.body)["error"]["code"] == "credential_invalid"
    token = jp_serverapp.identity_provider.token
    for path in ("/locshare/api/health", f"/locshare/api/health?token={token}"):
        answer = await ask(opened, path, headers={"Authorization": f"token {token}"})
        assert answer.code == 401
    client = await connect(opened, secrets[0])
    assert client.connected.command == "ERROR"
    ann = await connect(opened, (await invite("ann"))["token"])
    assert ann.connected.command == "CONNECTED"
    await ann.close()
    await client.close()


async def test_the_light_health_tells_nothing_of_the_host(opened, invite):
    token = (await invite("ann"))["token"]
    told = json.loads((await ask(opened, "/locshare/api/health", headers={"X-Locshare-Token": token})).body)
    assert (told["groups"], told["connections"], told["phones"]) == (None, None, None)
    assert "path" not in told["store"]


async def connect(port: int, token: str) -> StompClient:
    client = StompClient(await websocket_connect(f"ws://127.0.0.1:{port}/locshare/stomp"))
    client.write("CONNECT", {"accept-version": "1.2", "host": "x", "passcode": token})
    client.connected = await client.frame()
    return client


async def test_participants_and_the_notebook_see_the_same_group(opened, invite, stomp):
    token = (await invite("ann"))["token"]
    host, ann = await stomp(), await connect(opened, token)
    await host.ask("SUBSCRIBE", {"id": "0", "destination": GROUP})
    await ann.ask("SUBSCRIBE", {"id": "0", "destination": GROUP})
    await host.ask("SEND", {"destination": GROUP}, fix(0, member="bob"))
    posted = await ask(opened, "/locshare/api/groups/hikers/fixes", "POST", fix(1),
                       headers={"X-Locshare-Token": token, "Content-Type": "application/json"})  # fmt: skip
    assert posted.code == 200
    for client in (host, ann):
        members = [json.loads((await client.frame()).body)["member"] for _ in range(2)]
        assert members == ["bob", "ann"]
    await ann.close()


async def test_closing_ends_what_is_open_by_it_and_nothing_else(opened, fetch, invite, stomp, site):
    token = (await invite("ann"))["token"]
    host, ann = await stomp(), await connect(opened, token)
    path = "/locshare/api/groups/hikers/events"
    stream = await Sse.open(opened, path, {"X-Locshare-Token": token})
    assert (await stream.event()).type == "hello"
    told = json.loads((await fetch("api/phones")).body)
    assert (told["listener"], told["connections"]) == (True, 1)
    assert json.loads((await fetch("api/phones", "DELETE")).body)["listener"] is False
    assert (await ann.frame()).get("message") == "the listener for phones was closed"
    assert (await stream.event()).data["error"]["message"] == "the listener for phones was closed"
    assert await stream.event() is None
    with pytest.raises(OSError):  # noqa: PT011 -- refused, by whatever number
        await ask(opened, "/locshare/api/me")
    assert (await host.ask("SEND", {"destination": GROUP}, fix(member="bob"))).command == "RECEIPT"
    assert site.reach.listener is None
    assert json.loads((await fetch("api/phones", "DELETE")).body)["listener"] is False  # twice is no error
    await ann.close()
    await stream.close()


async def test_it_ends_with_the_server(opened, jp_serverapp, invite):
    ann = await connect(opened, (await invite("ann"))["token"])
    await jp_serverapp.web_app.settings["locshare_ext"].stop_extension()
    assert (await ann.frame()).get("message") == "the server is stopping"
    with pytest.raises(OSError):  # noqa: PT011
        await ask(opened, "/locshare/api/me")
    await ann.close()


async def test_asking_again_changes_nothing_another_wish_replaces_it(opened, fetch, site):
    assert (await fetch("api/phones", "POST", HERE)).code == 200
    assert port_of(site) == opened
    assert (await fetch("api/phones", "POST", {**HERE, "public_url": "https://x.example/"})).code == 201
    assert site.reach.listener == "https://x.example/"
    with pytest.raises(OSError):  # noqa: PT011
        await ask(opened, "/locshare/api/me")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"prot": 1}, "prot"),
        ({"port": "8899"}, "port"),
        ({"port": True}, "port"),
        ({"port": 70_000}, "port"),
        ({"certfile": "/nowhere.pem"}, "certfile"),
        ({"keyfile": "/nowhere.pem"}, "certfile"),
        ({"public_url": "share.example.org"}, "public_url"),
        ({"public_url": "https://ann:secret@x.example/"}, "public_url"),
    ],
)
async def test_what_cannot_be_is_refused_and_leaves_what_was_open(opened, fetch, site, wish, field):
    answer = await fetch("api/phones", "POST", {**HERE, **wish})
    assert (answer.code, json.loads(answer.body)["error"]["field"]) == (400, field)
    assert (await ask(opened, "/locshare/api/me")).code == 401
    assert port_of(site) == opened


async def test_a_port_that_is_taken_is_told(opened, fetch, jp_http_port):
    answer = await fetch("api/phones", "POST", {"host": "127.0.0.1", "port": jp_http_port})
    assert (answer.code, json.loads(answer.body)["error"]["code"]) == (503, "port_taken")
    assert (await ask(opened, "/locshare/api/me")).code == 401


async def test_nothing_listens_until_it_is_asked_for(fetch, site):
    assert json.loads((await fetch("api/phones")).body)["listener"] is False
    assert not site.phones.is_open


async def test_an_owner_may_switch_it_off(jp_configurable_serverapp, jp_server_config):
    jp_server_config["LocShareApp"]["phones"] = False
    app = jp_configurable_serverapp(config=jp_server_config)
    site = app.web_app.settings["locshare_ext"].site
    with pytest.raises(Exception, match=r"LocShareApp\.phones"):
        await site.phones.open(dict(HERE))


async def test_with_a_certificate_it_speaks_https_and_is_tried(fetch, site, tmp_path, monkeypatch):
    certfile, keyfile = tmp_path / "server.pem", tmp_path / "key.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=x",
         "-addext", "subjectAltName=DNS:phones.example,IP:127.0.0.1", "-keyout", str(keyfile),
         "-out", str(certfile)],
        capture_output=True,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl is missing")
    wish = {**HERE, "certfile": str(certfile), "keyfile": str(keyfile)}
    assert (await fetch("api/phones", "POST", wish)).code == 201
    url = f"https://127.0.0.1:{port_of(site)}/locshare/api/me"
    trusted = ssl.create_default_context(cafile=certfile)
    with pytest.raises(HTTPClientError) as refused:
        await AsyncHTTPClient().fetch(HTTPRequest(url, ssl_options=trusted))
    assert refused.value.code == 401
    told = json.loads((await fetch("api/phones")).body)["reach"]
    assert (told["https"], told["page"], told["kind"]) == (True, False, "loopback")
    keyfile.write_text("half a pair")
    answer = await fetch("api/phones", "POST", {**wish, "port": port_of(site)})
    assert json.loads(answer.body)["error"]["field"] == "certfile"
    with pytest.raises(HTTPClientError):  # what was good goes on
        await AsyncHTTPClient().fetch(HTTPRequest(url, ssl_options=trusted))


@pytest.fixture(autouse=True)
async def _clients_end() -> AsyncIterator[None]:
    yield
    AsyncHTTPClient().close()
    await asyncio.sleep(0)
