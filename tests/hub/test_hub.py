"""With a real JupyterHub and its proxy: our service, a user's server, and phones that come through."""

from __future__ import annotations

import asyncio
import json
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from locshare_ext import Group
from tests.support.hub import Hub
from tests.support.sse import Sse
from tests.support.stomp import StompClient

pytestmark = pytest.mark.process
TIME = 1_763_806_275_123
GROUP = "/topic/group.hikers"
SERVICE = "/services/locshare"


def fix(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"time": TIME + number * 1000, "lat": 37.5665, "lon": 126.978, **fields}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    made = Hub(tmp_path_factory.mktemp("hub"))
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture(scope="module")
def ann(hub: Hub) -> str:
    return hub.token("ann")


@pytest.fixture(scope="module")
def server(hub: Hub, ann: str) -> str:
    """The path of a user's own server."""
    return hub.spawn("ann")


def api(base: str, path: str) -> str:
    return f"{base}/locshare/api/{path}"


# -- the service


def test_users_share_in_the_groups_that_the_hub_has_them_in(hub: Hub, ann: str) -> None:
    mine = {"Authorization": f"token {ann}"}
    # nobody speaks for another
    assert hub.ask(api(SERVICE, "groups/hikers/fixes"), "POST", fix(member="eve"), **mine)[1]["stored"] == 1
    page = hub.ask(api(SERVICE, "groups/hikers/fixes"), **mine)[1]["fixes"]
    assert [one["member"] for one in page] == ["ann"]
    eve = {"Authorization": f"token {hub.token('eve')}"}
    assert hub.ask(api(SERVICE, "groups/hikers/fixes"), "POST", fix(2), **eve)[1]["stored"] == 1
    page = hub.ask(api(SERVICE, "groups/hikers/fixes"), **eve)[1]["fixes"]
    assert {one["member"] for one in page} == {"ann", "eve"}
    assert [one["group"] for one in hub.ask(api(SERVICE, "groups"), **eve)[1]["groups"]] == ["hikers"]
    for path, method, body in (
        ("groups/runners/fixes", "GET", None),
        ("groups/runners/fixes", "POST", fix()),
        ("groups/hikers", "PATCH", {"stale": 30}),
        ("groups/hikers/invites", "POST", {"member": "x"}),
        ("groups/hikers/invites", "GET", None),
        ("groups", "POST", {"title": "runners"}),
        ("phones", "GET", None),
        ("recordings", "GET", None),
    ):
        assert hub.ask(api(SERVICE, path), method, body, **mine)[0] == 403, (method, path)


def test_admins_and_named_groups_of_the_hub_manage(hub: Hub) -> None:
    for user in ("boss", "tom"):
        mine = {"Authorization": f"token {hub.token(user)}"}
        status, made = hub.ask(
            api(SERVICE, "groups/hikers/invites"), "POST", {"member": f"of {user}"}, **mine
        )
        assert (status, made["member"]) == (201, f"of {user}")
        assert made["links"]["attach"].startswith(f"{SERVICE}/locshare/#t=lsi_")
        told = hub.ask(api(SERVICE, "phones"), **mine)[1]["reach"]
        assert told["url"] == f"{hub.origin}{SERVICE}/"
        if told["kind"] != "loopback":
            assert (told["tried"], told["https"], told["page"]) == (True, False, False)
        assert hub.ask(api(SERVICE, "phones"), "POST", {"port": 0}, **mine)[0] == 409


def test_who_is_in_no_group_is_told_so_and_strangers_nothing(hub: Hub) -> None:
    mine = {"Authorization": f"token {hub.token('bob')}"}
    status, told = hub.ask(api(SERVICE, "me"), **mine)
    assert (status, told["error"]["code"]) == (403, "no_group")
    for headers in ({}, {"Authorization": "token nonsense"}, {"Cookie": "service-locshare=nonsense"}):
        assert hub.ask(api(SERVICE, "me"), **headers)[0] == 401


def test_a_browser_logs_in_by_the_hub(hub: Hub) -> None:
    browser = requests.Session()
    page = browser.get(f"{hub.origin}{SERVICE}/locshare/login")
    form = {"username": "ann", "password": hub.password, "_xsrf": browser.cookies.get("_xsrf", path="/hub/")}
    parts = urllib.parse.urlsplit(page.url)
    landed = browser.post(f"{hub.origin}{parts.path}?{parts.query}", data=form)
    assert landed.url == f"{hub.origin}{SERVICE}/locshare/"
    assert f'data-login="{SERVICE}/locshare/login"' in landed.text  # the host's page
    me = f"{hub.origin}{api(SERVICE, 'me')}"
    assert browser.get(me).json()["id"] == "ann"
    where = f"{hub.origin}{api(SERVICE, 'groups/hikers/fixes')}"
    assert browser.post(where, json=fix(9)).status_code == 401  # a page of another site could send that
    xsrf = {"X-XSRFToken": browser.cookies.get("_xsrf", path=f"{SERVICE}/") or ""}
    assert browser.post(where, json=fix(9), headers=xsrf).status_code == 200  # as the host's page does
    assert browser.get(me, headers={"Origin": "https://evil.example"}).status_code == 403
    browser.close()


