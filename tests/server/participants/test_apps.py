"""Phone apps at a real server: what is stored, what is answered, and what nobody may lose."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest

from locshare_ext.errors import StoreError
from locshare_ext.formats.phones import APPS
from locshare_ext.server.participants import ingest
from locshare_ext.server.routes import ROUTES

NOTHING = {"Authorization": ""}
NOW = time.time_ns() // 1_000_000 // 1000 * 1000 - 60_000  # ms
DAY = 86_400_000


def s(at: int) -> int:
    return at // 1000


def iso(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(s(at)))


def feature(at: int = NOW, lat: float = 37.5665, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [126.978, lat]},
        "properties": {"timestamp": iso(at), "speed": 2, "battery_level": 0.5, **properties},
    }


def owntracks(at: int = NOW, **more: Any) -> dict[str, Any]:
    return {"_type": "location", "lat": 37.5665, "lon": 126.978, "tst": s(at), "vel": 36, **more}


def form(at: int = NOW, **more: Any) -> str:
    pairs = {"lat": "37.5665", "lon": "126.978", "timestamp": s(at), **more}
    return "&".join(f"{name}={value}" for name, value in pairs.items())


# app -> how its requests are sent: method, what is behind its path, body
REQUESTS: dict[str, Any] = {
    "owntracks": lambda at=NOW: ("POST", "", json.dumps(owntracks(at)).encode()),
    "traccar": lambda at=NOW: ("POST", "", form(at, id="phone", speed="19.4384").encode()),
    "overland": lambda at=NOW: ("POST", "", json.dumps({"locations": [feature(at, speed=10)]}).encode()),
    "gpslogger": lambda at=NOW: ("POST", "?" + form(at, spd="10"), b""),
    "osmand": lambda at=NOW: ("GET", "?" + form(at, speed="10").replace(str(s(at)), str(at)), None),
}
REPLIES = {
    "traccar": (200, b""),
    "overland": (200, b'{"result":"ok"}'),
    "gpslogger": (200, b""),
    "osmand": (200, b""),
}


@pytest.fixture
def send(fetch: Any) -> Any:
    """Send as a phone does: with nothing but the address."""

    async def sent(card: Any, path: str, method: str = "POST", body: Any = None, **headers: str) -> Any:
        token = card if isinstance(card, str) else card["token"]
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return await fetch(
            f"in/{token}{path}", method, body, headers={**NOTHING, **headers}, follow_redirects=False
        )

    return sent


@pytest.fixture
def stored(fetch: Any) -> Any:
    async def fixes(group: str = "hikers") -> list[dict[str, Any]]:
        return json.loads((await fetch(f"api/groups/{group}/fixes")).body)["fixes"]

    return fixes


@pytest.fixture
def aside(fetch: Any) -> Any:
    async def refused(group: str = "hikers") -> list[dict[str, Any]]:
        return json.loads((await fetch(f"api/groups/{group}/set-aside")).body)["set_aside"]

    return refused


@pytest.mark.parametrize("app", APPS)
async def test_each_app_is_stored_once_and_answered_as_it_wants(app, send, stored, invite):
    card = await invite("ann", roles="publish")
    method, query, body = REQUESTS[app]()
    for _ in range(2):  # as apps do whose answer was lost
        answer = await send(card, f"/{app}{query}", method, body)
        assert (answer.code, answer.body) == REPLIES.get(app, (200, b"[]"))
    [fix] = await stored()
    assert (fix["member"], fix["time"], fix["source"]) == ("ann", NOW, app)
    assert (fix["lat"], fix["lon"]) == (37.5665, 126.978)
    assert fix["speed"] == pytest.approx(10, abs=1e-4)


@pytest.mark.parametrize("app", [app for app in APPS if app != "osmand"])
async def test_one_address_for_all_tells_them_apart(app, send, stored, invite):
    method, query, body = REQUESTS[app]()
    assert (await send(await invite("ann"), query, method, body)).code == 200
    [fix] = await stored()
    assert (fix["source"], fix["speed"]) == (app, pytest.approx(10, abs=1e-4))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH"])
async def test_gpslogger_sends_by_the_method_that_its_user_chose(method, send, stored, invite):
    query = "?" + form(spd="10") if method in ("GET", "PUT") else ""
    body = None if method == "GET" else b"" if query else form(spd="10").encode()
    assert (await send(await invite("ann"), f"/gpslogger{query}", method, body)).code == 200
    assert [fix["time"] for fix in await stored()] == [NOW]


async def test_old_versions_send_by_get_and_people_see_the_page(send, stored, invite):
    card = await invite("ann")
    assert (await send(card, "?" + form(id="1"), "GET")).code == 200
    assert (await send(card, f"?id=1&location=37.5,127&timestamp={s(NOW) + 1}", "GET")).code == 200
    assert len(await stored()) == 2
    for path in ("", "?id=ann&accuracy=high&interval=10", "/owntracks", "/traccar"):
        page = await send(card, path, "GET")
        assert page.code == 302
        up = "../" * (1 + path.count("/"))
        assert page.headers["Location"] == f"{up}share#t={card['token']}"
        assert page.headers["Referrer-Policy"] == "no-referrer"
    assert len(await stored()) == 2


@pytest.mark.parametrize("app", APPS)
async def test_what_is_bad_is_set_aside_and_taken_from_the_phone(app, send, stored, aside, invite):
    card = await invite("ann", roles="publish")
    method, query, body = REQUESTS[app]()
    worse = [query.replace("37.5665", "95"), None if body is None else body.replace(b"37.5665", b"95")]
    answer = await send(card, f"/{app}{worse[0]}", method, worse[1])
    assert (answer.code, answer.body) == REPLIES.get(app, (200, b"[]"))
    [one] = await aside()
    assert (one["error"]["code"], one["member"], one["credential"]) == ("lat_out_of_range", "ann", card["id"])
    assert "95" in one["raw"]
    assert await stored() == []


@pytest.mark.parametrize("app", APPS)
async def test_what_nobody_can_read_is_set_aside_too(app, send, aside, invite):
    card = await invite("ann", roles="publish")
    answer = await send(card, f"/{app}", "POST", b"\xff{[")
    assert (answer.code, answer.body) == REPLIES.get(app, (200, b"[]"))
    wants_json = app in ("owntracks", "overland")
    assert [one["error"]["code"] for one in await aside()] == (["invalid_json"] if wants_json else [])
    assert (await send(card, f"/{app}", "POST", b"{")).code == 200


@pytest.mark.parametrize("app", APPS)
async def test_a_heartbeat_is_a_sign_of_life(app, send, stored, invite, site):
    card = await invite("ann")
    bodies = {"overland": b'{"locations":[]}', "owntracks": b'{"_type":"status"}'}
    assert (await send(card, f"/{app}", "POST", bodies.get(app, b"id=1&batt=80"))).code == 200
    group = await site.groups.find("hikers")
    assert group.heard["ann"] >= NOW
    assert await stored() == []


@pytest.mark.parametrize("app", APPS)
async def test_later_is_503_and_nothing_is_lost(app, send, stored, invite, site, monkeypatch):
    monkeypatch.setattr(ingest, "_SPIN", 0.0)
    card = await invite("ann")
    method, query, body = REQUESTS[app]()
    with monkeypatch.context() as patch:

        async def failing(*_: Any) -> Any:
            raise StoreError("the disk is full")

        patch.setattr(site.groups, "append", failing)
        answer = await send(card, f"/{app}{query}", method, body)
        assert answer.code == (200 if app == "osmand" else 503)
        if app != "osmand":
            assert int(answer.headers["Retry-After"]) > 0
    if app == "osmand":  # which does not send it again
        await site.held.settle()
    else:
        await send(card, f"/{app}{query}", method, body)
    assert len(await stored()) == 1


@pytest.mark.parametrize("app", APPS)
async def test_too_fast_is_503_never_429(app, send, stored, aside, invite, site, monkeypatch):
    monkeypatch.setattr(ingest, "_SPIN", 0.0)
    now = [0.0]
    monkeypatch.setattr(site.groups.rates, "_clock", lambda: now[0])
    monkeypatch.setattr(site.groups.rates, "burst", 1)
    card = await invite("ann")
    codes = []
    for at in (NOW, NOW + 1000):
        method, query, body = REQUESTS[app](at)
        answer = await send(card, f"/{app}{query}", method, body)
        codes.append(answer.code)
    assert codes == ([200, 200] if app == "osmand" else [200, 503])
    assert app == "osmand" or answer.headers["Retry-After"] == "1"
    assert len(await stored()) == 1
    kept = [one["error"]["code"] for one in await aside()]
    assert kept == (["too_fast"] if app == "osmand" else [])  # who must hear 200 has it kept beside the log
    now[0] = 60.0
    method, query, body = REQUESTS[app](NOW + 1000)
    assert (await send(card, f"/{app}{query}", method, body)).code == 200
    assert len(await stored()) == 2


async def test_a_server_that_does_not_know_its_name_loses_nothing(send, stored, invite, site, monkeypatch):
    card = await invite("ann")
    body = REQUESTS["owntracks"]()[2]
    answer = await send(card, "/owntracks", "POST", body, Host="walk.example.org")
    assert (answer.code, json.loads(answer.body)["error"]["code"]) == (503, "host_not_allowed")
    assert int(answer.headers["Retry-After"]) > 0
    monkeypatch.setattr(site, "allowed_hosts", ("walk.example.org",))
    assert (await send(card, "/owntracks", "POST", body, Host="walk.example.org")).code == 200
    assert len(await stored()) == 1


@pytest.mark.parametrize("app", APPS)
async def test_a_backlog_from_before_the_end_is_taken_after_it(app, send, stored, invite, site, monkeypatch):
    card = await invite("ann", expires_in=3600)
    end = card["expires"]
    later = end + DAY
    for part in (site, site.invites, site.groups, site.apps):
        monkeypatch.setattr(part, "clock" if hasattr(part, "clock") else "_clock", lambda: later)
    for at, code in ((end - 2000, 200), (end + 2000, 410)):
        method, query, body = REQUESTS[app](s(at) * 1000)
        answer = await send(card, f"/{app}{query}", method, body)
        assert answer.code == (200 if app == "osmand" else code), answer.body
    assert [fix["time"] for fix in await stored()] == [s(end - 2000) * 1000]
    assert (await send(card, "", "GET")).code == 410
    assert (await send(card, "/traccar", "POST", b"id=1")).code == 410


@pytest.mark.parametrize("app", APPS)
async def test_a_dead_invite_is_410_and_a_wrong_one_403(app, send, stored, fetch, invite):
    card = await invite("ann")
    method, query, body = REQUESTS[app]()
    await fetch(f"api/groups/hikers/invites/{card['id']}", "DELETE")
    answer = await send(card, f"/{app}{query}", method, body)
    assert answer.code == (200 if app == "osmand" else 410)
    wrong = card["token"][:-1] + ("x" if card["token"][-1] != "x" else "y")
    answer = await send(wrong, f"/{app}{query}", method, body)
    assert answer.code == (200 if app == "osmand" else 403)
    assert await stored() == []


async def test_only_an_invite_opens_it(send, fetch, invite, site, jp_serverapp):
    kernel = next(secret.decode() for secret, who in site.credentials._principals if who.kind == "kernel")
    for token in (kernel, jp_serverapp.identity_provider.token, "x"):
        assert (await send(token, "/traccar", "POST", form().encode())).code == 403
    watcher = await invite("bob", roles="watch")
    assert (await send(watcher, "/traccar", "POST", form().encode())).code == 403
    answer = await send(await invite("ann"), "/whatsapp", "POST", b"x")
    assert answer.code == 404
    assert json.loads(answer.body)["error"]["field"] == "app"


async def test_guesses_are_told_to_come_later(send, stored):
    wrong = "lsi_" + "A" * 12 + "_" + "B" * 22
    codes = [(await send(wrong, "/traccar", "POST", form().encode())).code for _ in range(11)]
    assert codes == [403] * 10 + [503]
    assert (await send(wrong, "/osmand?" + form(), "GET")).code == 200


def test_a_listener_of_the_participants_has_it():
    assert {handler for pattern, handler in ROUTES if "/in/" in pattern and handler.for_participants} == {
        ingest.InHandler,
        ingest.AppHandler,
        ingest.BatchesHandler,
        ingest.ProfileHandler,
    }


async def test_the_invite_of_the_path_is_in_no_log(send, invite, caplog, site, monkeypatch):
    caplog.set_level(logging.DEBUG)
    card = await invite("ann")
    secret = card["token"].rpartition("_")[2]
    await send(card, "", "GET")
    await send(card, "/gpslogger/profile.properties", "GET")
    for app in APPS:
        method, query, body = REQUESTS[app]()
        await send(card, f"/{app}{query}", method, body)
        await send(card["token"][:-1] + "0", f"/{app}{query}", method, body)

    async def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(site.apps, "take", broken)
    for app in APPS:
        method, query, body = REQUESTS[app]()
        assert (await send(card, f"/{app}{query}", method, body)).code == (200 if app == "osmand" else 500)
    assert sum(record.levelno == logging.ERROR for record in caplog.records) == len(APPS)
    for record in caplog.records:
        text = logging.Formatter().format(record)
        if record.name == "LocShareApp" or record.levelno > logging.DEBUG:
            assert secret[:-1] not in text, text
            assert "37.5665" not in text, text
