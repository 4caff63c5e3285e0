"""Server-sent events: a group as a stream over plain HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import socket
from typing import Any

import pytest

from locshare_ext.errors import StoreError
from tests.support.sse import Sse

TIME = 1_763_806_275_123
EVENTS = "api/groups/hikers/events"
FIXES = "api/groups/hikers/fixes"


def fix(number: int = 0, member: str = "ann", **fields: Any) -> dict[str, Any]:
    return {"time": TIME + number * 1000, "lat": 37.5665, "lon": 126.978, "member": member, **fields}


def numbers(fixes: list[dict[str, Any]]) -> list[int]:
    return [(one["time"] - TIME) // 1000 for one in fixes]


@pytest.fixture
async def sse(jp_serverapp, http_server_client, jp_base_url, fetch):
    """Open streams of a group that exists; closed at the end."""
    port = http_server_client.get_http_port()
    streams: list[Sse] = []
    await fetch("api/groups", "POST", {"title": "hikers"})

    async def connect(
        query: str = "", token: str | None = None, path: str = EVENTS, version: str = "1.1", **headers: str
    ) -> Sse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is None:
            sent["Authorization"] = f"token {jp_serverapp.identity_provider.token}"
        else:
            sent["X-Locshare-Token"] = token
        stream = await Sse.open(port, f"{jp_base_url}locshare/{path}{query}", sent, version)
        streams.append(stream)
        return stream

    yield connect
    for stream in streams:
        await stream.close()


@pytest.fixture
async def plain_socket(jp_ws_fetch):
    """Open a plain WebSocket to the group; closed at the end."""
    sockets = []

    async def connect() -> None:
        sockets.append(await jp_ws_fetch("locshare", "api", "groups", "hikers", "ws"))

    yield connect
    for client in sockets:
        stream = client.protocol.stream
        client.close()
        async with asyncio.timeout(10):
            while not stream.closed():
                await asyncio.sleep(0.001)


async def hello(stream: Sse) -> dict[str, Any]:
    assert stream.status == 200
    event = await stream.event()
    assert event is not None
    assert event.type == "hello"
    assert event.data["type"] == "hello"
    assert event.id == event.data["cursor"]
    assert stream.retry is not None
    assert 1000 <= stream.retry <= 5000
    return event.data


async def test_hello_then_fixes_and_events_as_they_come(sse, fetch):
    await fetch(FIXES, "POST", fix())  # before: the default place is now
    stream = await sse()
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["cache-control"] == "no-store, no-transform"
    assert stream.headers["x-accel-buffering"] == "no"
    first = await hello(stream)
    assert first["gap"] is False
    assert first["protocol"] == "1"
    answer = json.loads((await fetch(FIXES, "POST", [fix(1), fix(2, "bob")])).body)
    event = await stream.event()
    assert (event.type, event.id) == ("message", answer["cursor"])
    assert [(one["member"], one["time"]) for one in event.data] == [
        ("ann", TIME + 1000),
        ("bob", TIME + 2000),
    ]
    await fetch("api/groups/hikers/notes", "POST", {"text": "lunch\nhere"})
    event = await stream.event()
    assert (event.type, event.data["type"], event.data["text"]) == ("event", "event", "lunch\nhere")
    assert event.id == event.data["cursor"]


async def test_a_place_to_begin_at(sse, fetch):
    await fetch(FIXES, "POST", [fix(n) for n in range(3)])
    stream = await sse("?after=start")
    await hello(stream)
    fixes = await stream.fixes(3)
    assert numbers(fixes) == [0, 1, 2]
    resumed = await sse("?after=start", Last_Event_ID=fixes[1]["cursor"])  # beats `after`
    assert (await hello(resumed))["cursor"] == fixes[1]["cursor"]
    assert numbers(await resumed.fixes(1)) == [2]
    other = await sse("?after=zzzz-7")
    assert (await hello(other))["gap"] is True
    assert numbers(await other.fixes(3)) == [0, 1, 2]


async def test_filters(sse, fetch):
    await fetch(FIXES, "POST", [fix(n, "ann" if n % 2 else "bob") for n in range(10)])
    one = await sse("?after=start&members=ANN")
    await hello(one)
    assert numbers(await one.fixes(5)) == [1, 3, 5, 7, 9]
    newest = await sse("?after=start&conflate=1")
    await hello(newest)
    event = await newest.event()
    assert numbers(event.data) == [8, 9]
    last = await sse("?last=1")
    await hello(last)
    event = await last.event()
    assert (event.id, numbers(event.data)) == (None, [8, 9])
    batched = await sse("?batch=300")
    await hello(batched)
    for n in range(20, 26):
        await fetch(FIXES, "POST", fix(n))
    arrays = []
    while sum(map(len, arrays)) < 6:
        arrays.append((await batched.event()).data)
    assert [n for array in arrays for n in numbers(array)] == list(range(20, 26))
    assert len(arrays[0]) == 1
    assert len(arrays) < 6


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?after=x", "after"),
        ("?batch=0", "batch"),
        ("?conflate=maybe", "conflate"),
        ("?members=", "members"),
        ("?mebers=ann", "mebers"),
        ("?format=csv", "format"),
    ],
)
async def test_bad_queries_name_the_field(sse, query, field):
    stream = await sse(query)
    assert stream.status == 400
    assert (await stream.json())["error"]["field"] == field


async def test_a_group_that_is_none(sse):
    stream = await sse(path="api/groups/hiker/events")
    assert stream.status == 404
    assert (await stream.json())["error"]["near"] == ["hikers"]


async def test_resuming_leaves_no_hole_and_no_duplicate(sse, fetch, site):
    group = site.groups.get("hikers")

    async def publish() -> None:
        for n in range(0, 600, 3):
            await site.groups.publish(
                _host(), "hikers", json.dumps([fix(k) for k in range(n, n + 3)]).encode()
            )
            if n % 30 == 0:
                await asyncio.sleep(0.001)

    task = asyncio.ensure_future(publish())
    seen: list[int] = []
    place, count = group.log.cursor(0), 1
    while len(seen) < 600:
        stream = await sse(Last_Event_ID=place)
        assert (await hello(stream))["gap"] is False
        for _ in range(count):  # then it is cut
            event = await stream.event()
            seen += numbers(event.data)
            place = event.id
            if len(seen) >= 600:
                break
        await stream.close()
        count += 1
    await task
    assert seen == list(range(600))


def _host():
    from locshare_ext.broker.access import Principal

    return Principal("host", "host")


async def test_a_reader_far_behind_reads_from_the_store(sse, fetch, site, monkeypatch):
    group = site.groups.get("hikers")
    for start in range(0, 3000, 1000):
        await fetch(FIXES, "POST", [fix(n) for n in range(start, start + 1000)])
    group.log._tail.restart(group.log.head)  # nothing is in memory
    stream = await sse("?after=start")
    await hello(stream)
    assert numbers(await stream.fixes(3000)) == list(range(3000))
    newest = await sse("?after=start&conflate=1")
    await hello(newest)
    seen = [0]
    while seen[-1] < 2999:  # one, unless reading takes longer than a batch
        (number,) = numbers((await newest.event()).data)
        assert seen[-1] < number
        seen.append(number)
    assert len(seen) <= 4
    await fetch(FIXES, "POST", fix(3000))
    assert numbers((await newest.event()).data) == [3000]


async def test_fixes_that_cannot_be_stored(sse, fetch, site, monkeypatch):
    await fetch(FIXES, "POST", fix())
    stream = await sse()
    await hello(stream)
    with monkeypatch.context() as patch:

        def fail(*args: Any, **kwargs: Any) -> Any:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(StoreError("the disk is full"))
            return future

        patch.setattr(site.store, "append_all", fail)
        assert (await fetch(FIXES, "POST", fix(1))).code == 503
    event = await stream.event()
    assert event.id is None
    assert event.data[0]["flags"] == ["volatile"]


async def test_a_client_that_leaves_is_forgotten(sse, site):
    stream = await sse()
    await hello(stream)
    group = site.groups.get("hikers")
    assert (group.log.readers, len(site.responses)) == (1, 1)
    await stream.close()
    async with asyncio.timeout(10):
        while group.log.readers or len(site.responses):
            await asyncio.sleep(0.01)


async def test_a_reader_that_never_reads_holds_no_queue(
    jp_serverapp, jp_base_url, http_server_client, fetch, site, sse
):
    site.limits = dataclasses.replace(site.limits, stall=0.5)
    port = http_server_client.get_http_port()
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(("127.0.0.1", port))
    token = jp_serverapp.identity_provider.token
    slow.sendall(
        f"GET {jp_base_url}locshare/{EVENTS} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: token {token}\r\n\r\n".encode()
    )
    group = site.groups.get("hikers")
    async with asyncio.timeout(10):
        while not group.log.readers:
            await asyncio.sleep(0.01)
    (stream,) = site.responses._open
    body = json.dumps([fix(n, extra={"text": "x" * 900}) for n in range(900)]).encode()
    most, sent = 0, 0
    async with asyncio.timeout(30):
        while len(site.responses):
            sent += 1
            await fetch(FIXES, "POST", body.replace(b'"ann"', b'"m%d"' % sent))
            most = max(most, stream._wire.unsent)
            await asyncio.sleep(0.02)
    assert most <= site.limits.unsent + 2 * site.limits.turn
    assert group.log.readers == 0
    slow.close()


async def test_comments_while_nothing_happens(sse, site, jp_serverapp):
    assert site.limits.comment == 15.0
    site.responses._every = 0.05
    stream = await sse()
    await hello(stream)
    with contextlib.suppress(TimeoutError):
        await stream.event(timeout=0.4)
    assert stream.comments >= 2


async def test_a_comment_says_how_far_others_have_come(sse, fetch, site):
    """Who watches a silent member does not resume from before all that the others sent."""
    site.responses._every = 0.05
    stream = await sse("?members=zoe")
    first = (await hello(stream))["cursor"]
    cursor = json.loads((await fetch(FIXES, "POST", [fix(n) for n in range(5)])).body)["cursor"]
    async with asyncio.timeout(10):
        while stream.last_id != cursor:
            assert stream.last_id == first
            with contextlib.suppress(TimeoutError):
                await stream.event(timeout=0.1)
    await fetch(FIXES, "POST", fix(9, "zoe"))
    assert numbers((await stream.event()).data) == [9]


async def test_who_left_without_a_word_is_cut_by_the_system(sse, plain_socket, stomp, site):
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is None:
        pytest.skip("this system has no TCP_USER_TIMEOUT")
    await hello(await sse())
    await plain_socket()
    await stomp()
    (stream,) = site.responses._open
    pipes = [stream._pipe, *(session._wire._pipe for session in site.sessions)]
    assert len(pipes) == 3
    for pipe in pipes:
        assert pipe._socket.getsockopt(socket.IPPROTO_TCP, option) == 30_000


async def test_http_1_0_gets_a_plain_body(sse, fetch):
    stream = await sse(version="1.0")
    assert "transfer-encoding" not in stream.headers
    await hello(stream)
    await fetch(FIXES, "POST", fix())
    assert numbers((await stream.event()).data) == [0]


async def test_head_tells_what_a_stream_is_without_one(sse, fetch, site):
    answer = await fetch(EVENTS, "HEAD")
    assert answer.code == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert "Content-Length" not in answer.headers  # of a body that goes on, there is none
    assert "Etag" not in answer.headers
    assert len(site.responses) == 0


# -- access, limits, ends


async def test_an_invite_opens_its_group_alone(sse, invite):
    token = (await invite("ann", roles="watch"))["token"]
    await hello(await sse(token=token))
    assert (await sse(token=token, path="api/groups/runners/events")).status == 403
    assert (await sse(token=(await invite("bob", roles="publish"))["token"])).status == 403
    assert (await sse(token="lsi_wrong_one")).status == 403


async def ended(stream: Sse) -> dict[str, Any]:
    """Wait for the end; returns the error that says why."""
    event = await stream.event(timeout=5)
    assert event is not None
    assert event.type == "error"
    assert event.data["type"] == "error"
    assert await stream.event(timeout=5) is None
    assert stream.is_whole
    return event.data["error"]


async def test_revoked_expired_and_deleted(sse, invite, fetch, site):
    made = await invite("ann", roles="watch")
    stream = await sse(token=made["token"])
    await hello(stream)
    await fetch(f"api/groups/hikers/invites/{made['id']}", "DELETE")
    assert (await ended(stream))["code"] == "invite_revoked"
    short = await invite("bob", roles="watch", expires_in=1)
    stream = await sse(token=short["token"])
    await hello(stream)
    assert (await ended(stream))["code"] == "invite_expired"
    own = await sse()
    guest = await sse(token=(await invite("cleo", roles="watch"))["token"])
    await hello(own), await hello(guest)
    await fetch("api/groups/hikers", "DELETE")
    assert "deleted" in (await ended(own))["message"]
    assert "code" in await ended(guest)
    assert site.leases._holders == {} or not any(site.leases._holders.values())


async def test_how_many_may_be_open(sse, site, invite):
    token = (await invite("ann", roles="watch"))["token"]
    for _ in range(site.limits.invite_connections):
        await hello(await sse(token=token))
    refused = await sse(token=token)
    assert refused.status == 503
    assert "8 connections" in (await refused.json())["error"]["message"]
    site.responses._most = len(site.responses) + 1
    await hello(await sse())
    refused = await sse()
    assert refused.status == 503
    assert refused.headers["retry-after"]
    assert (await refused.json())["error"]["code"] == "too_many_connections"


async def test_the_server_ends_every_stream_when_it_stops(sse, site, invite):
    streams = [await sse(), await sse(token=(await invite("ann", roles="watch"))["token"])]
    for stream in streams:
        await hello(stream)
    await site.close()
    for stream in streams:
        assert "stopping" in (await ended(stream))["message"]
