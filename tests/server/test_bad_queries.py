"""What cannot be asked of a group: the same answer, whichever way it is asked."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from tornado.httpclient import HTTPClientError

TOO_MANY = ",".join(["a"] * 1001)
BAD = [
    ("after", "x", "invalid_cursor"),
    ("after", "abcd-01", "invalid_cursor"),
    ("after", "abcd--1", "invalid_cursor"),
    ("after", f"abcd-{1 << 63}", "invalid_cursor"),
    ("after", "START", "invalid_cursor"),
    ("batch", "0", "invalid_input"),
    ("batch", "60001", "invalid_input"),
    ("batch", "1.5", "invalid_input"),
    ("batch", "١", "invalid_input"),
    ("conflate", "yes", "invalid_input"),
    ("last", "2", "invalid_input"),
    ("members", "", "invalid_input"),
    ("members", ",", "invalid_input"),
    ("members", TOO_MANY, "invalid_input"),
]
PATHS = {"polling": "fixes", "long polling": "fixes?wait=30", "sse": "events"}


@pytest.fixture
async def ask(fetch, jp_ws_fetch, stomp):
    """Ask by every way; returns each one's error."""
    await fetch("api/groups", "POST", {"title": "hikers"})

    async def by_all(name: str, value: str) -> dict[str, dict[str, Any]]:
        found = {way: await by_http(path, name, value) for way, path in PATHS.items()}
        found["websocket"] = await by_websocket(name, value)
        found["stomp"] = await by_stomp(name, value)
        return found

    async def by_http(path: str, name: str, value: str) -> dict[str, Any]:
        path, _, more = path.partition("?")
        params = {name: value, **dict(pair.split("=") for pair in more.split("&") if pair)}
        answer = await fetch(f"api/groups/hikers/{path}?{urlencode(params)}")
        assert answer.code == 400, answer.body
        assert answer.headers["Content-Type"] == "application/json"
        return json.loads(answer.body)["error"]

    async def by_websocket(name: str, value: str) -> dict[str, Any]:
        with pytest.raises(HTTPClientError) as refused:
            await jp_ws_fetch("locshare", "api", "groups", "hikers", "ws", params={name: value})
        assert refused.value.code == 400
        return json.loads(refused.value.response.body)["error"]

    async def by_stomp(name: str, value: str) -> dict[str, Any]:
        client = await stomp()
        headers = {"id": "0", "destination": "/topic/group.hikers", name: value}
        answer = await client.ask("SUBSCRIBE", headers)
        assert answer.command == "ERROR"
        return json.loads(answer.body)["error"]

    return by_all


@pytest.mark.parametrize(
    ("name", "value", "code"), BAD, ids=[f"{name}={value[:12]}" for name, value, _ in BAD]
)
async def test_all_say_the_same(ask, name, value, code):
    found = await ask(name, value)
    assert len(found) == 5
    first = found["polling"]
    assert all(error == first for error in found.values()), found
    assert first["field"] == name
    assert len(first["message"]) < 200
    assert first["code"] == code


async def test_a_header_that_is_no_cursor_is_named(fetch):
    await fetch("api/groups", "POST", {"title": "hikers"})
    answer = await fetch("api/groups/hikers/events?after=now", headers={"Last-Event-ID": "x"})
    error = json.loads(answer.body)["error"]
    assert (answer.code, error["code"], error["field"]) == (400, "invalid_cursor", "last-event-id")


async def test_an_unknown_parameter_has_a_near_name(fetch, jp_ws_fetch):
    await fetch("api/groups", "POST", {"title": "hikers"})
    for path in ("fixes", "fixes?wait=30", "events"):
        query = "&" if "?" in path else "?"
        answer = await fetch(f"api/groups/hikers/{path}{query}conflat=1")
        error = json.loads(answer.body)["error"]
        assert (answer.code, error["code"], error["field"]) == (400, "unknown_parameter", "conflat")
        assert "conflate" in error["message"]
    with pytest.raises(HTTPClientError) as refused:
        await jp_ws_fetch("locshare", "api", "groups", "hikers", "ws", params={"conflat": "1"})
    assert json.loads(refused.value.response.body)["error"]["field"] == "conflat"
