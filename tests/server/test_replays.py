"""Replays through a real server: steered by the API, followed by STOMP, SSE and plain WebSocket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.support.sse import Sse

TIME = 1_763_806_275_123
LAST = TIME + 1900


@pytest.fixture
async def recording(fetch):
    """A recording of 20 fixes, 100 ms apart by the phones' clocks, of ann and bo."""
    await fetch("api/groups", "POST", {"title": "hikers"})
    made = json.loads((await fetch("api/recordings", "POST", {"group": "hikers", "name": "walk"})).body)
    fixes = [
        {"member": ("ann", "bo")[n % 2], "time": TIME + n * 100, "lat": 37.5, "lon": n} for n in range(20)
    ]
    assert (await fetch("api/groups/hikers/fixes", "POST", fixes)).code == 200
    return json.loads((await fetch(f"api/recordings/{made['id']}", "PATCH", {"stop": True})).body)


@pytest.fixture
async def noted(fetch, recording):
    """The id of one with notes, too: at and between its fixes, before and after them."""
    for text, at in (
        ("late", LAST + 1),
        ("third", TIME + 200),
        ("between", TIME + 1050),
        ("early", TIME - 1),
    ):
        body = {"text": text, "time": at, "member": "bo" if text == "third" else "ann"}
        assert (await fetch("api/groups/hikers/notes", "POST", body)).code < 300
    wish = {"group": "hikers", "name": "noted", "since": 0}
    return json.loads((await fetch("api/recordings", "POST", wish)).body)["id"]


@pytest.fixture
async def begin(fetch, recording):
    """Begin a replay; returns it when its beginning was told."""

    async def make(**wish: Any) -> dict[str, Any]:
        answer = await fetch("api/replays", "POST", {"recording": recording["id"], **wish})
        assert answer.code == 201, answer.body
        made = json.loads(answer.body)
        async with asyncio.timeout(10):
            while (
                int(json.loads((await fetch(f"api/replays/{made['id']}")).body)["cursor"].split("-")[1]) < 2
            ):
                await asyncio.sleep(0.01)
        return made

    return make


@pytest.fixture
async def sse(jp_serverapp, http_server_client, jp_base_url):
    opened: list[Sse] = []

    async def connect(path: str) -> Sse:
        sent = {"Authorization": f"token {jp_serverapp.identity_provider.token}"}
        port = http_server_client.get_http_port()
        opened.append(await Sse.open(port, f"{jp_base_url}locshare/{path}", sent))
        return opened[-1]

    yield connect
    for stream in opened:
        await stream.close()


async def originals(fetch):
    return json.loads((await fetch("api/groups/hikers/fixes")).body)["fixes"]


async def until_ended(client):
    """Return all MESSAGEs up to the one that says that the replay has ended."""
    frames = []
    while not frames or frames[-1].get("replay-state") != "ended":
        frame = await client.frame()
        assert frame is not None
        assert frame.command == "MESSAGE", frame
        frames.append(frame)
    return frames


@pytest.mark.parametrize("ack", ["auto", "client-individual"])
async def test_several_follow_one_by_stomp(fetch, begin, stomp, ack):
    replay = await begin(paused=True)
    assert (replay["state"], replay["begin"], replay["end"], replay["playhead"]) == (
        "paused",
        TIME,
        LAST,
        TIME,
    )
    clients = [await stomp(), await stomp()]
    for client in clients:
        hello = await client.ask(
            "SUBSCRIBE", {"id": "1", "destination": replay["topic"], "after": "start", "ack": ack}
        )
        assert hello.get("gap") == "false"
    steered = await fetch(f"api/replays/{replay['id']}", "PATCH", {"paused": False, "speed": 100})
    assert json.loads(steered.body)["state"] == "playing"
    seen = [await until_ended(client) for client in clients]
    for frames in seen:
        fixes = [frame for frame in frames if frame.get("replay-state") is None]
        assert [json.loads(frame.body) for frame in fixes] == await originals(fetch)
        assert {frame.get("destination") for frame in fixes} == {replay["topic"]}
        assert [frame.get("member") for frame in fixes[:2]] == ["ann", "bo"]
        assert frames[0].get("replay-state") == "discontinuity"
        assert json.loads(frames[0].body)["reason"] == "start"
    assert [frame.get("message-id") for frame in seen[0]] == [frame.get("message-id") for frame in seen[1]]


