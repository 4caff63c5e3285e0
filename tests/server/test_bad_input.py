"""What cannot be used is refused in one way on every endpoint: it names the parameter, header or field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server.test_api import fix

GROUP = "api/groups/hikers"


def refusal(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.code == status, response.body
    assert response.headers["Content-Type"] == "application/json"
    found = json.loads(response.body)["error"]
    assert found["code"] == code, found
    return found


@pytest.fixture
async def raw(http_server_client: Any, jp_base_url: str, jp_auth_header: dict[str, str]) -> Any:
    """Fetch a path below locshare/ whose bytes are sent as they are."""

    async def ask(path: str, method: str = "GET", body: Any = None, **headers: str) -> Any:
        sent = {**jp_auth_header, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await http_server_client.fetch(
            f"{jp_base_url}locshare/{path}", method=method, body=body, headers=sent, raise_error=False
        )

    return ask


async def test_a_parameter_that_came_twice(raw, fetch):
    await fetch(f"{GROUP}/fixes", "POST", fix())
    found = refusal(await raw(f"{GROUP}/fixes?limit=1&limit=2"), 400, "duplicate_parameter")
    assert (found["field"], found["message"]) == ("limit", "parameter `limit` came 2 times, expected once")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{GROUP}/fixes?after=%ff", "after"),
        (f"{GROUP}%c3/fixes", "path"),
        (f"{GROUP}/events?format=%ff", "format"),
    ],
)
async def test_bytes_that_are_no_text(raw, path, field):
    assert refusal(await raw(path), 400, "invalid_encoding")["field"] == field


async def test_a_parameter_in_another_script_is_named_as_it_was_sent(raw):
    found = refusal(await raw("api/groups?%EA%B7%B8%EB%A3%B9=1"), 400, "unknown_parameter")
    assert found["field"] == "그룹"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("application/xml", "expected application/json"),
        ("multipart/form-data; boundary=x", "expected application/json"),
        ("application/json; charset=utf-16", "expected UTF-8"),
    ],
)
@pytest.mark.parametrize("path", ["api/groups", f"{GROUP}/fixes", f"{GROUP}/notes", "api/recordings"])
async def test_a_body_of_another_type(raw, path, kind, expected):
    found = refusal(await raw(path, "POST", b"{}", Content_Type=kind), 415, "unsupported_media")
    assert found["field"] == "content-type"
    assert expected in found["message"]


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        'Application/JSON; charset="UTF-8"',
        "text/plain;charset=us-ascii",
        "application/x-www-form-urlencoded",  # what curl -d says
    ],
)
async def test_json_by_the_names_that_it_goes_by(raw, kind):
    answer = await raw(f"{GROUP}/fixes", "POST", json.dumps(fix()).encode(), Content_Type=kind)
    assert answer.code == 200, answer.body


async def test_who_shows_no_credential_is_told_how(raw):
    answer = await raw("api/groups", Authorization="")
    refusal(answer, 401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("body", [b"[]", b"3", b'"x"', b"{", b"\xff", b'{"title": "\\ud800"}', b"\x00"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "api/groups"), ("PATCH", GROUP), ("POST", f"{GROUP}/invites")]
)
async def test_a_body_that_is_no_json_object(raw, fetch, method, path, body):
    await fetch(f"{GROUP}/fixes", "POST", fix())
    assert refusal(await raw(path, method, body), 400, "invalid_json")["field"] == "body"


async def test_what_is_quoted_is_quoted_in_part(raw, fetch):
    await fetch(f"{GROUP}/fixes", "POST", fix())
    answer = await raw(GROUP, "PATCH", json.dumps({"tz": "x" * 100_000}).encode())
    message = refusal(answer, 400, "invalid_input")["message"]
    assert message.startswith("tz 'xxx")
    assert message.endswith("xxx' is not a time zone such as Asia/Seoul")
    assert len(message) < 2100
