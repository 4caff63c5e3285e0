"""Alerts that the server tells, as other programs get them: by STOMP, SSE and WebSocket, and replayed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locshare_ext import Geofence, Speed
from locshare_ext.alerts import rule_to_json
from tests.server.test_replays import TIME, originals, sse, until_ended

__all__ = ["sse"]

RULES = [Geofence.circle("camp", 37.5, 127.0, 500), Speed(name="quick", above=30)]
EAST = (127.1, 127.0, 127.1, 127.1)  # ann comes into the camp with her second fix, and leaves with the third
TOLD = [
    ("camp", "enter", TIME + 10_000),
    ("quick", "fast", TIME + 10_000),
    ("camp", "exit", TIME + 20_000),
    ("quick", "slow", TIME + 30_000),
]


@pytest.fixture
async def ruled(fetch):
    """A group whose server holds rules, and a recording of it that runs."""
    await fetch("api/groups", "POST", {"title": "hikers"})
    rules = {"alerts": [rule_to_json(rule) for rule in RULES]}
    assert (await fetch("api/groups/hikers", "PATCH", rules)).code == 200
    made = await fetch("api/recordings", "POST", {"group": "hikers", "name": "walk"})
    return json.loads(made.body)["id"]


async def walk(fetch) -> None:
    for n, lon in enumerate(EAST):
        fix = {"member": "ann", "time": TIME + n * 10_000, "lat": 37.5, "lon": lon}
        assert (await fetch("api/groups/hikers/fixes", "POST", fix)).code == 200


def told(event: dict[str, Any]) -> tuple[str, str, int]:
    assert (event["type"], event["kind"], event["member"]) == ("event", "alert", "ann")
    return event["data"]["rule"], event["data"]["alert"], event["time"]


async def test_alerts_come_on_the_events_topic_and_on_every_stream(fetch, ruled, stomp, sse, jp_ws_fetch):
    client, stream = await stomp(), await sse("api/groups/hikers/events")
    await client.ask("SUBSCRIBE", {"id": "1", "destination": "/topic/group.hikers.events"})
    socket = await jp_ws_fetch("locshare", "api", "groups", "hikers", "ws")
    assert json.loads(await socket.read_message())["type"] == (await stream.event()).type == "hello"
    await walk(fetch)

    frames = [await client.frame() for _ in TOLD]
    assert {frame.get("destination") for frame in frames} == {"/topic/group.hikers.events"}
    bodies = [json.loads(frame.body) for frame in frames]
    assert [told(one) for one in bodies] == TOLD
    assert [one["cursor"] for one in bodies] == [frame.get("message-id") for frame in frames]
    by_stream, by_socket = [], []
    while len(by_stream) < len(TOLD):
        if (event := await stream.event()).type == "event":
            by_stream.append(event.data)
    while len(by_socket) < len(TOLD):
        if isinstance(said := json.loads(await socket.read_message()), dict):
            by_socket.append(said)
    assert by_stream == by_socket == bodies
    socket.close()


async def test_a_replay_tells_them_at_their_moments(fetch, ruled, stomp, sse):
    await walk(fetch)
    client = await stomp()
    await client.ask("SUBSCRIBE", {"id": "0", "destination": "/topic/group.hikers.events", "after": "start"})
    for _ in TOLD:
        await client.frame()
    await fetch(f"api/recordings/{ruled}", "PATCH", {"stop": True})
    replay = json.loads((await fetch("api/replays", "POST", {"recording": ruled, "paused": True})).body)
    follower, stream = await stomp(), await sse(f"api/replays/{replay['id']}/events?after=start")
    await follower.ask("SUBSCRIBE", {"id": "1", "destination": replay["topic"], "after": "start"})
    await fetch(f"api/replays/{replay['id']}", "PATCH", {"paused": False, "speed": 1000})
    seen: list[Any] = []
    for frame in await until_ended(follower):
        body = json.loads(frame.body)
        if frame.get("replay-state") == "event":
            seen.append(told(body))
        elif frame.get("replay-state") is None:
            seen.append(body)
    first, *fixes = await originals(fetch)
    assert seen == [first, fixes[0], *TOLD[:2], fixes[1], TOLD[2], fixes[2], TOLD[3]]
    by_stream: list[Any] = []
    while len(by_stream) < len(TOLD):
        if (event := await stream.event()).type == "event":
            by_stream.append(told(event.data))
    assert by_stream == TOLD