@pytest.mark.parametrize("ack", ["auto", "client-individual"])
async def test_arrays_keep_to_their_side_of_a_mark(fetch, begin, stomp, ack):
    replay = await begin(at=TIME + 1050, speed=1000)
    client = await stomp()
    await client.ask(
        "SUBSCRIBE",
        {"id": "1", "destination": replay["topic"], "after": "start", "batch": "20", "ack": ack},
    )
    frames = await until_ended(client)
    restored = next(frame for frame in frames if frame.get("replay-state") == "restored")
    assert restored.get("replay-playhead") == str(TIME + 1050)
    assert [one["time"] for one in json.loads(restored.body)] == [TIME + 900, TIME + 1000]
    fixes = [one for frame in frames if frame.get("replay-state") is None for one in json.loads(frame.body)]
    assert fixes == (await originals(fetch))[11:]
    assert json.loads(frames[0].body)["type"] == "discontinuity"


async def test_a_seek_by_one_is_seen_by_all(fetch, begin, stomp, sse, jp_ws_fetch):
    replay = await begin(paused=True)
    path = f"api/replays/{replay['id']}"
    socket = await jp_ws_fetch("locshare", *path.split("/"), "ws")
    stream = await sse(f"{path}/events")
    client = await stomp()
    await client.ask("SUBSCRIBE", {"id": "1", "destination": replay["topic"]})
    assert json.loads(await socket.read_message())["type"] == "hello"
    assert (await stream.event()).type == "hello"
    assert (await fetch(path, "PATCH", {"at": TIME + 1050})).code == 200

    frames = [await client.frame() for _ in range(4)]
    assert [frame.get("replay-state") for frame in frames] == [
        "discontinuity",
        "restored",
        "restored",
        "paused",
    ]
    assert [frame.get("replay-age") for frame in frames[1:3]] == ["150", "50"]
    events = [await stream.event() for _ in range(3)]
    objects = [json.loads(await socket.read_message()) for _ in range(3)]
    assert [event.data for event in events] == objects
    assert [event.type for event in events] == ["discontinuity", "state", "state"]
    mark, known, held = objects
    assert (mark["type"], mark["reason"], mark["playhead"]) == ("discontinuity", "seek", TIME + 1050)
    assert (known["state"], known["ages"]) == ("restored", [150, 50])
    assert known["fixes"] == (await originals(fetch))[9:11]
    assert (held["state"], held["playhead"]) == ("paused", TIME + 1050)

    await fetch(path, "PATCH", {"step": 2})
    assert json.loads(await socket.read_message()) == (await originals(fetch))[11:13]
    assert (await stream.event()).data == (await originals(fetch))[11:13]
    resumed = await sse(f"{path}/events?after={events[2].id}")
    assert (await resumed.event()).data["gap"] is False
    assert (await resumed.event()).data == (await originals(fetch))[11:13]
    socket.close()


async def test_a_place_that_joins_gets_the_newest(fetch, begin, stomp):
    replay = await begin(paused=True, at=TIME + 1050)
    await fetch(f"api/replays/{replay['id']}", "PATCH", {"step": 1})
    async with asyncio.timeout(10):
        while json.loads((await fetch(f"api/replays/{replay['id']}")).body)["delivered"] < 1:
            await asyncio.sleep(0.01)
    client = await stomp()
    await client.ask("SUBSCRIBE", {"id": "1", "destination": replay["topic"], "last": "1"})
    times = [json.loads((await client.frame()).body)["time"] for _ in range(2)]
    assert times == [TIME + 1000, TIME + 1100]


async def test_the_list_and_the_end(fetch, begin, stomp, recording):
    replay = await begin(paused=True, loop=True, clock="received", members=["ANN"])
    assert replay["loop"] is True
    for query in ("", "?group=hikers"):
        found = json.loads((await fetch(f"api/replays{query}")).body)["replays"]
        assert [one["id"] for one in found] == [replay["id"]]
    assert json.loads((await fetch("api/replays?group=other")).body) == {"replays": []}
    client = await stomp()
    await client.ask("SUBSCRIBE", {"id": "1", "destination": replay["topic"], "after": "start"})
    assert (await fetch(f"api/recordings/{recording['id']}", "DELETE")).code == 200
    while (frame := await client.frame()) is not None and frame.command == "MESSAGE":
        pass
    assert frame is not None
    assert frame.get("message") == "the recording was deleted"
    for method in ("GET", "PATCH", "DELETE"):
        assert (await fetch(f"api/replays/{replay['id']}", method)).code == 404


