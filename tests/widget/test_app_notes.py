"""What phone apps say, from their requests to a server to the ticks of a map's timeline."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from typing import Any

import pytest

from locshare_ext import Group, GroupMap
from tests.client.conftest import _no_feed_is_left, attach, served
from tests.support.served import Served
from tests.widget.test_timeline import wait_for

__all__ = ["_no_feed_is_left", "served"]

NOW = time.time_ns() // 1_000_000_000 - 60  # s
PLACE = {"lat": 37.5665, "lon": 126.978}

# app -> what is behind its address, and the body: as the app sends them; and what the tick says
SAID: dict[str, tuple[str, bytes | None, str]] = {
    # %DESC of GPSLogger's custom URL is its annotation
    "gpslogger": (
        "?" + urllib.parse.urlencode({**PLACE, "timestamp": NOW, "desc": "lost the trail"}),
        b"",
        "lost the trail",
    ),
    "owntracks": (
        "",
        json.dumps({"_type": "location", **PLACE, "tst": NOW, "poi": "spring"}).encode(),
        "spring",
    ),
    "traccar": (
        "",
        urllib.parse.urlencode({**PLACE, "timestamp": NOW, "alarm": "sos"}).encode(),
        "alarm: sos",
    ),
}


@pytest.fixture
def group(served: Served) -> Group:
    found = attach(served, "notes of phones")
    found.publish(member="host", lat=37.5, lon=127.0)
    return found


@pytest.mark.parametrize("app", SAID)
def test_what_an_app_says_is_a_tick(served: Served, group: Group, app: str, monkeypatch: Any) -> None:
    shown = GroupMap(group)
    ticks: dict[str, list[Any]] = {}
    layer = shown.trail_layer
    tell = layer.tell_pages

    def listen(op: str, **said: Any) -> None:
        if op == "events":
            ticks.update({str(row[3]): row for row in said["events"] if row[2] in ("note", "sos")})
        tell(op, **said)

    monkeypatch.setattr(layer, "tell_pages", listen)
    member = f"ann of {app}"
    token = group.invite(member, roles="publish").token
    behind, body, text = SAID[app]
    asked = urllib.request.Request(f"{served.url.rstrip('/')}/locshare/in/{token}/{app}{behind}", data=body)
    if app == "traccar":
        asked.add_header("Content-Type", "application/x-www-form-urlencoded")
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 200
    wait_for(lambda: member in ticks)
    at, known, kind, _, said, cursor, _ = ticks[member]
    assert (at, kind, said) == (NOW * 1000, "note", text)
    assert known >= at
    assert cursor
    assert member in group.members()["member"].tolist()  # and the fix that it came with
    shown.close()
