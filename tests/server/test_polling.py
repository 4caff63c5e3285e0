"""Polling as HTTP knows it: entity tags, kept connections, HEAD; and the filters that streams have."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

TIME = 1_763_806_275_123
FIXES = "api/groups/hikers/fixes"


def fix(number: int = 0, member: str = "ann", **fields: Any) -> dict[str, Any]:
    return {"time": TIME + number * 1000, "lat": 37.5665, "lon": 126.978, "member": member, **fields}


def numbers(page: dict[str, Any]) -> list[int]:
    return [(one["time"] - TIME) // 1000 for one in page["fixes"]]


@pytest.fixture
async def poll(fetch):
    """Poll a group with ten fixes, of bob (even numbers) and ann."""
    await fetch("api/groups", "POST", {"title": "hikers"})
    await fetch(FIXES, "POST", [fix(n, "ann" if n % 2 else "bob") for n in range(10)])

    async def ask(query: str = "") -> dict[str, Any]:
        answer = await fetch(FIXES + query)
        assert answer.code == 200, answer.body
        return json.loads(answer.body)

    return ask


# -- HTTP


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_has_not_changed_is_not_sent_again(poll, fetch, method):
    answer = await fetch(FIXES, method)
    tag = answer.headers["ETag"]
    assert tag.startswith('"')  # a strong one: the bytes are the same
    assert answer.headers["Cache-Control"] == "no-store"  # places of people are kept in no cache
    for sent in (tag, f"W/{tag}", f'"x", W/"y",{tag}', "*"):
        same = await fetch(FIXES, method, headers={"If-None-Match": sent})
        assert (same.code, same.body) == (304, b""), sent
        assert same.headers["ETag"] == tag
        assert same.headers["Cache-Control"] == "no-store"
        assert "Content-Type" not in same.headers
    for sent in ('"x"', tag[:-2] + '"', "nonsense"):
        assert (await fetch(FIXES, method, headers={"If-None-Match": sent})).code == 200
    await fetch(FIXES, "POST", fix(20))
    changed = await fetch(FIXES, method, headers={"If-None-Match": tag})
    assert changed.code == 200
    assert changed.headers["ETag"] != tag


async def test_a_tag_belongs_to_its_question(poll, fetch):
    tags = {
        (await fetch(FIXES + query)).headers["ETag"]
        for query in ("", "?limit=3", "?members=bob", "?after=now", "?last=1", "?conflate=1&limit=1")
    }
    assert len(tags) == 6
    same = (await fetch(FIXES + "?after=start&_=12345")).headers["ETag"]  # `_` is against caches only
    assert same in tags


async def test_head_says_what_get_would(poll, fetch):
    told, empty = await fetch(FIXES), await fetch(FIXES, "HEAD")
    assert empty.body == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Cache-Control"):
        assert told.headers[name] == empty.headers[name]
    waiting = await fetch(FIXES + "?after=now&wait=30", "HEAD")  # and does not wait
    assert waiting.code == 200


@pytest.mark.parametrize(
    ("version", "header", "is_kept", "says"),
    [
        ("1.1", "", True, ""),
        ("1.1", "Connection: close\r\n", False, "close"),
        ("1.0", "", False, ""),
        ("1.0", "Connection: keep-alive\r\n", True, "keep-alive"),
    ],
)
async def test_a_connection_is_kept_as_asked_for(
    poll, jp_serverapp, http_server_client, jp_base_url, version, header, is_kept, says
):
    port = http_server_client.get_http_port()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = (
        f"GET {jp_base_url}locshare/{FIXES} HTTP/{version}\r\nHost: 127.0.0.1:{port}\r\n{header}"
        f"Authorization: token {jp_serverapp.identity_provider.token}\r\n"
    )
    tag = ""
    for _ in range(3 if is_kept else 1):
        writer.write(f"{request}If-None-Match: {tag}\r\n\r\n".encode())
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode()
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        assert int(head.split(" ")[1]) == (304 if tag else 200)
        if not tag:
            assert len(json.loads(await reader.readexactly(int(fields["content-length"])))["fixes"]) == 10
            tag = fields["etag"]
        assert fields.get("connection", "") == says
    if not is_kept:
        assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()
    await writer.wait_closed()


# -- filters


async def test_members(poll):
    assert numbers(await poll("?members=BOB")) == [0, 2, 4, 6, 8]
    only = await poll('?members=["ann"]&limit=2')
    assert numbers(only) == [1, 3]
    rest = await poll(f"?members=ann&after={only['cursor']}")
    assert numbers(rest) == [5, 7, 9]
    nobody = await poll("?members=zoe")
    assert nobody["fixes"] == []
    assert nobody["cursor"] == rest["cursor"]  # what is of others has been passed


async def test_conflate_gives_the_newest_of_each_member(poll, fetch):
    assert numbers(await poll("?conflate=1")) == [8, 9]
    assert numbers(await poll("?conflate=1&members=ann")) == [9]
    first = await poll("?conflate=1&limit=1")  # of members
    assert numbers(first) == [0]
    assert numbers(await poll(f"?conflate=1&after={first['cursor']}")) == [8, 9]
    await fetch(FIXES, "POST", [fix(5, "bob", lat=1), fix(30)])  # an old one comes late
    assert numbers(await poll("?conflate=1")) == [8, 30]


async def test_last_begins_with_where_everybody_is(poll, fetch):
    """Without a place it begins at now: from the start everything would come anyway."""
    head = (await poll("?after=now"))["cursor"]
    for query in ("?last=1", "?last=1&after=now"):
        found = await poll(query)
        assert numbers(found) == [8, 9]
        assert found["cursor"] == head
    assert numbers(await poll("?last=1&members=bob")) == [8]
    assert numbers(await poll(f"?last=1&after={head}")) == []  # ignored where a place is resumed
    assert numbers(await poll("?last=1&after=start&limit=3")) == [0, 1, 2]
    lost = await poll("?last=1&after=zzzz-7")
    assert lost["gap"] is True
    assert numbers(await poll("?last=1&wait=30")) == [8, 9]  # it is there: no wait


async def test_a_long_poll_with_batch_is_answered_once_in_so_many_ms(poll, fetch, site):
    loop = asyncio.get_running_loop()
    begun = loop.time()
    first = await poll("?wait=30&batch=5000&limit=3")  # who begins is answered at once
    assert loop.time() - begun < 4
    assert numbers(first) == [0, 1, 2]
    begun = loop.time()
    waiting = asyncio.ensure_future(poll(f"?wait=30&batch=600&after={(await poll('?after=now'))['cursor']}"))
    async with asyncio.timeout(10):
        while not site.responses:
            await asyncio.sleep(0.001)
    for n in range(20, 23):
        await fetch(FIXES, "POST", fix(n))
    assert numbers(await waiting) == [20, 21, 22]
    assert loop.time() - begun >= 0.6


async def test_a_batch_is_not_over_the_end_of_waiting(poll, site):
    cursor = (await poll("?after=now"))["cursor"]
    found = await poll(f"?wait=0.2&batch=60000&after={cursor}")
    assert found == {"fixes": [], "cursor": cursor, "gap": False}
    waiting = asyncio.ensure_future(poll(f"?wait=30&batch=30000&after={cursor}"))
    async with asyncio.timeout(10):
        while not site.responses:
            await asyncio.sleep(0.001)
    site.responses.stop("the test is over")
    with pytest.raises(AssertionError, match="the test is over"):
        await waiting


async def test_a_long_poll_with_conflate(poll, fetch, site):
    waiting = asyncio.ensure_future(poll("?after=now&wait=30&conflate=1"))
    async with asyncio.timeout(10):
        while not site.responses:
            await asyncio.sleep(0.001)
    await fetch(FIXES, "POST", [fix(20), fix(21), fix(22, "bob")])
    assert numbers(await waiting) == [21, 22]
