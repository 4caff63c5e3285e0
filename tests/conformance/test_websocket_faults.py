"""Bytes that break WebSocket itself."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Open
from tests.conformance.helpers import spec


@spec("RFC 6455 7.4.1: what breaks WebSocket is closed with its code")
@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param(b"\x81\x82\0\0\0\0\xff\xfe", 1007, id="text that is no UTF-8"),
        pytest.param(b"\x82\x01\n", 1002, id="not masked"),
        pytest.param(b"\xc2\x81\0\0\0\0\n", 1002, id="a reserved bit"),
        pytest.param(b"\x83\x81\0\0\0\0\n", 1002, id="a reserved opcode"),
        pytest.param(b"\x80\x81\0\0\0\0\n", 1002, id="nothing to continue"),
        pytest.param(b"\x09\x80\0\0\0\0", 1002, id="a ping in fragments"),
        pytest.param(b"\x89\xfe\0\x7e\0\0\0\0" + b"x" * 126, 1002, id="a long ping"),
        pytest.param(b"\x88\x81\0\0\0\0\x03", 1002, id="half a close code"),
    ],
)
def test_broken_websocket_frames(connect: Open, frame: bytes, code: int) -> None:
    client = connect()
    client.socket.write(frame)
    assert client.socket.wait_for_close() == code
