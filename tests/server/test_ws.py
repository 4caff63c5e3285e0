"""The plain WebSocket of a group: JSON both ways."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from locshare_ext.broker.access import Principal

TIME = 1_763_806_275_123
FIXES = "api/groups/hikers/fixes"


def fix(number: int = 0, member: str = "ann", **fields: Any) -> dict[str, Any]:
    return {"time": TIME + number * 1000, "lat": 37.5665, "lon": 126.978, "member": member, **fields}


def numbers(fixes: list[dict[str, Any]]) -> list[int]:
    return [(one["time"] - TIME) // 1000 for one in fixes]


class Plain:
    """A client: messages as values."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.stream = socket.protocol.stream

    async def send(self, value: Any, *, binary: bool = False) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        await self.socket.write_message(data if binary else data.decode(), binary=binary)

    async def next(self, timeout: float = 10) -> Any:
        async with asyncio.timeout(timeout):
            found = await self.socket.read_message()
        return None if found is None else json.loads(found)

    async def said(self, kind: str) -> dict[str, Any]:
        """The next object of a kind; arrays before it are left out."""
        while isinstance(found := await self.next(), list):
            pass
        assert found is not None
        assert found["type"] == kind, found
        return found

    async def fixes(self, count: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) < count:
            value = await self.next()
            if isinstance(value, list):
                found += value
        return found

    async def ended(self, code: int) -> dict[str, Any]:
        """Wait for the error that ends it, and the close code."""
        error = (await self.said("error"))["error"]
        assert await self.next(5) is None
        assert self.socket.close_code == code
        return error


@pytest.fixture
async def plain(jp_ws_fetch, fetch):
    """Open WebSockets to a group that exists; with a token it is the first message."""
    await fetch("api/groups", "POST", {"title": "hikers"})
    clients: list[Plain] = []

    async def connect(token: str | None = None, group: str = "hikers", **query: str) -> Plain:
        headers = {} if token is None else {"Authorization": ""}
        client = Plain(
            await jp_ws_fetch("locshare", "api", "groups", group, "ws", headers=headers, params=query)
        )
        clients.append(client)
        if token:
            await client.send({"token": token})
        return client

    yield connect
    for client in clients:
        client.socket.close()
        async with asyncio.timeout(10):
            while not client.stream.closed():
                await asyncio.sleep(0.001)


async def test_hello_then_fixes_and_events_as_they_come(plain, fetch):
    stored = json.loads((await fetch(FIXES, "POST", fix())).body)
    client = await plain()
    assert await client.next() == {
        "type": "hello",
        "cursor": stored["cursor"],
        "gap": False,
        "protocol": "1",
    }
    await fetch(FIXES, "POST", [fix(1), fix(2, "bob")])
    assert numbers(await client.next()) == [1, 2]
    await fetch("api/groups/hikers/notes", "POST", {"text": "lunch"})
    assert (await client.said("event"))["text"] == "lunch"


@pytest.mark.parametrize("binary", [False, True])
async def test_fixes_that_are_sent_are_stored_and_answered(plain, binary):
    client = await plain()
    await client.said("hello")
    await client.send(fix(1), binary=binary)
    await client.send([fix(2), fix(2), fix(3, lat=99)], binary=binary)
    await client.send(fix(4, latitude=3), binary=binary)
    await client.send(b"{", binary=binary)
    await client.send([], binary=binary)
    first = await client.said("stored")
    assert (first["stored"], first["duplicates"], first["set_aside"]) == (1, 0, [])
    second = await client.said("stored")
    assert (second["stored"], second["duplicates"], second["set_aside"][0]["index"]) == (1, 1, 2)
    assert (await client.said("error"))["error"]["field"] == "latitude"
    assert (await client.said("error"))["error"]["code"] == "invalid_json"
    assert (await client.said("stored"))["stored"] == 0
    other = await plain(after="start")
    assert numbers(await other.fixes(2)) == [1, 2]


