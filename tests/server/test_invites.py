"""Invites over HTTP and STOMP: made, exchanged, used, over their limits, and ended while in use."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest

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
    base = "/a%40b/locshare/"
    attach, share = f"{base}#t={card['token']}&g=hikers", f"{base}share#t={card['token']}"
    assert card["links"] == {"attach": attach, "share": share}
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


async def test_jupyter_is_not_asked_about_an_invite(fetch, stomp, invite, jp_serverapp, cookie, monkeypatch):
    card = await invite("ann")
    asked = []
    for name in ("get_user", "get_token", "is_token_authenticated"):
        monkeypatch.setattr(type(jp_serverapp.identity_provider), name, lambda *_, **__: asked.append(1))
    for carrier in (by(card), {"Authorization": f"Bearer {card['token']}"}):
        headers = {**cookie[0], **carrier}
        assert said(await fetch("api/me", headers=headers))["member"] == "ann"
        assert said(await fetch("api/groups/hikers/fixes", "POST", fix(), headers=headers))  # without XSRF
    client = await stomp(headers={**NOTHING, **by(card)})
    assert client.connected.get("user-name") == card["id"]
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


async def test_who_comes_and_goes_leaves_nothing_behind(stomp, invite, site):
    staying = await connected(stomp, await invite("bob"))
    card = await invite("ann")
    for _ in range(5):
        client = await connected(stomp, card)
        await client.ask("DISCONNECT", {})
        assert await client.closed() == 1000
    assert len(site.leases._ends) == 2
    assert (await staying.ask("SEND", {"destination": GROUP}, fix())).command == "RECEIPT"


# -- what the administrator sets


@pytest.fixture
def narrow(jp_server_config):
    jp_server_config["LocShareApp"] |= {
        "invite_hours": 1,
        "max_invite_days": 2,
        "max_invites": 2,
        "invite_grace": 0.5,
        "invite_rate": 3,
        "invite_burst": 7,
        "max_token_failures": 2,
    }


async def test_what_is_set_counts(narrow, fetch, invite, site):
    card = await invite("ann")
    assert 3_590_000 < card["expires"] - now() <= 3_600_000
    too_long = error(await fetch("api/groups/hikers/invites", "POST", {"expires_in": 3 * 86_400}), 400)
    assert "2 days" in too_long["message"]
    await invite("bob")
    assert error(await fetch("api/groups/hikers/invites", "POST", {}), 409)["code"] == "too_many_invites"
    assert (site.groups.rates.rate, site.groups.rates.burst) == (3, 7)
    assert site.invites.options.grace == 43_200
    wrong = {"X-Locshare-Token": card["token"][:-1] + ("x" if card["token"][-1] != "x" else "y")}
    codes = [(await fetch("api/me", headers=dict(wrong))).code for _ in range(3)]
    assert codes == [403, 403, 429]


@pytest.fixture
def without(jp_server_config):
    jp_server_config["LocShareApp"]["invites"] = False


async def test_without_invites_there_are_none(without, fetch, store_path: Path):
    assert error(await fetch("api/groups/hikers/invites", "POST", {}), 403)["code"] == "invites_off"
    assert error(await fetch("api/groups/hikers"), 404)  # and no group was made for it
    assert error(await fetch("api/me", headers={"X-Locshare-Token": "lsi_a_b"}), 403)["code"] == "invites_off"


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
