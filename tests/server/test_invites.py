"""Invites over HTTP and STOMP: made, exchanged, used, over their limits, and ended while in use."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from locshare_ext.services.rates import Rates

GROUP = "/topic/group.hikers"
NOTHING = {"Authorization": ""}
WITHIN = 2.0  # s until what is open is closed


def now() -> int:
    return time.time_ns() // 1_000_000


def fix(**fields: Any) -> dict[str, Any]:
    return {"time": now(), "lat": 37.5665, "lon": 126.978, **fields}


def said(response: Any, status: int = 200) -> Any:
    assert response.code == status, response.body
    return json.loads(response.body)


def error(response: Any, status: int) -> dict[str, Any]:
    return said(response, status)["error"]


def by(card: dict[str, Any]) -> dict[str, str]:
    return {"X-Locshare-Token": card["token"]}


async def connected(stomp: Any, card: dict[str, Any]) -> Any:
    return await stomp(headers=dict(NOTHING), connect={"passcode": card["token"], "login": "any"})


# -- over HTTP


async def test_an_invite_is_made_listed_shown_again_and_revoked(fetch, invite, jp_base_url):
    card = said(await fetch("api/groups/Hikers/invites", "POST", {"member": "ann"}), 201)
    assert card["group"] == "hikers"
    assert (card["member"], card["roles"], card["uses"]) == ("ann", ["publish", "watch"], None)
    assert 86_390_000 < card["expires"] - now() <= 86_400_000
    assert card["links"] == {
        "attach": f"/a%40b/locshare/#t={card['token']}&g=hikers",
        "share": f"/a%40b/locshare/share#t={card['token']}",
        "phone": f"/a%40b/locshare/in/{card['token']}",
    }
    again = await fetch("api/groups/hikers/invites", "POST", {"member": "ANN"})
    assert said(again)["token"] == card["token"]
    [listed] = said(await fetch("api/groups/hikers/invites"))["invites"]
    assert (listed["id"], listed["state"], "token" in listed) == (card["id"], "living", False)
    path = f"api/groups/hikers/invites/{card['id']}"
    assert said(await fetch(path))["token"] == card["token"]
    for _ in range(2):
        assert said(await fetch(path, "DELETE")) == {"revoked": card["id"]}
    shown = said(await fetch(path))
    assert (shown["state"], "token" in shown) == ("revoked", False)
    assert error(await fetch("api/groups/hikers/invites/nobody"), 404)["code"] == "invite_not_found"
    assert error(await fetch("api/groups/nobody/invites"), 404)["code"] == "group_not_found"


async def test_what_cannot_be_made_says_what_could(fetch):
    refused = error(await fetch("api/groups/hikers/invites", "POST", {"roles": ["admin"]}), 400)
    assert (refused["code"], refused["field"]) == ("roles_unknown", "roles")
    assert "publish, watch, manage" in refused["message"]
    assert error(await fetch("api/groups/hikers"), 404)  # and no group was made for it


async def test_an_open_invite_gives_a_name_of_ones_own(fetch, invite):
    opened = await invite(uses=2)
    me = said(await fetch("api/me", headers=by(opened)))
    assert (me["kind"], me["group"], me["member"]) == ("invite", "hikers", None)
    refused = error(
        await fetch("api/groups/hikers/fixes", "POST", fix(member="ann"), headers=by(opened)), 403
    )
    assert refused["code"] == "member_needed"
    assert "api/groups/hikers/invites" in refused["message"]
    path = "api/groups/hikers/invites"
    assert error(await fetch(path, "POST", {}, headers=by(opened)), 400)["code"] == "member_missing"
    mine = said(await fetch(path, "POST", {"member": "ann"}, headers=by(opened)), 201)
    assert said(await fetch("api/me", headers=by(mine)))["member"] == "ann"
    assert said(await fetch("api/groups/hikers/fixes", "POST", fix(), headers=by(mine)))["stored"] == 1
    assert (
        error(await fetch(path, "POST", {"member": "Ann"}, headers=by(opened)), 409)["code"] == "member_taken"
    )
    assert (
        error(await fetch(path, "POST", {"member": "bob"}, headers=by(mine)), 403)["code"] == "role_missing"
    )
    said(await fetch(path, "POST", {"member": "bob"}, headers=by(opened)), 201)
    assert (
        error(await fetch(path, "POST", {"member": "carl"}, headers=by(opened)), 410)["code"]
        == "invite_used_up"
    )
    for _ in range(3):  # looking uses nothing up
        said(await fetch("api/groups/hikers", headers=by(opened)))


async def test_a_publishing_invite_learns_where_it_belongs(fetch, invite):
    card = await invite("ann", "3학년 2반", roles="publish")
    me = said(await fetch("api/me", headers=by(card)))
    assert (me["group"], me["title"], me["member"], me["roles"]) == (
        "3학년-2반",
        "3학년 2반",
        "ann",
        ["publish"],
    )
    host = said(await fetch("api/me"))
    assert (host["id"], host["group"], host["expires"]) == ("host", None, None)


async def test_nobody_speaks_for_another(fetch, stomp, invite, site):
    card = await invite("ann")
    await fetch("api/groups/hikers/fixes", "POST", fix(member="bob"), headers=by(card))
    client = await connected(stomp, card)
    sent = {"destination": GROUP, "member": "bob", "login": "bob"}
    assert (await client.ask("SEND", sent, fix(member="bob"))).command == "RECEIPT"
    assert list((await site.groups.find("hikers")).names.values()) == ["ann"]


async def test_fixes_from_before_the_end_are_taken_after_it(fetch, invite, site, monkeypatch):
    card = await invite("ann", expires_in=3600)
    end = card["expires"]
    monkeypatch.setattr(site.invites, "_clock", lambda: end + 86_400_000)
    monkeypatch.setattr(site.groups, "clock", lambda: end + 86_400_000)
    path = "api/groups/hikers/fixes"
    batch = [fix(time=end - 2), fix(time=end - 1), fix(time=end), fix(time=end + 5000)]
    answer = said(await fetch(path, "POST", batch, headers=by(card)))
    assert answer["stored"] == 2
    assert [(one["index"], one["error"]["code"]) for one in answer["set_aside"]] == [
        (2, "invite_expired"),
        (3, "invite_expired"),
    ]
    assert error(await fetch(path, "POST", fix(time=end), headers=by(card)), 410)["code"] == "invite_expired"
    for method, other in (("GET", path), ("POST", "api/groups/hikers/notes")):
        body = {"text": "late"} if method == "POST" else None
        refused = error(await fetch(other, method, body, headers=by(card)), 410)
        assert "ask for a new one" in refused["message"]
    monkeypatch.setattr(site.invites, "_clock", lambda: end + 8 * 86_400_000)
    assert error(await fetch(path, "POST", fix(time=end - 3), headers=by(card)), 410)


async def test_a_phone_ahead_of_the_clock_is_taken_while_its_invite_lives(fetch, invite):
    card = await invite("ann", expires_in=60)
    ahead = fix(time=card["expires"] + 60_000)
    assert said(await fetch("api/groups/hikers/fixes", "POST", ahead, headers=by(card)))["stored"] == 1


async def test_a_member_forgets_itself_and_its_invite_ends(fetch, stomp, invite):
    card = await invite("ann")
    await fetch("api/groups/hikers/fixes", "POST", fix(), headers=by(card))
    client = await connected(stomp, card)
    assert said(await fetch("api/groups/hikers/members/me", "DELETE", headers=by(card))) == {"forgotten": 1}
    assert (await client.frame()).get("code") == "invite_revoked"
    assert error(await fetch("api/me", headers=by(card)), 410)["code"] == "invite_revoked"
    assert said(await fetch("api/groups/hikers/invites"))["invites"] == []


# -- where a credential may not travel


@pytest.mark.parametrize("prefix", ["lsi_", "lsk_", "lsh_"])
async def test_ours_is_no_token_of_jupyter(fetch, jp_ws_fetch, jp_serverapp, prefix, monkeypatch):
    asked = []
    provider = type(jp_serverapp.identity_provider)
    get_token = provider.get_token
    monkeypatch.setattr(provider, "get_token", lambda *args: asked.append(1) or get_token(*args))
    token = f"{prefix}abcdefgh_12345678"
    for path, headers in (
        (f"api/health?token={token}", NOTHING),
        ("api/health", {"Authorization": f"token {token}"}),
        ("api/health", {"Authorization": f"Token  {token}"}),
    ):
        refused = error(await fetch(path, headers=dict(headers)), 401)
        assert refused["code"] == "credential_misplaced"
        assert "X-Locshare-Token" in refused["message"]
    assert asked == []


async def test_invites_leave_no_trace_in_logs(fetch, stomp, invite, site, caplog, monkeypatch, jp_base_url):
    caplog.set_level(logging.DEBUG)
    card = await invite("ann")
    token, secret = card["token"], card["token"].rpartition("_")[2]
    await fetch("api/groups/hikers/fixes", "POST", fix(), headers=by(card))
    await fetch(f"api/health?token={token}", headers=dict(NOTHING))
    await fetch("api/health", headers={"Authorization": f"token {token}"})
    await fetch(f"in/{token}/owntracks", "POST", fix(), headers=dict(NOTHING))
    for hidden in (token, token.replace("_", "%5F"), token.replace("_", "%255f"), f"L{token[1:]}"):
        await fetch(f"api/{hidden}", headers=by(card))
    client = await connected(stomp, card)
    await client.ask("SEND", {"destination": f"/topic/{token}"}, b"x")
    wrong = {"token": token[:-1] + ("x" if token[-1] != "x" else "y")}
    await connected(stomp, wrong)
    await fetch("api/me", headers=by(wrong))

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(site.groups, "open", broken)
    for path in (f"api/groups/{token}", f"api/groups/{token}/fixes?x={token}", "api/me"):
        await fetch(path, headers=by(card))
    assert any(record.levelno == logging.ERROR for record in caplog.records)
    for record in caplog.records:
        text = logging.Formatter().format(record)
        if record.name == "LocShareApp" or record.levelno > logging.DEBUG:
            assert secret[:-1] not in text, text


# -- what is open ends with the invite


async def test_revoking_closes_what_is_open(fetch, stomp, invite, site):
    card, other = await invite("ann"), await invite("bob")
    clients = [await connected(stomp, card) for _ in range(3)]
    staying = await connected(stomp, other)
    await clients[0].ask("SUBSCRIBE", {"id": "0", "destination": GROUP})
    assert site.leases.count(card["id"]) == 3
    [listed] = [
        one for one in said(await fetch("api/groups/hikers/invites"))["invites"] if one["id"] == card["id"]
    ]
    assert listed["connections"] == 3
    async with asyncio.timeout(WITHIN):
        await fetch(f"api/groups/hikers/invites/{card['id']}", "DELETE")
        for client in clients:
            frame = await client.frame()
            assert (frame.command, frame.get("code")) == ("ERROR", "invite_revoked")
            assert "revoked" in frame.get("message")
            assert await client.closed() == 1008
    assert (await staying.ask("SEND", {"destination": GROUP}, fix())).command == "RECEIPT"
    assert site.leases.count(card["id"]) == 0
    again = await connected(stomp, card)
    assert again.connected.get("code") == "invite_revoked"


async def test_expiry_closes_what_is_open(fetch, stomp, invite):
    card = await invite("ann", expires_in=1)
    client = await connected(stomp, card)
    await client.ask("SUBSCRIBE", {"id": "0", "destination": GROUP})
    frame = await client.frame()
    assert now() - card["expires"] < WITHIN * 1000
    assert (frame.command, frame.get("code")) == ("ERROR", "invite_expired")
    assert await client.closed() == 1008
    assert error(await fetch("api/groups/hikers", headers=by(card)), 410)["code"] == "invite_expired"


async def test_expiry_goes_by_the_clock_on_the_wall(stomp, invite, site, monkeypatch):
    """A laptop that slept, or a clock that was set: no timer knows of it."""
    card = await invite("ann", expires_in=3600)
    client = await connected(stomp, card)
    monkeypatch.setattr(site.leases, "_clock", lambda: card["expires"])
    async with asyncio.timeout(WITHIN):
        assert (await client.frame()).get("code") == "invite_expired"


async def test_deleting_the_group_closes_what_is_open(fetch, stomp, invite):
    card = await invite("ann")
    client = await connected(stomp, card)
    async with asyncio.timeout(WITHIN):
        await fetch("api/groups/hikers", "DELETE")
        frame = await client.frame()
    assert (frame.command, frame.get("code")) == ("ERROR", "invite_revoked")
    assert "its group was deleted" in frame.get("message")


async def test_an_invite_that_ended_between_upgrade_and_connect(fetch, stomp, invite):
    card = await invite("ann")
    client = await stomp(headers={**NOTHING, **by(card)}, connect=False)
    await fetch(f"api/groups/hikers/invites/{card['id']}", "DELETE")
    client.write("CONNECT", {"accept-version": "1.2", "host": "x"})
    assert (await client.frame()).get("code") == "invite_revoked"


async def test_the_timer_runs_only_while_something_is_open(stomp, invite, site):
    card = await invite("ann")
    assert site.leases._timer is None
    clients = [await connected(stomp, card) for _ in range(2)]
    assert site.leases._timer is not None
    for client in clients:
        await client.close()
    async with asyncio.timeout(5):
        while site.leases._timer is not None:
            await asyncio.sleep(0.01)
    assert site.leases.count(card["id"]) == 0


# -- limits


@pytest.fixture
def limited(jp_server_config):
    jp_server_config["LocShareApp"] |= {
        "max_invite_connections": 2,
        "max_open_invite_connections": 3,
        "max_invite_frame": 2048,
        "max_invite_subscriptions": 2,
    }


async def test_connections_of_one_invite(limited, stomp, invite):
    for card, most in ((await invite("ann"), 2), (await invite(), 3)):
        clients = [await connected(stomp, card) for _ in range(most)]
        assert all(client.connected.command == "CONNECTED" for client in clients)
        over = await connected(stomp, card)
        assert over.connected.get("code") == "too_many_connections"
        assert f"{most} connections" in over.connected.get("message")
        await clients[0].close()
        async with asyncio.timeout(5):
            while (await connected(stomp, card)).connected.command != "CONNECTED":
                await asyncio.sleep(0.01)


async def test_upgrades_of_one_invite_count_before_connect(limited, stomp, invite):
    card = await invite("ann")
    for _ in range(2):
        await stomp(headers={**NOTHING, **by(card)}, connect=False)
    with pytest.raises(HTTPClientError) as refused:
        await stomp(headers={**NOTHING, **by(card)}, connect=False)
    assert refused.value.code == 503
    assert b"2 connections" in refused.value.response.body


async def test_frames_and_subscriptions_of_an_invite(limited, stomp, invite):
    card = await invite("ann")
    client = await connected(stomp, card)
    for number in range(2):
        answer = await client.ask("SUBSCRIBE", {"id": str(number), "destination": GROUP})
        assert answer.command == "RECEIPT"
    over = await client.ask("SUBSCRIBE", {"id": "2", "destination": GROUP})
    assert (over.command, "limit of 2 subscriptions" in over.get("message")) == ("ERROR", True)
    client = await connected(stomp, card)
    client.write("SEND", {"destination": GROUP}, b" " * 3000)
    frame = await client.frame()
    assert (frame.command, "limit of 2048 bytes" in frame.get("message")) == ("ERROR", True)
    assert await client.closed() == 1009
    host = await stomp()
    assert (
        await host.ask("SEND", {"destination": GROUP}, json.dumps(fix()).encode() + b" " * 3000)
    ).command == ("RECEIPT")


async def test_over_the_rate_http_waits_and_says_how_long(fetch, invite, site):
    site.groups.rates = Rates(5, 10)
    card = await invite("ann")
    batch = [fix(time=now() - 1000 * number) for number in range(12)]
    assert said(await fetch("api/groups/hikers/fixes", "POST", batch, headers=by(card)))["stored"] == 12
    refused = await fetch("api/groups/hikers/fixes", "POST", fix(), headers=by(card))
    assert error(refused, 429)["code"] == "too_fast"
    assert refused.headers["Retry-After"] == "1"
    assert (await fetch("api/groups/hikers/notes", "POST", {"text": "x"}, headers=by(card))).code == 429
    assert (await fetch("api/groups/hikers/fixes", headers=by(card))).code == 200
    assert said(await fetch("api/groups/hikers/fixes", "POST", fix(member="bob")))["stored"] == 1  # the host
    await asyncio.sleep(site.groups.rates.wait(card["id"]))
    assert said(await fetch("api/groups/hikers/fixes", "POST", fix(), headers=by(card)))["stored"] == 1


@pytest.fixture
def beating(jp_server_config):
    jp_server_config["LocShareApp"]["heart_beat"] = 100


async def test_over_the_rate_stomp_is_not_read_and_loses_nothing(beating, stomp, invite, site):
    site.groups.rates = Rates(20, 10)
    card = await invite("ann")
    connect = {"passcode": card["token"], "heart-beat": "0,100"}
    client = await stomp(headers=dict(NOTHING), connect=connect)
    start = now()
    for number in range(40):
        client.write("SEND", {"destination": GROUP, "receipt": str(number)}, fix(time=start + number))
    began = time.monotonic()
    receipts = [(await client.frame()).get("receipt-id") for _ in range(40)]
    assert receipts == [str(number) for number in range(40)]
    assert time.monotonic() - began > 1.2  # 30 over the burst, 20 a second
    entries = await site.store.read("hikers", 0, 100)
    assert [entry.item.time for entry in entries] == [start + number for number in range(40)]


async def test_who_is_not_read_for_its_rate_is_not_dead(beating, stomp, invite, site):
    site.groups.rates = Rates(10, 1)
    card = await invite("ann")
    client = await stomp(headers=dict(NOTHING), connect={"passcode": card["token"], "heart-beat": "100,0"})
    batch = [fix(time=now() - 1000 * number) for number in range(20)]
    assert (await client.ask("SEND", {"destination": GROUP}, batch)).command == "RECEIPT"
    # two seconds in which it may send nothing that is read; its tolerance is 0.3 s
    answer = await client.ask("SEND", {"destination": GROUP}, fix())
    assert answer.command == "RECEIPT"


async def test_who_is_not_read_is_still_told_of_the_end(fetch, stomp, invite, site):
    site.groups.rates = Rates(0.1, 1)
    card = await invite("ann")
    client = await connected(stomp, card)
    await client.ask("SEND", {"destination": GROUP}, [fix(time=now() - number) for number in range(20)])
    for _ in range(10):
        client.write("SEND", {"destination": GROUP}, fix())
    async with asyncio.timeout(WITHIN):
        await fetch(f"api/groups/hikers/invites/{card['id']}", "DELETE")
        assert (await client.frame()).get("code") == "invite_revoked"
        assert await client.closed() == 1008


# -- what the administrator sets


async def test_invites_can_be_switched_off(fetch, stomp, invite, site):
    card = await invite("ann")
    object.__setattr__(site.invites.options, "is_on", False)
    assert error(await fetch("api/groups/hikers/invites", "POST", {}), 403)["code"] == "invites_off"
    for _ in range(20):  # nobody is guessing
        assert error(await fetch("api/me", headers=by(card)), 403)["code"] == "invites_off"
    assert (await connected(stomp, card)).connected.get("code") == "invites_off"


async def test_the_key_stands_beside_the_store(fetch, invite, store_path: Path):
    key = store_path.with_name(store_path.name + ".key")
    assert error(await fetch("api/me", headers={"X-Locshare-Token": "lsi_a_" + "b" * 22}), 403)
    assert not key.exists()
    card = await invite("ann")
    assert key.stat().st_mode & 0o777 == 0o600
    assert card["token"].rpartition("_")[2] not in key.read_text()


async def test_a_key_that_others_can_read_stops_invites_with_a_sentence(fetch, store_path: Path):
    store_path.parent.mkdir()
    key = store_path.with_name(store_path.name + ".key")
    key.write_text("00" * 32)
    key.chmod(0o644)
    refused = error(await fetch("api/groups/hikers/invites", "POST", {}), 503)
    assert refused["code"] == "invite_key_unsafe"
    assert "chmod 600" in refused["message"]
    assert (await fetch("api/groups/hikers/fixes", "POST", fix(member="ann"))).code == 200