async def test_a_message_in_pieces_is_one_message(plain):
    client = await plain()
    await client.said("hello")
    body = json.dumps([fix(n, extra={"text": "é" * 300}) for n in range(500)], ensure_ascii=False).encode()
    assert len(body) > 300_000
    await client.send(body)
    assert (await client.said("stored"))["stored"] == 500
    stream = client.stream
    for first, piece in ((1, b'{"time":%d,"lat":1,' % TIME), (0, b""), (0x80, b'"lon":2}')):
        await stream.write(bytes((first, 0x80 | len(piece))) + bytes(4) + piece)
    assert (await client.said("stored"))["stored"] == 1


async def test_filters(plain, fetch):
    await fetch(FIXES, "POST", [fix(n, "ann" if n % 2 else "bob") for n in range(10)])
    one = await plain(after="start", members="ANN")
    assert numbers(await one.fixes(5)) == [1, 3, 5, 7, 9]
    newest = await plain(after="start", conflate="1")
    assert numbers(await newest.fixes(2)) == [8, 9]
    last = await plain(last="1")
    assert numbers(await last.fixes(2)) == [8, 9]
    lost = await plain(after="zzzz-7")
    assert (await lost.next())["gap"] is True


async def test_large_arrays_come_in_parts(plain, fetch):
    for start in range(0, 2000, 500):
        await fetch(FIXES, "POST", [fix(n) for n in range(start, start + 500)])
    client = await plain(after="start")
    await client.said("hello")
    parts: list[str] = []
    seen: list[int] = []
    while len(seen) < 2000:
        parts.append(await client.socket.read_message())
        seen += numbers(json.loads(parts[-1]))
    assert seen == list(range(2000))
    assert max(map(len, parts)) < 65_536


@pytest.mark.parametrize(
    ("query", "field"),
    [({"after": "x"}, "after"), ({"batch": "0"}, "batch"), ({"mebers": "ann"}, "mebers")],
)
async def test_bad_queries_are_refused_before_the_upgrade(plain, query, field):
    with pytest.raises(HTTPClientError) as refused:
        await plain(**query)
    assert refused.value.code == 400
    assert json.loads(refused.value.response.body)["error"]["field"] == field


async def test_what_is_no_websocket(fetch):
    answer = await fetch("api/groups/hikers/ws")
    assert answer.code == 400
    assert json.loads(answer.body)["error"]["code"] == "websocket_expected"


async def test_resuming_leaves_no_hole_and_no_duplicate(plain, site):
    host = Principal("host", "host")

    async def publish() -> None:
        for n in range(0, 600, 3):
            body = json.dumps([fix(k) for k in range(n, n + 3)]).encode()
            await site.groups.publish(host, "hikers", body)
            if n % 30 == 0:
                await asyncio.sleep(0.001)

    task = asyncio.ensure_future(publish())
    seen: list[int] = []
    place, count = "start", 1
    while len(seen) < 600:
        client = await plain(after=place)
        assert (await client.said("hello"))["gap"] is False
        for _ in range(count):  # then it is cut
            fixes = await client.next()
            seen += numbers(fixes)
            place = fixes[-1]["cursor"]
            if len(seen) >= 600:
                break
        client.socket.close()
        count += 1
    await task
    assert seen == list(range(600))


async def test_a_client_that_leaves_is_forgotten_and_what_it_sent_is_kept(plain, site, fetch):
    client = await plain()
    await client.said("hello")
    log = site.groups.get("hikers").log
    assert (log.readers, len(site.sessions)) == (1, 1)
    for n in range(20):
        client.socket.write_message(json.dumps(fix(n)))
    client.socket.close()
    async with asyncio.timeout(10):
        while log.readers or site.sessions or log.head < 20:
            await asyncio.sleep(0.001)
    assert len(json.loads((await fetch(FIXES)).body)["fixes"]) == 20


