"""Long polling: a request for fixes that waits until there are some."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from locshare_ext.broker.access import Principal
from locshare_ext.errors import StoreError

TIME = 1_763_806_275_123
FIXES = "api/groups/hikers/fixes"


def fix(number: int = 0, member: str = "ann", **fields: Any) -> dict[str, Any]:
    return {"time": TIME + number * 1000, "lat": 37.5665, "lon": 126.978, "member": member, **fields}


def numbers(page: dict[str, Any]) -> list[int]:
    return [(one["time"] - TIME) // 1000 for one in page["fixes"]]


@pytest.fixture
async def poll(fetch, site):
    """Begin a poll; returns when it waits at the server, or has been answered."""
    await fetch("api/groups", "POST", {"title": "hikers"})

    async def begin(query: str = "?after=now&wait=30", token: str | None = None) -> asyncio.Task[Any]:
        headers = {} if token is None else {"Authorization": "", "X-Locshare-Token": token}
        before = len(site.responses)
        task = asyncio.ensure_future(fetch(f"{FIXES}{query}", headers=headers, request_timeout=60))
        async with asyncio.timeout(10):
            while len(site.responses) == before and not task.done():
                await asyncio.sleep(0.001)
        return task

    return begin


async def page(task: asyncio.Task[Any]) -> dict[str, Any]:
    async with asyncio.timeout(10):
        answer = await task
    assert answer.code == 200, answer.body
    return json.loads(answer.body)


async def test_it_answers_at_once_when_something_is_there(poll, fetch):
    await fetch(FIXES, "POST", [fix(0), fix(1)])
    found = await page(await poll("?wait=30"))
    assert numbers(found) == [0, 1]
    assert found["cursor"] == found["fixes"][1]["cursor"]


async def test_it_answers_when_something_comes(poll, fetch, site):
    await fetch(FIXES, "POST", fix())
    waiting = await poll()
    stored = json.loads((await fetch(FIXES, "POST", fix(1))).body)
    found = await page(waiting)
    assert numbers(found) == [1]
    assert found["cursor"] == stored["cursor"]
    assert found["gap"] is False
    assert len(site.responses) == site.groups.get("hikers").log.readers == 0


async def test_it_answers_empty_at_the_end(poll, fetch):
    stored = json.loads((await fetch(FIXES, "POST", fix())).body)
    begun = time.monotonic()
    answer = await (await poll("?after=now&wait=0.3"))
    assert time.monotonic() - begun >= 0.3
    assert json.loads(answer.body) == {"fixes": [], "cursor": stored["cursor"], "gap": False}
    assert "Etag" not in answer.headers


async def test_it_waits_for_the_members_that_are_asked_for(poll, fetch):
    waiting = await poll("?after=now&wait=30&members=bob")
    await fetch(FIXES, "POST", [fix(1), fix(2)])
    await fetch("api/groups/hikers/notes", "POST", {"text": "lunch"})
    assert not waiting.done()
    await fetch(FIXES, "POST", fix(3, "BOB"))
    assert numbers(await page(waiting)) == [3]
    short = json.loads((await (await poll("?after=now&wait=0.2&members=zoe"))).body)
    head = json.loads((await fetch(f"{FIXES}?after=now")).body)["cursor"]
    assert short["cursor"] == head  # also past what was not asked for


async def test_a_lost_place_is_said_at_once(poll):
    found = await page(await poll("?after=zzzz-7&wait=30"))
    assert found["gap"] is True


async def test_polls_that_wait_together_get_one_answer(poll, fetch):
    waiting = [await poll() for _ in range(8)]
    await fetch(FIXES, "POST", fix(1))
    pages = [await page(task) for task in waiting]
    assert all(found == pages[0] for found in pages)
    assert numbers(pages[0]) == [1]


async def test_resuming_leaves_no_hole_and_no_duplicate(poll, fetch, site):
    host = Principal("host", "host")

    async def publish() -> None:
        for n in range(0, 300, 3):
            body = json.dumps([fix(k) for k in range(n, n + 3)]).encode()
            await site.groups.publish(host, "hikers", body)
            await asyncio.sleep(0.002)

    task = asyncio.ensure_future(publish())
    seen: list[int] = []
    cursor = "start"
    while len(seen) < 300:
        found = json.loads((await fetch(f"{FIXES}?after={cursor}&wait=10&limit=7")).body)
        assert found["gap"] is False
        seen += numbers(found)
        cursor = found["cursor"]
    await task
    assert seen == list(range(300))


async def test_fixes_that_cannot_be_stored(poll, fetch, site, monkeypatch):
    await fetch(FIXES, "POST", fix())
    waiting = await poll()
    with monkeypatch.context() as patch:

        def fail(*args: Any, **kwargs: Any) -> Any:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(StoreError("the disk is full"))
            return future

        patch.setattr(site.store, "append_all", fail)
        assert (await fetch(FIXES, "POST", fix(1))).code == 503
    found = await page(waiting)
    assert found["fixes"][0]["flags"] == ["volatile"]
    assert "cursor" not in found["fixes"][0]
    assert found["cursor"].endswith("-1")


async def test_a_client_that_leaves_is_forgotten(jp_serverapp, jp_base_url, http_server_client, fetch, site):
    await fetch("api/groups", "POST", {"title": "hikers"})
    port = http_server_client.get_http_port()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    token = jp_serverapp.identity_provider.token
    writer.write(
        f"GET {jp_base_url}locshare/{FIXES}?wait=30 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: token {token}\r\n\r\n".encode()
    )
    async with asyncio.timeout(10):
        while not len(site.responses):
            await asyncio.sleep(0.001)
        writer.close()
        while len(site.responses) or site.groups.get("hikers").log.readers:
            await asyncio.sleep(0.001)


async def test_one_connection_serves_many_polls(jp_serverapp, jp_base_url, http_server_client, fetch, site):
    await fetch("api/groups", "POST", {"title": "hikers"})
    port = http_server_client.get_http_port()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    token = jp_serverapp.identity_provider.token
    for n in range(3):
        writer.write(
            f"GET {jp_base_url}locshare/{FIXES}?after=now&wait=30 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: token {token}\r\n\r\n".encode()
        )
        async with asyncio.timeout(10):
            while not len(site.responses):
                await asyncio.sleep(0.001)
            await fetch(FIXES, "POST", fix(n))
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            size = int(head.partition("content-length: ")[2].partition("\r\n")[0])
            assert numbers(json.loads(await reader.readexactly(size))) == [n]
    writer.close()
    await writer.wait_closed()


# -- access, limits, ends


async def error(task: asyncio.Task[Any], status: int) -> dict[str, Any]:
    async with asyncio.timeout(5):
        answer = await task
    assert answer.code == status, answer.body
    return json.loads(answer.body)["error"]


async def test_revoked_expired_and_deleted(poll, invite, fetch, site):
    made = await invite("ann", roles="watch")
    waiting = await poll(token=made["token"])
    await fetch(f"api/groups/hikers/invites/{made['id']}", "DELETE")
    assert (await error(waiting, 410))["code"] == "invite_revoked"
    short = await invite("bob", roles="watch", expires_in=1)
    assert (await error(await poll(token=short["token"]), 410))["code"] == "invite_expired"
    zoe = await invite("zoe", roles="watch")
    waiting, own = await poll(token=zoe["token"]), await poll()
    await fetch("api/groups/hikers", "DELETE")
    refused = await error(own, 503)
    assert (refused["code"], "deleted" in refused["message"]) == ("stream_closed", True)
    assert (await error(waiting, 410))[
        "code"
    ] == "invite_revoked"  # as on streams, not that it may come again
    assert len(site.responses) == 0


async def test_how_many_may_be_open(poll, invite, site):
    token = (await invite("ann", roles="watch"))["token"]
    tasks = [await poll(token=token) for _ in range(site.limits.invite_connections)]
    assert "8 connections" in (await error(await poll(token=token), 503))["message"]
    site.responses._most = len(site.responses) + 1
    tasks.append(await poll())
    refused = await (await poll())
    assert refused.code == 503
    assert refused.headers["Retry-After"]
    assert json.loads(refused.body)["error"]["code"] == "too_many_connections"
    site.responses.stop("the test is over")
    assert {(await task).code for task in tasks} == {503}
    assert not any(site.leases._holders.values())


async def test_the_server_ends_every_poll_when_it_stops(poll, site):
    waiting = [await poll() for _ in range(3)]
    await site.close()
    for task in waiting:
        assert "stopping" in (await error(task, 503))["message"]
