"""Thirty phones of all apps against a real server: hours without network, and what goes wrong then."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from locshare_ext import Group
from locshare_ext.client.http import Api, path_of
from locshare_ext.client.phones.apps import APPS, App, dealt
from locshare_ext.client.phones.clock import JumpingClock
from locshare_ext.client.phones.fleet import Carried, Trouble
from locshare_ext.client.phones.network import Network
from locshare_ext.client.phones.outing import handset, run_fleet
from locshare_ext.client.phones.phone import Phone
from locshare_ext.client.times import now_ms
from locshare_ext.errors import Gone
from locshare_ext.transports.address import Server
from tests.client.conftest import attach
from tests.support.served import Served

pytestmark = pytest.mark.process
MINUTE = 60_000
EVERY, COUNT = 3 * MINUTE, 58  # of nearly three hours
AHEAD = 20 * 60 * MINUTE
MEMBERS = [f"Member {number}" for number in range(30)]
IN_MS = ("traccar-v9", "gpslogger-dawarich", "gpslogger-dawarich-fraction", "osmand", "osmand-old")


def set_up(app: App) -> App:
    """Return an app as its user would set it for a day out: OsmAnd keeps what it could not send."""
    return replace(app, rules=replace(app.rules, oldest=86_400.0)) if app.rules.oldest else app


def measured(begin: int) -> Iterator[tuple[int, dict[str, Any]]]:
    for step in range(COUNT):
        for number, member in enumerate(MEMBERS):
            when = begin + step * EVERY + 517
            fix = {"member": member, "time": when, "lat": 10.0 + number, "lon": 20.0 + step / 100}
            yield when, {**fix, "accuracy": 5.0, "speed": 10.0, "heading": 90.0, "battery": 0.5}


def tokens(api: Api, group: str, apps: list[App]) -> tuple[dict[str, str], dict[str, str]]:
    """Return members' tokens, and as whom each is expected: every third has the same open invite."""
    invites = path_of("groups", group, "invites")
    shared = api.send("POST", invites, {})["token"]
    given, names = {}, {}
    for number, (member, app) in enumerate(zip(MEMBERS, apps, strict=True)):
        # OsmAnd names nobody, so its users need an invite of their own
        is_open = number % 3 == 0 and app.source != "osmand"
        own = {"member": member} | ({"expires_in": 1} if number == 4 else {})
        given[member] = shared if is_open else api.send("POST", invites, own)["token"]
        names[member] = handset(member, number).device if is_open else member
    return given, names


def wait_until_expired(served: Served, token: str) -> None:
    api = Api(lambda: Server(served.url, token))
    for _ in range(600):
        try:
            api.get(path_of("me"))
        except Gone:
            return
        time.sleep(0.05)
    raise AssertionError("the invite did not expire")


async def test_thirty_phones_two_hours_without_network(served: Served):
    group: Group = attach(served, "thirty")
    api = Api(lambda: Server(served.url, served.token))
    apps = [set_up(app) for app in dealt(APPS.values(), len(MEMBERS))]
    begin = now_ms() - 180 * MINUTE
    hole = (begin + 30 * MINUTE, begin + 150 * MINUTE)
    given, names = tokens(api, "thirty", apps)
    carried = {
        member: Carried(
            Phone(app, handset(member, number), member, clock_error=AHEAD if number == 3 else 0),
            Network(f"thirty {member}", drop=0.05, outages=[hole]),
            given[member],
        )
        for number, (member, app) in enumerate(zip(MEMBERS, apps, strict=True))
    }
    wait_until_expired(served, given[MEMBERS[4]])
    told: list[Trouble] = []
    counts = await run_fleet(
        api.server, carried, measured(begin), JumpingClock(begin), on_trouble=told.append
    )
    assert [(one.phone.app.name, one.reply) for one in told] == []
    assert (counts.measured, counts.delivered) == (30 * COUNT, 30 * COUNT)
    assert (counts.replaced, counts.given_up, counts.waiting) == (0, 0, 0)
    assert counts.lost > 20

    frame = group.trails(since=begin - MINUTE, until=now_ms() + 2 * AHEAD)
    assert set(frame["member"]) == set(names.values())
    for number, (member, app) in enumerate(zip(MEMBERS, apps, strict=True)):
        own = frame[frame["member"] == names[member]]
        grain = 1 if app.name in IN_MS else 1000
        ahead = AHEAD if number == 3 else 0
        expected = Counter((begin + step * EVERY + 517 + ahead) // grain * grain for step in range(COUNT))
        assert Counter(moment.value // 1_000_000 for moment in own["time"]) == expected, (member, app.name)
        assert own["lat"].to_numpy() == pytest.approx([10.0 + number] * COUNT, abs=2e-5)
        assert sorted(own["lon"]) == pytest.approx([20.0 + step / 100 for step in range(COUNT)], abs=2e-5)
        assert set(own["source"]) == {app.source}
        if app.name != "owntracks-ios-basic":
            assert own["speed"].to_numpy() == pytest.approx([10.0] * COUNT, abs=0.003), app.name
        assert bool(own["future"].all()) is (number == 3)
    assert frame["late"].sum() == 0 or set(frame[frame["late"]]["source"]) <= {"overland"}
