"""Bytes that break WebSocket itself."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Open
from tests.conformance.helpers import spec, subscribe
from tests.support.raw import CLOSE, TEXT, Message, encode
from tests.support.served import Served


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
        pytest.param(b"\x88\x82\0\0\0\0\x03\xe7", 1002, id="close code 999"),
        pytest.param(b"\x88\x82\0\0\0\0\x03\xed", 1002, id="close code 1005"),
        pytest.param(b"\x02\x81\0\0\0\0\n\x82\x81\0\0\0\0\n", 1002, id="a message inside another"),
        pytest.param(b"\x01\x81\0\0\0\0\xec\x80\x81\0\0\0\0\xff", 1007, id="no UTF-8 over fragments"),
        pytest.param(b"\x82\xff\xff" + b"\0" * 11, 1002, id="a length with its highest bit"),
    ],
)
def test_broken_websocket_frames(connect: Open, frame: bytes, code: int) -> None:
    client = connect()
    client.socket.write(frame)
    assert client.socket.wait_for_close() == code


@spec("RFC 6455 5.6: text may be cut inside a letter")
def test_letters_over_fragments(connect: Open, topic: str) -> None:
    client = connect()
    subscribe(client, topic)
    wire = encode("SEND", {"destination": topic}, "한국".encode(), "1.2")
    cut = wire.index("한".encode()) + 1
    client.socket.send(wire[:cut], TEXT, fin=False)
    client.socket.send(wire[cut:], 0)
    assert client.expect("MESSAGE").text == "한국"


@spec("RFC 6455 5.5: the reason of a close has 123 bytes at most")
def test_long_reasons_are_cut(connect: Open) -> None:
    client = connect()
    client.send("SEND", {"destination": "/" + "한" * 300})
    client.expect("ERROR")
    assert client.socket.wait_for_close() == 1002  # and it is UTF-8, see RawSocket


@spec("RFC 6455 5.5.1: nothing is read after a close frame")
def test_data_behind_a_close_frame(connect: Open, topic: str) -> None:
    client, watcher = connect(), connect()
    subscribe(watcher, topic)
    client.socket.write(b"\x88\x80\0\0\0\0")
    client.write(encode("SEND", {"destination": topic}, b"late", "1.2"))
    assert client.socket.receive() == Message(CLOSE, b"")
    assert client.socket.receive() is None
    assert watcher.sync() == []


@spec("RFC 6455 4.1: names of any case, Connection may be a list; what is not agreed is not answered")
@pytest.mark.parametrize(
    "headers",
    [
        {"Upgrade": "WebSocket", "Connection": "keep-alive, Upgrade"},
        {"Connection": "upgrade"},
        {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"},
        {"Sec-WebSocket-Protocol": "v10.stomp, v12.stomp"},
        {"Sec-WebSocket-Protocol": "v10.stomp,v12.stomp"},
    ],
)
def test_upgrades(fresh: Open, served: Served, headers: dict[str, str]) -> None:
    client = fresh(headers=headers)
    assert client.socket.status == 101
    assert "sec-websocket-extensions" not in client.socket.answer
    assert client.socket.subprotocol == ("v12.stomp" if "Sec-WebSocket-Protocol" in headers else None)
    assert client.connect(passcode=served.token).command == "CONNECTED"


@spec("RFC 6455 4.2.1 and 4.2.2: what is no handshake is refused")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-WebSocket-Version": "8"}, 426),
        ({"Sec-WebSocket-Version": None}, 426),
        ({"Sec-WebSocket-Key": None}, 400),
        ({"Connection": "close"}, 400),
        ({"Upgrade": "h2c"}, 400),
        ({"Origin": "https://evil.example"}, 403),
    ],
)
def test_handshakes_that_are_refused(fresh: Open, headers: dict[str, str | None], status: int) -> None:
    assert fresh(headers=headers).socket.status == status