async def test_a_reader_that_never_reads_holds_no_queue(plain, fetch, site):
    site.limits = dataclasses.replace(site.limits, stall=0.5)
    client = await plain()
    await client.said("hello")
    sock = client.stream.socket
    sock.setsockopt(1, 8, 4096)  # SO_RCVBUF
    client.stream.io_loop.remove_handler(sock)
    log = site.groups.get("hikers").log
    (session,) = site.sessions
    body = json.dumps([fix(n, extra={"text": "x" * 900}) for n in range(900)]).encode()
    most, sent = 0, 0
    async with asyncio.timeout(60):
        while site.sessions:
            sent += 1
            await fetch(FIXES, "POST", body.replace(b'"ann"', b'"m%d"' % sent))
            most = max(most, session._wire.unsent)
            await asyncio.sleep(0.02)
    assert most <= site.limits.unsent + 2 * site.limits.turn
    assert log.readers == 0
    client.stream.close()


# -- access, limits, ends


async def test_the_first_message_is_a_token(plain, invite):
    client = await plain((await invite("ann"))["token"])
    await client.said("hello")
    await client.send(fix(member="bob"))
    assert (await client.said("stored"))["stored"] == 1
    watcher = await plain((await invite("bob", roles="watch"))["token"], after="start")
    await watcher.said("hello")
    assert (await watcher.next())[0]["member"] == "ann"
    await watcher.send(fix())
    assert (await watcher.said("error"))["error"]["code"] == "role_missing"
    sender = await plain((await invite("cleo", roles="publish"))["token"])
    await sender.said("hello")
    await sender.send(fix(1))
    assert (await sender.next())["type"] == "stored"


@pytest.mark.parametrize("first", [b"[]", b'{"token": 7}', b'{"token": "x", "more": "y"}', b"\x00"])
async def test_a_first_message_that_is_no_token(plain, first):
    client = await plain("")
    await client.send(first)
    assert (await client.ended(1008))["code"] == "not_authenticated"


async def test_no_first_message(plain, site):
    site.limits = dataclasses.replace(site.limits, connect=0.1)
    assert (await (await plain("")).ended(1008))["code"] == "connect_timeout"


async def test_messages_that_are_too_large(plain, invite, site):
    unproved = await plain("")
    await unproved.send(b"x" * 9000)
    assert "8192 bytes" in (await unproved.ended(1009))["message"]
    guest = await plain((await invite("ann"))["token"])
    await guest.said("hello")
    await guest.send(b"[" + b" " * 270_000 + b"]")
    assert "262144 bytes" in (await guest.ended(1009))["message"]
    host = await plain()
    await host.said("hello")
    await host.send(b"[" + b" " * (1 << 20) + b"]")
    assert "1048576 bytes" in (await host.ended(1009))["message"]


async def test_an_invite_over_its_rate_waits_and_loses_nothing(plain, invite, site):
    site.groups.rates.rate, site.groups.rates.burst = 50.0, 5
    client = await plain((await invite("ann"))["token"])
    await client.said("hello")
    begun = asyncio.get_running_loop().time()
    for n in range(30):
        await client.send(fix(n))
    for _ in range(30):
        assert (await client.said("stored"))["stored"] == 1
    assert asyncio.get_running_loop().time() - begun > 0.3


async def test_revoked_expired_and_deleted(plain, invite, fetch, site):
    made = await invite("ann")
    client = await plain(made["token"])
    await client.said("hello")
    await fetch(f"api/groups/hikers/invites/{made['id']}", "DELETE")
    assert (await client.ended(1008))["code"] == "invite_revoked"
    client = await plain((await invite("bob", expires_in=1))["token"])
    await client.said("hello")
    assert (await client.ended(1008))["code"] == "invite_expired"
    client = await plain()
    await client.said("hello")
    await fetch("api/groups/hikers", "DELETE")
    assert "deleted" in (await client.ended(1001))["message"]
    assert not any(site.leases._holders.values())


async def test_how_many_an_invite_may_open(plain, invite, site):
    token = (await invite("ann"))["token"]
    for _ in range(site.limits.invite_connections):
        await (await plain(token)).said("hello")
    assert "8 connections" in (await (await plain(token)).ended(1013))["message"]


async def test_the_server_ends_every_session_when_it_stops(plain, site):
    client = await plain()
    await client.said("hello")
    await site.close()
    assert "stopping" in (await client.ended(1001))["message"]
