"""What somebody tries who has an invite, or had one, and wants more than it gives."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

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
    asked, go_on = asyncio.Event(), asyncio.Event()
    check = site.credentials.check

    async def slow(*args: Any, **kwargs: Any) -> Any:  # as when the invites are read from a slow disk
        asked.set()
        await go_on.wait()
        return await check(*args, **kwargs)

    monkeypatch.setattr(site.credentials, "check", slow)
    client = await stomp(headers=dict(NOTHING), connect=False)
    client.write("CONNECT", {"accept-version": "1.2", "host": "x", "passcode": card["token"]})
    await asked.wait()
    await client.close()
    while site.sessions:
        await asyncio.sleep(0.01)
    go_on.set()
    await asyncio.sleep(0.05)
    assert site.leases.count(card["id"]) == 0
