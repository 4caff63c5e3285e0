"""How credentials travel, and what of Jupyter's rules and the browser's applies."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any, ClassVar

import pytest
from jupyter_server.auth import Authorizer
from tornado.httpclient import HTTPClientError

from locshare_ext.broker.access import MANAGE, PUBLISH, WATCH, Principal

TIME = 1_763_806_275_123
PRINCIPALS = {
    "lsk_all": Principal("k", "kernel"),
    "lsi_watch": Principal("1", "invite", "hikers", frozenset({WATCH}), "ann"),
    "lsi_publish": Principal("2", "invite", "hikers", frozenset({PUBLISH}), "ann"),
    "lsi_both": Principal("3", "invite", "hikers", frozenset({PUBLISH, WATCH}), "ann"),
    "lsi_manage": Principal("4", "invite", "hikers", frozenset({MANAGE}), "ann"),
    "lsi_other": Principal("5", "invite", "runners", frozenset({MANAGE, PUBLISH, WATCH}), "ann"),
}


def fix(**fields: Any) -> dict[str, Any]:
    return {"time": TIME, "lat": 37.5665, "lon": 126.978, **fields}


@pytest.fixture
def credentials(site):
    for token, principal in PRINCIPALS.items():
        site.credentials.add(token, principal)


async def test_members_come_from_the_credential(stomp, fetch, credentials):
    headers = {"X-Locshare-Token": "lsi_publish"}
    for sent in ({}, {"member": "bob"}, {"member": "a/b"}):
        await fetch("api/groups/hikers/fixes", "POST", fix(**sent), headers=dict(headers))
    await fetch("api/groups/hikers/fixes", "POST", fix(lat=1))
    await fetch("api/groups/hikers/fixes", "POST", fix(lat=2, member="zoe"))
    counts = json.loads((await fetch("api/groups/hikers")).body)["counts"]
    assert counts == {"ann": 1, "host": 1, "zoe": 1}


async def test_the_ways_to_carry_a_credential(fetch, credentials):
    basic = base64.b64encode(b"anybody:lsi_watch").decode()
    for name, value in (
        ("X-Locshare-Token", "lsi_watch"),
        ("Authorization", "Bearer lsi_watch"),
        ("Authorization", f"Basic {basic}"),
    ):
        headers = {"Authorization": "", name: value}
        assert (await fetch("api/health", headers=headers)).code == 200, name
    for value in ("token lsi_watch", "Basic !", "Bearer", "Basic " + base64.b64encode(b"\xff").decode()):
        assert (await fetch("api/health", headers={"Authorization": value})).code == 401, value
    assert (await fetch("api/health?token=lsi_watch", headers={"Authorization": ""})).code == 401


async def test_an_invite_opens_nothing_of_jupyter(jp_fetch, credentials):
    for path in ("api/contents", "api/kernels", "api/me"):
        with pytest.raises(HTTPClientError) as refused:
            await jp_fetch(path, headers={"Authorization": "Bearer lsi_watch"})
        assert refused.value.code == 403


async def test_guessing_is_slowed_but_a_right_credential_is_not(fetch, credentials):
    wrong = {"X-Locshare-Token": "lsi_wrong"}
    codes = [(await fetch("api/health", headers=dict(wrong))).code for _ in range(103)]
    assert set(codes[:100]) == {403}
    assert codes[100:] == [429, 429, 429]
    assert (await fetch("api/health", headers={"X-Locshare-Token": "lsi_watch"})).code == 200


# -- Jupyter's own users


async def test_a_browser_reads_with_its_cookie_and_writes_with_xsrf(fetch, cookie):
    headers, xsrf = cookie
    assert (await fetch("api/health", headers=dict(headers))).code == 200
    refused = await fetch("api/groups/hikers/fixes", "POST", fix(), headers=dict(headers))
    assert refused.code == 403
    assert json.loads(refused.body)["error"]["code"] == "xsrf_failed"
    sent = await fetch("api/groups/hikers/fixes", "POST", fix(), headers={**headers, "X-XSRFToken": xsrf})
    assert sent.code == 200


async def test_a_browser_connects_with_its_cookie(stomp, cookie, jp_http_port):
    headers, _ = cookie
    here = f"127.0.0.1:{jp_http_port}"  # the cookie's name has the host in it
    client = await stomp(headers={**headers, "Host": here, "Origin": f"http://{here}"})
    assert client.connected.get("user-name") == "host"


async def test_a_credential_of_ours_beats_the_cookie(fetch, cookie, credentials):
    headers, _ = cookie
    answer = await fetch("api/recordings", headers={**headers, "X-Locshare-Token": "lsi_watch"})
    assert answer.code == 403
    posted = await fetch(
        "api/groups/hikers/fixes", "POST", fix(), headers={**headers, "X-Locshare-Token": "lsi_publish"}
    )
    assert posted.code == 200  # and no XSRF is asked for


class Reader(Authorizer):
    asked: ClassVar[list[tuple[str, str]]] = []

    def is_authorized(self, handler, user, action, resource):
        self.asked.append((action, resource))
        return action == "read"


@pytest.fixture
def only_reading(jp_serverapp):
    Reader.asked.clear()
    jp_serverapp.web_app.settings["authorizer"] = Reader()


async def test_the_authorizer_is_asked(fetch, only_reading, jp_ws_fetch):
    assert (await fetch("api/health")).code == 200
    assert (await fetch("api/groups/hikers/fixes", "POST", fix())).code == 403
    with pytest.raises(HTTPClientError) as refused:
        await jp_ws_fetch("locshare", "stomp")
    assert refused.value.code == 403
    assert Reader.asked == [("read", "locshare"), ("write", "locshare"), ("execute", "locshare")]


# -- hosts and origins


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:1", "https://localhost.evil"]
)
@pytest.mark.parametrize("credential", ["jupyter", "lsk_all", "lsi_watch", "none"])
async def test_foreign_origins_are_refused(fetch, jp_ws_fetch, credentials, origin, credential):
    headers = {"Origin": origin}
    if credential.startswith("ls"):
        headers["X-Locshare-Token"] = credential
    elif credential == "none":
        headers["Authorization"] = ""
    for method, path in (
        ("GET", "api/health"),
        ("POST", "api/groups/hikers/fixes"),
        ("OPTIONS", "api/groups"),
    ):
        answer = await fetch(path, method, headers=dict(headers))
        assert answer.code == 403
        assert json.loads(answer.body)["error"]["code"] == "origin_not_allowed"
        assert "Access-Control-Allow-Origin" not in answer.headers
    with pytest.raises(HTTPClientError) as refused:
        await jp_ws_fetch("locshare", "stomp", headers=dict(headers))
    assert refused.value.code == 403


async def test_a_token_in_the_query_does_not_open_foreign_origins(fetch, jp_serverapp):
    token = jp_serverapp.identity_provider.token
    headers = {"Authorization": "", "Origin": "http://evil.example"}
    assert (await fetch(f"api/health?token={token}", headers=dict(headers))).code == 403
    assert (await fetch(f"api/health?token={token}", headers={"Authorization": ""})).code == 200


async def test_origins_that_jupyter_allows(fetch, jp_serverapp):
    jp_serverapp.web_app.settings["allow_origin"] = "https://friend.example"
    headers = {"Origin": "https://friend.example"}
    answer = await fetch("api/health", headers=dict(headers))
    assert answer.headers["Access-Control-Allow-Origin"] == "https://friend.example"
    refused = await fetch("api/groups/nobody", headers=dict(headers))
    assert refused.headers["Access-Control-Allow-Origin"] == "https://friend.example"
    preflight = await fetch("api/groups", "OPTIONS", headers={**headers, "Authorization": ""})
    assert preflight.code == 204
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    for name in ("X-Locshare-Token", "Last-Event-ID", "If-None-Match"):
        assert name in preflight.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Expose-Headers"] == "ETag, Retry-After"
    assert refused.headers["Access-Control-Expose-Headers"] == "ETag, Retry-After"
    assert (await fetch("api/health", headers={"Origin": "https://friend.example.evil"})).code == 403


async def test_another_site_cannot_use_a_cookie(fetch, cookie):
    headers, _ = cookie
    assert (await fetch("api/health", headers={**headers, "Sec-Fetch-Site": "cross-site"})).code == 401
    assert (await fetch("api/health", headers={**headers, "Sec-Fetch-Site": "same-origin"})).code == 200


@pytest.mark.parametrize(
    ("host", "code"),
    [("evil.example", 403), ("127.0.0.1:80", 200), ("[::1]:80", 200), ("localhost", 200), ("10.0.0.1", 403)],
)
async def test_hosts(fetch, credentials, host, code):
    for headers in ({}, {"X-Locshare-Token": "lsk_all"}):
        assert (await fetch("api/health", headers={"Host": host, **headers})).code == code


async def test_hosts_where_jupyter_listens_everywhere(fetch, jp_serverapp, site):
    jp_serverapp.web_app.settings["allow_remote_access"] = True
    assert (await fetch("api/health", headers={"Host": "my.example"})).code == 200
    site.allowed_hosts = ("our.example",)
    assert (await fetch("api/health", headers={"Host": "my.example"})).code == 403
    assert (await fetch("api/health", headers={"Host": "Our.example:8888"})).code == 200


# -- logs


async def test_no_secret_or_place_in_any_log_above_debug(fetch, stomp, credentials, caplog, jp_serverapp):
    caplog.set_level(logging.DEBUG)
    token = jp_serverapp.identity_provider.token
    for path in ("in/lsi_abc_SECRET/pub", f"api/health?token={token}", "api/groups/x?secret=SECRET"):
        await fetch(path, headers={"Authorization": ""})
    await fetch("api/groups/hikers/fixes", "POST", fix(lat=12.3456789))
    await fetch("api/groups/hikers/fixes", "POST", fix(lat=99.3456789))
    client = await stomp(connect={"passcode": "lsk_all"})
    await client.ask("SEND", {"destination": "/topic/group.hikers"}, fix(lat=99.3456789))
    lines = [record.getMessage() for record in caplog.records if record.name != "ServerApp"]
    for line in [
        *lines,
        *(record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG),
    ]:
        for secret in ("SECRET", "lsk_all", "3456789", "12.34", token):
            assert secret not in line or "ServerApp" in line or f"token={token}" in line, line
    ours = [r for r in caplog.records if r.name == "LocShareApp" and r.levelno > logging.INFO]
    assert ours == []


async def test_a_kernel_says_its_name(stomp, credentials) -> None:
    kernel = await stomp(connect={"passcode": "lsk_all", "login": "walk"})
    assert kernel.connected.get("user-name") == "kernel:walk"
    unnamed = await stomp(connect={"passcode": "lsk_all"})
    assert unnamed.connected.get("user-name") == "k"
