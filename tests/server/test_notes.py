"""Notes and events of a real Jupyter server."""

from __future__ import annotations

import json

import pytest

from locshare_ext.broker.access import PUBLISH, Principal
from locshare_ext.model.event import Event
from tests.server.test_api import TIME, error, fix, post, said

GROUP = "/topic/group.hikers"
NOTES = "api/groups/hikers/notes"


async def note(fetch, text="lost the trail", **fields):
    return said(await fetch(NOTES, "POST", {"text": text, **fields}), 201)


async def listed(fetch, query=""):
    return [one["text"] for one in said(await fetch(f"{NOTES}{query}"))["notes"]]


async def test_a_note_comes_back_and_to_its_topic(fetch, stomp):
    client = await stomp()
    hello = await client.ask("SUBSCRIBE", {"id": "0", "destination": GROUP + ".events"})
    assert hello.command == "RECEIPT"
    made = await note(fetch, "  lost the trail\nhere ", time="2025-11-22T10:11:15.123Z", member="ann")
    assert made["id"] == made["cursor"]
    assert (made["kind"], made["text"], made["time"]) == ("note", "lost the trail\nhere", TIME)
    assert (made["member"], made["received"] > TIME) == ("ann", True)
    page = said(await fetch(NOTES))
    assert page == {"notes": [made], "cursor": made["cursor"], "gap": False}
    frame = await client.frame()
    assert (frame.get("message-id"), frame.get("destination")) == (made["cursor"], GROUP + ".events")
    assert {"id": made["id"], **json.loads(frame.body)} == made
    assert said(await fetch("api/groups/hikers/fixes"))["fixes"] == []


async def test_a_note_without_more_is_now_and_of_nobody(fetch, site):
    before = site.clock()
    made = await note(fetch)
    assert before <= made["time"] == made["received"] <= site.clock()
    assert "member" not in made


async def test_pages_and_selections(fetch):
    await post(fetch, fix())
    for number in range(5):
        await note(
            fetch, f"n{number}", time=TIME + number * 1000, **({"member": "bob"} if number % 2 else {})
        )
    texts, after = [], "start"
    for _ in range(4):
        page = said(await fetch(f"{NOTES}?after={after}&limit=2"))
        texts.append([one["text"] for one in page["notes"]])
        after = page["cursor"]
    assert texts == [["n0", "n1"], ["n2", "n3"], ["n4"], []]
    assert await listed(fetch, f"?since={TIME + 1000}&until={TIME + 3000}") == ["n1", "n2", "n3"]
    assert await listed(fetch, "?members=BOB") == ["n1", "n3"]
    assert await listed(fetch, "?after=now") == []


async def test_events_are_of_every_kind(fetch, site):
    await note(fetch, "lunch")
    group = await site.groups.find("hikers")
    await site.groups.note(group, Event(kind="alert", time=TIME, received=TIME, text="too far away"))
    page = said(await fetch("api/groups/hikers/events?format=json"))
    assert [(one["type"], one["kind"]) for one in page["events"]] == [("event", "note"), ("event", "alert")]
    assert page["cursor"] == page["events"][1]["cursor"]
    rest = said(await fetch(f"api/groups/hikers/events?format=json&after={page['cursor']}"))
    assert rest == {"events": [], "cursor": page["cursor"], "gap": False}
    assert await listed(fetch) == ["lunch"]
    found = error(await fetch("api/groups/hikers/events?format=csv"), 400)
    assert (found["code"], found["field"]) == ("not_supported", "format")
    assert error(await fetch("api/groups/hiker/events?format=json"), 404)["near"] == ["hikers"]
    assert error(await fetch("api/groups/hiker/notes"), 404)["near"] == ["hikers"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": " \n"}, "text"),
        ({"text": "x" * 2001}, "text"),
        ({"text": "a\x07b"}, "text"),
        ({"text": 7}, "text"),
        ({"text": "x", "time": 1_763_806_275}, "time"),
        ({"text": "x", "time": TIME * 2}, "time"),
        ({"text": "x", "time": "yesterday"}, "time"),
        ({"text": "x", "member": "a/b"}, "member"),
        ({"text": "x", "member": 7}, "member"),
        ({"text": "x", "at": TIME}, "at"),
    ],
)
async def test_notes_that_cannot_be(fetch, body, field):
    assert error(await fetch(NOTES, "POST", body), 400)["field"] == field


async def test_a_removed_note_is_gone_from_everywhere(fetch, stomp):
    first, second = await note(fetch, "one"), await note(fetch, "two")
    assert said(await fetch(f"{NOTES}/{first['id']}", "DELETE")) == {"deleted": first["id"]}
    assert await listed(fetch) == ["two"]
    client = await stomp()
    await client.ask("SUBSCRIBE", {"id": "0", "destination": GROUP + ".events", "after": "start"})
    assert (await client.frame()).get("message-id") == second["cursor"]
    await post(fetch, fix())
    cursor = said(await fetch("api/groups/hikers"))["cursor"]
    for missing in (first["id"], cursor, "zzzzzzzz-2", "nonsense"):
        assert error(await fetch(f"{NOTES}/{missing}", "DELETE"), 404)["code"] == "note_not_found"


async def test_an_invite_notes_for_its_member_and_removes_its_own(fetch, site):
    site.credentials.add("lsi_ann", Principal("1", "invite", "hikers", frozenset({PUBLISH}), "ann"))
    others = await note(fetch, "others")
    headers = {"X-Locshare-Token": "lsi_ann"}
    own = said(await fetch(NOTES, "POST", {"text": "mine", "member": "bob"}, headers=headers), 201)
    assert own["member"] == "ann"
    assert error(await fetch(f"{NOTES}/{others['id']}", "DELETE", headers=headers), 403)
    assert error(await fetch(f"{NOTES}/nonsense", "DELETE", headers=headers), 404)
    assert said(await fetch(f"{NOTES}/{own['id']}", "DELETE", headers=headers))
    assert await listed(fetch) == ["others"]


async def test_forgetting_reaches_who_left_only_notes(fetch, site):
    await note(fetch, "mine", member="ann")
    (await site.groups.find("hikers")).names.clear()  # as after a restart
    assert said(await fetch("api/groups/hikers/members/ann", "DELETE")) == {"forgotten": 1}
    assert await listed(fetch) == []
    assert error(await fetch("api/groups/hikers/members/ann", "DELETE"), 404)
