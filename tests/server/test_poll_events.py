"""Events in the answers to polls, for those who have no stream that brings them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

FIXES = "api/groups/hikers/fixes"
NOTES = "api/groups/hikers/notes"
FIX = {"time": 1_763_806_275_123, "lat": 37.5665, "lon": 126.978, "member": "ann"}


async def poll(fetch: Any, query: str) -> Any:
    return json.loads((await fetch(f"{FIXES}?{query}")).body)


async def test_events_stand_beside_the_fixes_when_they_are_asked_for(fetch):
    await fetch(FIXES, "POST", FIX)
    note = json.loads((await fetch(NOTES, "POST", {"text": "lunch", "member": "bo"})).body)
    page = await poll(fetch, "events=1")
    assert [one["cursor"] for one in page["events"]] == [note["cursor"]] == [page["cursor"]]
    assert (page["events"][0]["kind"], page["events"][0]["text"]) == ("note", "lunch")
    assert len(page["fixes"]) == 1
    assert list(await poll(fetch, "events=0")) == list(await poll(fetch, "")) == ["fixes", "cursor", "gap"]
    assert (await poll(fetch, "events=1&members=ann"))["events"] == []
    first = await poll(fetch, "events=1&limit=1")
    assert (len(first["fixes"]), first["events"]) == (1, [])
    rest = await poll(fetch, f"events=1&limit=1&after={first['cursor']}")
    assert (rest["fixes"], len(rest["events"])) == ([], 1)
    empty = await poll(fetch, f"events=1&after={rest['cursor']}")
    assert empty == {"fixes": [], "events": [], "cursor": rest["cursor"], "gap": False}
    error = json.loads((await fetch(f"{FIXES}?events=maybe")).body)["error"]
    assert error["field"] == "events"


async def test_an_event_answers_a_long_poll_that_wants_events(fetch, site):
    stored = json.loads((await fetch(FIXES, "POST", FIX)).body)["cursor"]
    waiting = [
        asyncio.ensure_future(poll(fetch, f"after={stored}&wait=30&events={wanted}")) for wanted in "10"
    ]
    log = (await site.groups.find("hikers")).log
    while log.readers < 2:
        await asyncio.sleep(0.001)
    await fetch(NOTES, "POST", {"text": "lunch"})
    assert [one["text"] for one in (await waiting[0])["events"]] == ["lunch"]
    assert not waiting[1].done()
    await fetch(FIXES, "POST", {**FIX, "time": FIX["time"] + 1})
    assert len((await waiting[1])["fixes"]) == 1
