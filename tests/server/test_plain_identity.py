"""Who a plain WebSocket is: what came with the upgrade, and what its first message says."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

FIXES = "api/groups/hikers/fixes"


def fix(number: int = 0, member: str = "ann") -> dict[str, Any]:
    return {"time": 1_763_806_275_123 + number * 1000, "lat": 37.5665, "lon": 126.978, "member": member}


def times(fixes: list[dict[str, Any]]) -> list[int]:
    return [(one["time"] - 1_763_806_275_123) // 1000 for one in fixes]


@pytest.fixture
async def page(jp_ws_fetch, jp_http_port, fetch, cookie):
    """Open a WebSocket as a page of Jupyter's does, by its cookie; returns how to talk on it."""
    headers = {**cookie[0], "Host": f"127.0.0.1:{jp_http_port}"}  # the cookie's name has the host in it
    await fetch("api/groups", "POST", {"title": "hikers"})
    sockets = []

    async def connect(**query: str) -> Any:
        socket = await jp_ws_fetch(
            "locshare", "api", "groups", "hikers", "ws", headers=dict(headers), params=query
        )
        sockets.append(socket)
        return socket

    yield connect
    for socket in sockets:
        stream = socket.protocol.stream
        socket.close()
        async with asyncio.timeout(10):
            while not stream.closed():
                await asyncio.sleep(0.001)


async def told(socket: Any) -> Any:
    async with asyncio.timeout(10):
        found = await socket.read_message()
    return None if found is None else json.loads(found)


async def show(socket: Any, token: str) -> Any:
    await socket.write_message(json.dumps({"token": token}))
    return await told(socket)


async def test_an_invite_that_is_shown_beats_the_cookie(page, invite, site):
    token = (await invite("ann"))["token"]
    socket = await page()
    assert (await told(socket))["type"] == "hello"
    (session,) = site.sessions
    assert session.principal.kind == "jupyter"
    assert (await show(socket, token))["type"] == "hello"
    assert session.principal.kind == "invite"
    assert site.leases.count(session.principal.id) == 1
    await socket.write_message(json.dumps(fix(member="bob")))
    answers = [await told(socket), await told(socket)]
    (stored,) = [one for one in answers if isinstance(one, dict)]
    ((seen,),) = [one for one in answers if isinstance(one, list)]
    assert stored["stored"] == 1
    assert seen["member"] == "ann"  # nobody speaks for another, whatever cookie came along


async def test_it_goes_on_where_it_was(page, invite, fetch, site):
    await fetch(FIXES, "POST", [fix(n) for n in range(3)])
    socket = await page(after="start")
    first = await told(socket)
    assert times(await told(socket)) == [0, 1, 2]
    again = await show(socket, (await invite("ann", roles="watch"))["token"])
    assert again["cursor"] > first["cursor"]
    assert again["gap"] is False
    await fetch(FIXES, "POST", fix(3))
    assert times(await told(socket)) == [3]
    assert site.groups.get("hikers").log.readers == 1


async def test_it_may_do_no_more_than_the_invite(page, invite, fetch):
    watcher = await page()
    await told(watcher)
    await show(watcher, (await invite("ann", roles="watch"))["token"])
    await watcher.write_message(json.dumps(fix()))
    assert (await told(watcher))["error"]["code"] == "role_missing"
    sender = await page()
    await told(sender)
    await show(sender, (await invite("bob", roles="publish"))["token"])
    await fetch(FIXES, "POST", fix(1))
    await sender.write_message(json.dumps(fix(2)))
    assert (await told(sender))["type"] == "stored"  # and it was shown nothing


async def test_an_invite_that_is_not_valid_ends_it(page, invite, fetch, site):
    made = await invite("ann")
    other = await invite("bob", group="runners")
    await fetch(f"api/groups/hikers/invites/{made['id']}", "DELETE")
    for token, code in (
        (made["token"], "invite_revoked"),
        (other["token"], "access_denied"),
        ("lsi_no_such", "credential_invalid"),
    ):
        socket = await page()
        await told(socket)
        answer = await show(socket, token)
        assert (answer["type"], answer["error"]["code"]) == ("error", code), answer
        assert await told(socket) is None
        assert socket.close_code == 1008
    assert not any(site.leases._holders.values())


async def test_only_the_first_message_shows_who_one_is(page, invite):
    socket = await page()
    await told(socket)
    await socket.write_message("[]")
    assert (await told(socket))["type"] == "stored"
    answer = await show(socket, (await invite("ann"))["token"])
    assert (answer["type"], answer["error"]["field"]) == ("error", "token")
    await socket.write_message("[]")
    assert (await told(socket))["type"] == "stored"
