"""What somebody tries who has an invite, or had one, and wants more than it gives."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from locshare_ext.model.store import StoreFailure
from tests.support.stomp import frame_bytes

NOTHING = {"Authorization": ""}


def fix(**fields: Any) -> dict[str, Any]:
    return {"time": time.time_ns() // 1_000_000, "lat": 37.5665, "lon": 126.978, **fields}


def said(response: Any, status: int = 200) -> Any:
    assert response.code == status, response.body
    return json.loads(response.body)


def error(response: Any, status: int) -> dict[str, Any]:
    return said(response, status)["error"]


def by(card: dict[str, Any]) -> dict[str, str]:
    return {"X-Locshare-Token": card["token"]}


# -- a request that began while the invite lived


class Slow:
    """A POST whose body is held back until `finish`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rest: bytes) -> None:
        self._reader = reader
        self._writer = writer
        self._rest = rest

    async def finish(self) -> tuple[int, Any]:
        self._writer.write(self._rest)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        body = json.loads(await self._reader.readexactly(length))
        self._writer.close()
        return int(head.split()[1]), body


@pytest.fixture
async def slow_post(jp_http_port: int, jp_base_url: str, site: Any) -> AsyncIterator[Callable[..., Any]]:
    writers: list[asyncio.StreamWriter] = []

    async def begin(path: str, card: dict[str, Any], body: Any) -> Slow:
        data = json.dumps(body).encode()
        checked = asyncio.Event()
        check = site.credentials.check

        async def noted(*args: Any, **kwargs: Any) -> Any:
            try:
                return await check(*args, **kwargs)
            finally:
                checked.set()

        site.credentials.check = noted
        reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port, family=socket.AF_INET)
        writers.append(writer)
        head = (
            f"POST {jp_base_url}locshare/{path} HTTP/1.1\r\nHost: localhost:{jp_http_port}\r\n"
            f"X-Locshare-Token: {card['token']}\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        writer.write(head.encode() + data[:3])
        await checked.wait()
        site.credentials.check = check
        return Slow(reader, writer, data[3:])

    yield begin
    for writer in writers:
        writer.close()


async def test_a_body_that_comes_after_the_end_is_refused(fetch, invite, slow_post):
    card = await invite("ann")
    request = await slow_post("api/groups/hikers/fixes", card, fix())
    said(await fetch(f"api/groups/hikers/invites/{card['id']}", "DELETE"))
    status, answer = await request.finish()
    assert (status, answer["error"]["code"]) == (410, "invite_revoked")
    assert said(await fetch("api/groups/hikers"))["counts"] == {}


async def test_a_body_that_comes_late_makes_no_deleted_group_again(fetch, invite, slow_post):
    card = await invite("ann")
    request = await slow_post("api/groups/hikers/fixes", card, fix())
    said(await fetch("api/groups/hikers", "DELETE"))
    status, _ = await request.finish()
    assert status == 410
    assert said(await fetch("api/groups"))["groups"] == []


async def test_a_body_that_comes_late_counts_for_the_new_name(fetch, invite, slow_post):
    card = await invite("ann")
    said(await fetch("api/groups/hikers/fixes", "POST", fix(), headers=by(card)))
    request = await slow_post("api/groups/hikers/fixes", card, fix(lat=1))
    said(await fetch("api/groups/hikers/members/ann", "PATCH", {"name": "anna"}))
    assert (await request.finish())[0] == 200
    assert said(await fetch("api/groups/hikers"))["counts"] == {"anna": 2}


async def test_who_is_renamed_between_upgrade_and_connect_has_the_new_name(fetch, stomp, invite):
    card = await invite("ann")
    said(await fetch("api/groups/hikers/fixes", "POST", fix(), headers=by(card)))
    client = await stomp(headers={**NOTHING, **by(card)}, connect=False)
    said(await fetch("api/groups/hikers/members/ann", "PATCH", {"name": "anna"}))
    client.write("CONNECT", {"accept-version": "1.2", "host": "x"})
    assert (await client.frame()).command == "CONNECTED"
    answer = await client.ask("SEND", {"destination": "/topic/group.hikers"}, fix(lat=1))
    assert answer.command == "RECEIPT"
    assert said(await fetch("api/groups/hikers"))["counts"] == {"anna": 2}


# -- connections


async def test_who_has_left_before_its_credential_was_read_takes_no_place(stomp, invite, site, monkeypatch):
    card = await invite("ann")
    asked, go_on, checked = asyncio.Event(), asyncio.Event(), asyncio.Event()
    check = site.credentials.check

    async def slow(*args: Any, **kwargs: Any) -> Any:  # as when the invites are read from a slow disk
        asked.set()
        await go_on.wait()
        try:
            return await check(*args, **kwargs)
        finally:
            checked.set()  # who waits goes on after what is done with the answer

    monkeypatch.setattr(site.credentials, "check", slow)
    client = await stomp(headers=dict(NOTHING), connect=False)
    client.write("CONNECT", {"accept-version": "1.2", "host": "x", "passcode": card["token"]})
    await asked.wait()
    await client.close()
    while site.sessions:
        await asyncio.sleep(0.01)
    go_on.set()
    await checked.wait()
    assert site.leases.count(card["id"]) == 0


# -- what it tells of others


async def test_nothing_is_told_of_another_groups_recordings(fetch, invite):
    for group in ("hikers", "others"):
        said(await fetch(f"api/groups/{group}/fixes", "POST", fix(member="zed")))
    foreign = said(await fetch("api/recordings", "POST", {"group": "others", "name": "x"}), 201)["id"]
    own = said(await fetch("api/recordings", "POST", {"group": "hikers", "name": "x"}), 201)["id"]
    headers = by(await invite("ann", roles="watch"))
    shapes = []
    for name in (foreign, foreign[:-1], "r000000000"):
        shape = error(await fetch(f"api/groups/hikers/trails?recording={name}", headers=headers), 404)
        assert foreign not in json.dumps(shape).replace(repr(name), "")
        shapes.append((shape["code"], shape["message"].replace(name, "")))
    assert len(set(shapes)) == 1
    assert (await fetch(f"api/groups/hikers/trails?recording={own}", headers=headers)).code == 200


async def test_health_tells_an_invite_nothing_of_the_server(fetch, invite, store_path, site, monkeypatch):
    said(await fetch("api/groups/others/fixes", "POST", fix(member="zed")))
    headers = by(await invite("ann"))
    told = said(await fetch("api/health", headers=headers))
    assert (told["groups"], told["connections"]) == (None, None)
    monkeypatch.setattr(type(site.store), "failure", StoreFailure(f"store {store_path} cannot be opened", 1))
    told = said(await fetch("api/health", headers=headers))
    assert told["store"]["works"] is False
    assert str(store_path) not in json.dumps(told)
    assert str(store_path) in json.dumps(said(await fetch("api/health")))


# -- where credentials belong, and lead to


@pytest.mark.parametrize("space", ["\t", "  ", " \t "])
async def test_no_white_space_brings_an_invite_before_jupyter(fetch, invite, space):
    card = await invite("ann")
    value = f"token{space}{card['token']}"
    assert (
        error(await fetch("api/me", headers={"Authorization": value}), 401)["code"] == "credential_misplaced"
    )
    value = f"Bearer{space}{card['token']}"
    assert said(await fetch("api/me", headers={"Authorization": value}))["member"] == "ann"


@pytest.mark.parametrize("jp_base_url", ["/user/locshare/", "/locshare/api/"])
async def test_links_begin_where_the_server_does(fetch, invite, jp_base_url):
    card = await invite("ann", group="locshare")
    assert card["links"]["attach"] == f"{jp_base_url}locshare/#t={card['token']}&g=locshare"


# -- connections that are busy when their invite ends


async def connected(stomp: Any, card: dict[str, Any]) -> Any:
    return await stomp(headers=dict(NOTHING), connect={"passcode": card["token"]})


async def test_what_a_transaction_held_is_dropped_with_its_invite(fetch, stomp, invite):
    card = await invite("ann")
    client = await connected(stomp, card)
    assert (await client.ask("BEGIN", {"transaction": "t"})).command == "RECEIPT"
    held = {"destination": "/topic/group.hikers", "transaction": "t"}
    assert (await client.ask("SEND", held, fix())).command == "RECEIPT"
    said(await fetch(f"api/groups/hikers/invites/{card['id']}", "DELETE"))
    frame = await client.frame(timeout=2)
    assert (frame.command, json.loads(frame.body)["error"]["code"]) == ("ERROR", "invite_revoked")
    assert await client.frame(timeout=2) is None
    assert client.socket.close_code == 1008
    assert said(await fetch("api/groups/hikers"))["counts"] == {}


async def test_an_invite_that_ends_between_connect_and_connected(fetch, stomp, invite, site, monkeypatch):
    card = await invite("ann")
    checked, go_on = asyncio.Event(), asyncio.Event()
    check = site.credentials.check

    async def slow(token: str, *args: Any, **kwargs: Any) -> Any:
        found = await check(token, *args, **kwargs)
        if token == card["token"]:
            checked.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(site.credentials, "check", slow)
    client = await stomp(headers=dict(NOTHING), connect=False)
    client.write("CONNECT", {"accept-version": "1.2", "host": "x", "passcode": card["token"]})
    await checked.wait()
    said(await fetch(f"api/groups/hikers/invites/{card['id']}", "DELETE"))
    go_on.set()
    frame = await client.frame(timeout=2)
    assert (frame.command, json.loads(frame.body)["error"]["code"]) == ("ERROR", "invite_revoked")
    assert site.leases.count(card["id"]) == 0


async def test_who_reads_nothing_gets_nothing_more(fetch, invite, site, jp_http_port, jp_base_url):
    card = await invite("ann", roles="watch")
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(wire, ("127.0.0.1", jp_http_port))
    head = (
        f"GET {jp_base_url}locshare/stomp HTTP/1.1\r\nHost: localhost:{jp_http_port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    )
    await loop.sock_sendall(wire, head.encode())
    assert b"101" in await loop.sock_recv(wire, 4096)
    for command, headers in (
        ("CONNECT", {"accept-version": "1.2", "host": "x", "passcode": card["token"]}),
        ("SUBSCRIBE", {"destination": "/topic/group.hikers", "id": "0"}),
    ):
        await loop.sock_sendall(wire, masked(frame_bytes(command, headers)))
    while not (group := site.groups.get("hikers")) or not group.log.readers:
        await asyncio.sleep(0.01)
    start = 1_763_806_275_123
    for number in range(20):
        fixes = [fix(member="bob", time=start + 1000 * number + one) for one in range(1000)]
        said(await fetch("api/groups/hikers/fixes", "POST", fixes))
    [session] = site.sessions
    assert session._wire.unsent > 0
    said(await fetch(f"api/groups/hikers/invites/{card['id']}", "DELETE"))
    assert not group.log.readers
    said(await fetch("api/groups/hikers/fixes", "POST", fix(member="zed")))
    async with asyncio.timeout(10):
        received = b""
        while data := await loop.sock_recv(wire, 1 << 20):
            received += data
    wire.close()
    assert b"bob" in received
    assert b"zed" not in received
    assert b"invite_revoked" in received


def masked(data: bytes) -> bytes:
    """Return a binary WebSocket message of a client, its mask zero."""
    return b"\x82" + bytes([0x80 | 126]) + len(data).to_bytes(2, "big") + b"\0\0\0\0" + data
