"""Groups whose positions are coarser than they were measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TIME = 1_763_806_275_123
EXACT = {"lat": 37.56651234, "lon": 126.97801234, "accuracy": 3.0, "altitude": 31.5}


def fix(**fields: Any) -> dict[str, Any]:
    return {"time": TIME, **EXACT, "member": "ann", **fields}


async def test_places_are_rounded_before_they_are_kept_or_seen(fetch, stomp, site, store_path: Path):
    made = await fetch("api/groups/hikers", "POST", {"precision": 500})
    assert json.loads(made.body)["settings"]["precision"] == 500
    watcher = await stomp()
    await watcher.ask("SUBSCRIBE", {"id": "0", "destination": "/topic/group.hikers"})
    await fetch("api/groups/hikers/fixes", "POST", fix())
    sender = await stomp()
    await sender.ask("SEND", {"destination": "/topic/group.hikers"}, fix(time=TIME + 1000))
    again = await fetch("api/groups/hikers/fixes", "POST", fix())
    assert json.loads(again.body)["duplicates"] == 1
    seen = [json.loads((await watcher.frame()).body) for _ in range(2)]
    polled = json.loads((await fetch("api/groups/hikers/fixes")).body)["fixes"]
    assert seen == polled
    for one in polled:
        assert 0 < abs(one["lat"] - EXACT["lat"]) < 0.005
        assert one["accuracy"] == 500
        assert "altitude" not in one
    kept = [entry.item for entry in await site.store.read("hikers", 0, 10)]
    assert {(one.lat, one.lon) for one in kept} == {(polled[0]["lat"], polled[0]["lon"])}


async def test_precision_changes_what_comes_from_then_on(fetch):
    await fetch("api/groups/hikers/fixes", "POST", fix())
    await fetch("api/groups/hikers", "PATCH", {"precision": 1000})
    await fetch("api/groups/hikers/fixes", "POST", fix(time=TIME + 1000))
    await fetch("api/groups/hikers", "PATCH", {"precision": None})
    await fetch("api/groups/hikers/fixes", "POST", fix(time=TIME + 2000))
    polled = json.loads((await fetch("api/groups/hikers/fixes")).body)["fixes"]
    assert [one["lat"] == EXACT["lat"] for one in polled] == [True, False, True]