async def test_into_a_group_that_keeps_it(fetch, begin):
    await fetch("api/groups", "POST", {"title": "others"})
    await begin(speed=1000, into="Others", record=True)
    async with asyncio.timeout(10):
        while len(json.loads((await fetch("api/groups/others/fixes")).body)["fixes"]) < 20:
            await asyncio.sleep(0.01)
    fixes = json.loads((await fetch("api/groups/others/fixes")).body)["fixes"]
    assert {fix["source"] for fix in fixes} == {"replay"}
    assert [fix["extra"]["original_time"] for fix in fixes] == [TIME + n * 100 for n in range(20)]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"speed": 0}, "speed"),
        ({"speed": -1}, "speed"),
        ({"speed": 1001}, "speed"),
        ({"speed": "2"}, "speed"),
        ({"at": TIME - 1}, "at"),
        ({"at": "2025"}, "at"),
        ({"clock": "device"}, "clock"),
        ({"clock": 1}, "clock"),
        ({"loop": 1}, "loop"),
        ({"members": "ann"}, "members"),
        ({"members": []}, "members"),
        ({"into": 5}, "into"),
        ({"record": True}, "record"),
        ({"sped": 1}, "sped"),
        ({"recording": None}, "recording"),
    ],
)
async def test_wishes_that_cannot_be(fetch, recording, wish, field):
    answer = await fetch("api/replays", "POST", {"recording": recording["id"], **wish})
    assert answer.code == 400
    assert json.loads(answer.body)["error"]["field"] == field


@pytest.mark.parametrize(
    "steering",
    [
        {"step": 0},
        {"step": True},
        {"step": 1, "paused": False},
        {"at": LAST + 1},
        {"speed": 0},
        {"pause": True},
    ],
)
async def test_steering_that_cannot_be(fetch, begin, steering):
    replay = await begin(paused=True)
    answer = await fetch(f"api/replays/{replay['id']}", "PATCH", {"loop": True, **steering})
    assert answer.code == 400
    assert json.loads((await fetch(f"api/replays/{replay['id']}")).body)["loop"] is False


async def test_what_is_not_there_or_takes_nothing(fetch, begin, stomp, recording):
    replay = await begin(paused=True)
    assert (await fetch("api/replays", "POST", {"recording": "nobody"})).code == 404
    assert (await fetch("api/replays", "POST", {"recording": recording["id"], "into": "nobody"})).code == 404
    for headers, code in (
        ({"destination": "/topic/replay.nobody"}, "replay_not_found"),
        ({"destination": replay["topic"], "durable-name": "x", "ack": "client"}, "header_not_allowed"),
    ):
        client = await stomp()
        answer = await client.ask("SUBSCRIBE", {"id": "1", **headers})
        assert (answer.command, answer.get("code")) == ("ERROR", code)
    client = await stomp()
    answer = await client.ask("SEND", {"destination": replay["topic"]}, {"lat": 1})
    assert (answer.command, answer.get("code")) == ("ERROR", "read_only")


async def test_an_invite_watches_and_does_not_steer(fetch, begin, invite, stomp):
    replay = await begin(paused=True)
    path = f"api/replays/{replay['id']}"
    watcher = {"Authorization": "", "X-Locshare-Token": (await invite("ann", roles="watch"))["token"]}
    other = {"Authorization": "", "X-Locshare-Token": (await invite("ann", "others"))["token"]}
    assert (await fetch(path, headers=watcher)).code == 200
    assert (await fetch(path, "PATCH", {"paused": False}, headers=watcher)).code == 403
    unknown = await fetch("api/replays/nobody", headers=other)
    known = await fetch(path, headers=other)
    assert (known.code, known.body) == (403, unknown.body)


