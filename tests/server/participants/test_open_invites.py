"""Phones with an open invite, what they see of each other, and what they tell besides fixes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server.participants.test_apps import NOW, feature, form, iso, owntracks, s, send, stored

__all__ = ["send", "stored"]

DAY = 86_400_000


async def names(site: Any) -> list[str]:
    return sorted((await site.groups.find("hikers")).names.values())


@pytest.fixture
def events(fetch: Any) -> Any:
    async def found(group: str = "hikers") -> list[tuple[str, str | None, str, int]]:
        answer = json.loads((await fetch(f"api/groups/{group}/events?format=json")).body)
        return [(one["kind"], one.get("member"), one["text"], one["time"]) for one in answer["events"]]

    return found


async def test_each_device_has_a_member_of_its_own_named_after_it(send, stored, invite, site, fetch):
    card = await invite(uses=4)
    await invite("Pixel")  # somebody with this name has an invite of their own
    for device in ("pixel", "48241179", "pixel", "kernel", "me/../"):
        assert (await send(card, "/traccar", "POST", form(id=device).encode())).code == 200
    assert await names(site) == ["48241179", "kernel 2", "me ..", "pixel 2"]
    assert len(await stored()) == 4  # the same again is known
    invites = json.loads((await fetch("api/groups/hikers/invites")).body)["invites"]
    assert {one["origin"] for one in invites if one["member"] == "pixel 2"} == {card["id"]}
    opened = next(one for one in invites if one["id"] == card["id"])
    assert (opened["used"], opened["uses"]) == (4, 4)
    refused = await send(card, "/traccar", "POST", form(id="one more").encode())
    assert refused.code == 410  # used up
    assert (await send(card, "/traccar", "POST", form(NOW + 1000, id="pixel").encode())).code == 200


async def test_a_renamed_member_keeps_its_phone_and_a_revoked_one_is_out(send, stored, invite, fetch, site):
    card = await invite()
    await send(card, "/traccar", "POST", form(id="1234").encode())
    assert (await fetch("api/groups/hikers/members/1234", "PATCH", {"name": "Ann"})).code == 200
    await send(card, "/traccar", "POST", form(NOW + 1000, id="1234").encode())
    assert {fix["member"] for fix in await stored()} == {"Ann"}
    invites = json.loads((await fetch("api/groups/hikers/invites")).body)["invites"]
    own = next(one for one in invites if one["member"] == "Ann")
    await fetch(f"api/groups/hikers/invites/{own['id']}", "DELETE")
    assert (await send(card, "/traccar", "POST", form(NOW + 2000, id="1234").encode())).code == 410
    assert (await send(card, "/traccar", "POST", form(NOW + 2000, id="5678").encode())).code == 200


async def test_a_phone_that_comes_home_after_the_open_invite_ended_is_named_too(
    send, stored, invite, site, monkeypatch
):
    card = await invite(expires_in=3600)
    end = card["expires"]
    for part in (site, site.invites, site.groups, site.apps):
        monkeypatch.setattr(part, "clock" if hasattr(part, "clock") else "_clock", lambda: end + DAY)
    assert (await send(card, "/traccar", "POST", form(end - 60_000, id="late").encode())).code == 200
    assert (await send(card, "/traccar", "POST", form(end + 60_000, id="late").encode())).code == 410
    assert [fix["member"] for fix in await stored()] == ["late"]


async def test_two_phones_with_the_same_tid_are_two(send, stored, invite):
    card = await invite()
    for user, lat in (("ann", 1.0), ("bob", 2.0)):
        await send(card, "/owntracks", "POST", owntracks(tid="XX", topic=f"owntracks/{user}/phone", lat=lat))
    assert {(fix["member"], fix["lat"]) for fix in await stored()} == {("ann", 1.0), ("bob", 2.0)}


async def test_an_open_invite_to_manage_names_nobody(send, stored, invite, fetch):
    card = await invite(roles="manage")
    assert (await send(card, "/traccar", "POST", form(id="1").encode())).code == 403
    assert len(json.loads((await fetch("api/groups/hikers/invites")).body)["invites"]) == 1
    full = await invite(roles="manage publish")
    assert (await send(full, "/traccar", "POST", form(id="1").encode())).code == 200
    made = json.loads((await fetch("api/groups/hikers/invites")).body)["invites"]
    assert [one["roles"] for one in made if one["member"] == "1"] == [["publish"]]


async def test_link_previews_and_garbage_make_no_member(send, invite, site, fetch):
    card = await invite()
    for path, method, body in (
        ("/osmand", "GET", None),
        ("", "GET", None),
        ("/owntracks", "POST", b""),
        ("/traccar", "POST", b"{"),
    ):
        assert (await send(card, path, method, body)).code in (200, 302)
    assert len(json.loads((await fetch("api/groups/hikers/invites")).body)["invites"]) == 1


async def test_owntracks_is_told_where_the_others_are(send, invite, fetch, site):
    ann, bob = await invite("Ann Lee"), await invite("Al Low", roles="publish")
    assert (await send(bob, "/owntracks", "POST", owntracks(batt=50))).body == b"[]"  # may not watch
    shown = json.loads((await send(ann, "/owntracks", "POST", owntracks(NOW + 1000, acc=5))).body)
    cards = {one["tid"]: one["name"] for one in shown if one["_type"] == "card"}
    places = {one["tid"]: one for one in shown if one["_type"] == "location"}
    assert sorted(cards.values()) == ["Al Low", "Ann Lee"]
    assert len(cards) == len(places) == 2
    assert all(len(tid) == 2 for tid in cards)
    mine = places[next(tid for tid, name in cards.items() if name == "Ann Lee")]
    assert (mine["lat"], mine["lon"], mine["tst"], mine["vel"], mine["acc"]) == (
        37.5665,
        126.978,
        s(NOW + 1000),
        36,
        5,
    )
    again = json.loads((await send(ann, "/owntracks", "POST", owntracks(NOW + 2000))).body)
    assert {one["tid"]: one["name"] for one in again if one["_type"] == "card"} == cards


async def test_a_crowd_is_shown_in_part(send, invite, fetch):
    fixes = [{"member": f"m{n}", "time": NOW + n, "lat": 1, "lon": 2} for n in range(60)]
    await fetch("api/groups/hikers/fixes", "POST", fixes)
    shown = json.loads((await send(await invite("ann"), "/owntracks", "POST", owntracks())).body)
    named = [one["name"] for one in shown if one["_type"] == "card"]
    assert len(named) == 50
    assert "ann" in named
    assert len({one["tid"] for one in shown}) == 50


async def test_a_host_sets_how_often_overland_sends(send, invite, fetch):
    card = await invite("ann")
    body = {"locations": [feature()]}
    for interval, said in ((5, "5s"), (50, "30s"), (7200, "30m"), (60, "1m")):
        assert (await fetch("api/groups/hikers", "PATCH", {"interval": interval})).code == 200
        answer = json.loads((await send(card, "/overland", "POST", body)).body)
        assert answer == {"result": "ok", "set": {"send_interval": said}}
    await fetch("api/groups/hikers", "PATCH", {"interval": None})
    assert json.loads((await send(card, "/overland", "POST", body)).body) == {"result": "ok"}


async def test_the_current_place_of_a_backlog_is_stored_once(send, stored, invite):
    card = await invite("ann")
    now = feature(NOW)
    old = [feature(NOW - 3_600_000 + n * 1000, lat=37 + n / 1000) for n in range(5)]
    await send(card, "/overland", "POST", {"locations": old[:3], "current": now})
    assert len(await stored()) == 4  # where it is now is known before the rest of its backlog
    await send(card, "/overland", "POST", {"locations": [*old[3:], now]})
    fixes = await stored()
    assert len(fixes) == 6
    assert [fix["time"] for fix in fixes if "late" in fix["flags"]] == [
        NOW - 3_600_000 + n * 1000 for n in (3, 4)
    ]


async def test_trips_visits_and_what_people_say_are_events_told_once(send, stored, invite, events):
    card = await invite("ann")
    trip = feature(NOW, type="trip", mode="walk", end=iso(NOW), distance=1200, duration=600)
    visit = feature(NOW + 1000, action="visit")
    for _ in range(2):
        await send(card, "/overland", "POST", {"locations": [trip, visit]})
        await send(card, "/owntracks", "POST", owntracks(NOW + 2000, poi="lunch"))
        await send(card, "/gpslogger?" + form(NOW + 3000, desc="lost+the+trail"), "POST", b"")
        await send(card, "/traccar", "POST", form(NOW + 4000, alarm="sos").encode())
    assert await events() == [
        ("note", "ann", "trip: walk, 1.2 km, 10 min", NOW),
        ("note", "ann", "visit", NOW + 1000),
        ("note", "ann", "lunch", NOW + 2000),
        ("note", "ann", "lost the trail", NOW + 3000),
        ("note", "ann", "alarm: sos", NOW + 4000),
    ]
    assert len(await stored()) == 3


async def test_what_was_told_before_a_restart_is_not_told_again(send, invite, events, site):
    card = await invite("ann")
    for _ in range(2):
        await send(card, "/owntracks", "POST", owntracks(poi="lunch"))
        site.apps._told.clear()
    assert len(await events()) == 1


async def test_who_is_forgotten_leaves_nothing_that_was_told(send, invite, fetch, site):
    for name in ("ann", "bob"):
        await send(await invite(name), "/owntracks", "POST", owntracks(poi=f"{name} was here"))
    await fetch("api/groups/hikers/members/ann", "DELETE")
    assert [key[1] for key in site.apps._told] == ["bob"]
    await fetch("api/groups/hikers", "DELETE")
    assert site.apps._told == {}


async def test_what_is_behind_the_apps_name_does_not_count(send, stored, invite):
    card = await invite("ann")
    assert (await send(card, "/owntracks/pub", "POST", owntracks())).code == 200
    assert (await send(card, "/osmand/?" + form(NOW + 1000), "GET")).code == 200
    assert (await send(card, "/owntracks/pub", "GET")).headers["Location"].startswith("../../../share#t=")
    assert (await send(card, "/api/v1/owntracks/points", "POST", owntracks())).code == 404
    assert len(await stored()) == 2


async def test_where_places_are_coarse_events_say_none(send, invite, fetch):
    await fetch("api/groups/hikers", "POST", {"precision": 1000})
    card = await invite("ann")
    await send(card, "/overland", "POST", {"locations": [feature(action="visit"), feature()]})
    text = (await fetch("api/groups/hikers/events?format=json")).body + (
        await fetch("api/groups/hikers/fixes")
    ).body
    assert b"visit" in text
    assert b"37.5665" not in text


async def test_batches_of_gpslogger_and_its_profiles(send, stored, invite, jp_base_url, jp_http_port):
    card = await invite("ann")
    for path in ("/api/v1/overland/batches?api_key=x", "/gpslogger/api/v1/overland/batches?api_key=x"):
        answer = await send(card, path, "POST", {"locations": [feature(deffered=0.0, battery_level=50.0)]})
        assert (answer.code, answer.body) == (201, b'{"result":"ok"}')
    [fix] = await stored()
    assert (fix["source"], fix["battery"]) == ("gpslogger", 0.5)
    made = await send(card, "/gpslogger/profile.properties", "GET")
    url = f"http://127.0.0.1:{jp_http_port}{jp_base_url}locshare/in/{card['token']}/gpslogger"
    assert f"log_customurl_url={url}?lat=%LAT&" in made.body.decode()
    batch = await send(card, "/gpslogger/batch.properties", "GET")
    assert f"dawarich_server={url}\n" in batch.body.decode()
    assert "dawarich_device_id=ann\n" in batch.body.decode()
    assert (await send(card, "/gpslogger/other.properties", "GET")).code == 404


async def test_an_encrypted_message_is_told_to_the_host(send, invite, fetch):
    card = await invite("ann")
    answer = await send(card, "/owntracks", "POST", {"_type": "encrypted", "data": "AAAA"})
    assert (answer.code, answer.body) == (200, b"[]")
    [one] = json.loads((await fetch("api/groups/hikers/set-aside")).body)["set_aside"]
    assert one["error"]["code"] == "encrypted"
    assert "clear it in the app's settings" in one["error"]["message"]


async def test_a_clock_that_is_twenty_hours_ahead(send, stored, invite, site):
    card = await invite("ann")
    ahead = NOW + 20 * 3_600_000
    assert (await send(card, "/traccar", "POST", form(ahead, id="1").encode())).code == 200
    assert (await send(card, "/traccar", "POST", form(NOW, id="1").encode())).code == 200
    assert [fix["flags"] for fix in await stored()] == [["future"], ["late"]]


async def test_bodies_over_the_limit_stay_with_the_phone(send, invite, monkeypatch, stored):
    card = await invite("ann")
    many = {"locations": [feature(NOW - n * 1000) for n in range(1001)], "current": feature(NOW + 1000)}
    many["locations"].append(feature(NOW + 2000))  # type: ignore[attr-defined]
    assert (await send(card, "/overland", "POST", many)).code == 413
    del many["locations"][-2:]  # type: ignore[attr-defined]
    assert (await send(card, "/overland", "POST", many)).code == 200
    assert (await send(card, "/overland", "POST", b"x" * (2 << 20) + b"x")).code == 413
    assert len(await stored()) == 1000  # of a page; the next has the last
