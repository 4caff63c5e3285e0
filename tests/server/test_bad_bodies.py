"""Bodies that lie about their length are refused, and taken for no bug of the server."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from typing import Any

import pytest


@pytest.fixture
def post(http_server_client: Any, jp_http_port: int, jp_base_url: str, jp_auth_header: dict[str, str]) -> Any:
    """Send a POST as bytes, and return its status and its error, {} of what is none of ours."""

    async def send(header: bytes, token: str | None) -> tuple[int, dict[str, Any]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port, family=socket.AF_INET)
        try:
            who = jp_auth_header["Authorization"] if token is None else f"Bearer {token}"
            path = f"{jp_base_url}locshare/api/groups/hikers/fixes"
            head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{jp_http_port}"
            writer.write(f"{head}\r\nAuthorization: {who}\r\n".encode() + header + b"\r\n\r\n")
            answer = await reader.readuntil(b"\r\n\r\n")
            length = [int(line[15:]) for line in answer.split(b"\r\n") if line.startswith(b"Content-Length:")]
            said = await reader.readexactly(length[0]) if length else b"{}"
            return int(answer.split()[1]), json.loads(said).get("error", {})
        finally:
            writer.transport.abort()

    return send


@pytest.mark.parametrize("token", [None, "lsi_nobody_knows"])
@pytest.mark.parametrize(
    ("length", "status"), [(b"9" * 17, 413), (b"9" * 5000, 413), (b"\xb2", 400), (b"-1", 400), (b"1_0", 400)]
)
async def test_a_length_that_is_none(post, caplog, token, length, status):
    found, error = await post(b"Content-Length: " + length, token=token)
    assert found == (403 if token and status == 413 else status)
    assert found != 413 or error["code"] == "body_too_large"
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]