async def test_a_step_goes_to_the_next_fix_of_a_member(fetch, begin, stomp):
    replay = await begin(paused=True)
    path = f"api/replays/{replay['id']}"
    client = await stomp()
    await client.ask("SUBSCRIBE", {"id": "1", "destination": replay["topic"]})
    for _ in range(2):
        assert (await fetch(path, "PATCH", {"step": 1, "member": "BO"})).code == 200
        frames = [await client.frame() for _ in range(3)]
        assert [frame.get("member") for frame in frames] == ["ann", "bo", None]
        assert frames[-1].get("replay-state") == "paused"
    for wrong in ({"member": "bo"}, {"member": "bo", "step": 2}, {"member": 7, "step": 1}):
        refused = await fetch(path, "PATCH", wrong)
        assert (refused.code, json.loads(refused.body)["error"]["field"]) == (400, "member")


async def test_silences_are_passed_over_when_asked(fetch, begin, stomp):
    more = [{"member": "ann", "time": LAST + 80_000_000 + n, "lat": 37.5, "lon": n} for n in range(3)]
    await fetch("api/groups/hikers/fixes", "POST", more)  # a day later, as the phone's clock has it
    made = json.loads(
        (await fetch("api/recordings", "POST", {"group": "hikers", "name": "b", "since": 0})).body
    )
    wish = {"recording": made["id"], "speed": 100, "max_gap": 1, "paused": True}
    replay = json.loads((await fetch("api/replays", "POST", wish)).body)
    client = await stomp()
    await client.ask("SUBSCRIBE", {"id": "1", "destination": replay["topic"], "after": "start"})
    assert (await fetch(f"api/replays/{replay['id']}", "PATCH", {"paused": False})).code == 200
    fixes = [frame for frame in await until_ended(client) if frame.get("replay-state") is None]
    assert [json.loads(frame.body)["time"] for frame in fixes][-3:] == [one["time"] for one in more]
    for wrong in (-1, "a day", True):
        refused = await fetch("api/replays", "POST", {**wish, "max_gap": wrong})
        assert (refused.code, json.loads(refused.body)["error"]["field"]) == (400, "max_gap")


@pytest.mark.parametrize("batch", [{}, {"batch": "20"}])
async def test_notes_come_at_their_moments(fetch, noted, begin, stomp, batch):
    replay = await begin(paused=True, recording=noted)
    client = await stomp()
    await client.ask("SUBSCRIBE", {"id": "1", "destination": replay["topic"], "after": "start", **batch})
    await fetch(f"api/replays/{replay['id']}", "PATCH", {"paused": False, "speed": 100})
    seen = []
    for frame in await until_ended(client):
        body = json.loads(frame.body)
        if frame.get("replay-state") == "event":
            assert (body["type"], body["kind"]) == ("event", "note")
            seen.append(body["text"])
        elif frame.get("replay-state") is None:
            seen += [one["time"] - TIME for one in (body if isinstance(body, list) else [body])]
    times = [n * 100 for n in range(20)]
    assert seen == [*times[:3], "third", *times[3:11], "between", *times[11:]]


async def test_notes_come_in_a_silence_and_to_every_stream(fetch, noted, begin, sse, jp_ws_fetch):
    replay = await begin(paused=True, at=TIME + 1000, recording=noted)
    path = f"api/replays/{replay['id']}"
    socket, stream = await jp_ws_fetch("locshare", *path.split("/"), "ws"), await sse(f"{path}/events")
    assert json.loads(await socket.read_message())["type"] == (await stream.event()).type == "hello"
    assert (await fetch(path, "PATCH", {"at": TIME + 1050})).code == 200
    told = [await stream.event() for _ in range(4)]
    objects = [json.loads(await socket.read_message()) for _ in range(4)]
    assert [one.data for one in told] == objects
    assert [one.type for one in told[:2]] == ["discontinuity", "state"]
    last = {one["type"]: one.get("text", one.get("state")) for one in objects[2:]}  # in either order
    assert last == {"event": "between", "state": "paused"}
    assert (await fetch("api/groups/hikers/members/ann", "DELETE")).code == 200
    assert (await fetch(path, "PATCH", {"at": TIME + 1000})).code == 200
    again = [json.loads(await socket.read_message()) for _ in range(3)]
    assert [one["type"] for one in again] == ["discontinuity", "state", "state"]
    socket.close()