def test_a_notebook_attaches_from_elsewhere_and_sees_no_difference(hub: Hub, ann: str) -> None:
    group = Group("hikers", server=f"{hub.origin}{SERVICE}/", token=ann, tz="UTC")
    group.publish(lat=1.5, lon=2.5)
    assert "ann" in list(group.latest()["member"])
    boss = Group("hikers", server=f"{hub.origin}{SERVICE}/", token=hub.token("boss"))
    link = boss.invite("zoe").link
    zoe = Group(link)
    zoe.publish(lat=3.5, lon=4.5)
    assert "zoe" in list(zoe.latest()["member"])


# -- a user's own server, behind the Hub's proxy


def invited(hub: Hub, server: str, ann: str, member: str) -> dict[str, str]:
    mine = {"Authorization": f"token {ann}"}
    status, made = hub.ask(api(server, "groups/hikers/invites"), "POST", {"member": member}, **mine)
    assert status in (200, 201), made
    return {"X-Locshare-Token": made["token"]}


async def test_participants_come_through_the_proxy(hub: Hub, server: str, ann: str) -> None:
    phone = await asyncio.to_thread(invited, hub, server, ann, "phone")
    request = HTTPRequest(f"ws{hub.origin[4:]}{server}/locshare/stomp")
    client = StompClient(await websocket_connect(request))
    client.write("CONNECT", {"accept-version": "1.2", "host": "x", "passcode": phone["X-Locshare-Token"]})
    assert (await client.frame()).command == "CONNECTED"
    await client.ask("SUBSCRIBE", {"id": "0", "destination": GROUP})
    host, _, port = hub.netloc.rpartition(":")
    path = api(server, "groups/hikers/events")
    stream = await Sse.open(int(port), path, phone, host=host.strip("[]"))
    assert (await stream.event()).type == "hello"
    for number in range(3):
        told = await asyncio.to_thread(
            lambda n: hub.ask(api(server, "groups/hikers/fixes"), "POST", fix(n), **phone), number
        )
        assert (told[0], told[1]["stored"]) == (200, 1)
        assert json.loads((await client.frame()).body)["member"] == "phone"
        assert [one["time"] for one in await stream.fixes(1)] == [fix(number)["time"]]
    await client.close()
    await stream.close()


def test_what_is_refused_harms_nobody_else_on_the_proxy(hub: Hub, server: str, ann: str) -> None:
    mine = {"Authorization": f"token {ann}"}
    for _ in range(10):
        body = {"pad": "x" * 300_000}
        refused = hub.ask(api(server, "groups/hikers/fixes"), "POST", body, X_Locshare_Token="lsi_wrong_1")
        assert refused[0] == 403
        assert hub.ask(f"{server}/api/status", **mine)[0] == 200


def test_which_url_a_phone_would_use(hub: Hub, server: str, ann: str) -> None:
    told = hub.ask(api(server, "phones"), Authorization=f"token {ann}")[1]["reach"]
    assert told["url"] == f"{hub.origin}{server}/"
    if told["kind"] != "loopback":
        assert (told["tried"], told["page"], told["apps"]) == (True, False, told["kind"] == "private")
        assert "no https" in told["reason"]


def test_an_invite_opens_nothing_of_the_hub_or_of_jupyter(hub: Hub, server: str, ann: str) -> None:
    token = invited(hub, server, ann, "phone")["X-Locshare-Token"]
    ways = [
        {"X-Locshare-Token": token},
        {"Authorization": f"Bearer {token}"},
        {"Authorization": f"token {token}"},
    ]
    paths = [
        f"{server}/{path}" for path in ("api/contents", "api/kernels", "api/sessions", "api/me", "files/x")
    ]
    for path in (
        *paths,
        "/hub/api/users",
        "/hub/api/user",
        "/hub/api/proxy",
        "/hub/home",
        "/hub/api/services",
    ):
        for headers in ways:
            status = hub.ask(path, **headers)[0]
            assert status in (302, 401, 403, 404), path
